"""The compute port: what the house asks of a place where jobs run, whichever place it is.

Adapters (`compute.local`, `compute.sagemaker`) implement `ComputeBackend`; callers import only this module and
`compute.registry`. URIs are `file:///…` or `s3://…`, as the backend understands them; callers build them by joining
onto `ARTIFACTS_URI`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, Protocol

NAME = re.compile(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,62}")
CHANNEL = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
HYPERPARAMETERS_AT_MOST = 100
FAILURE_REASON_AT_MOST = 1024


class ComputeError(Exception):
    """Any refusal or failure of a backend.

    `retryable`: the same call may succeed later. `whose_fault`: the caller's, the platform's or the program's.
    """

    code: ClassVar[str] = "compute_error"
    retryable: ClassVar[bool] = False
    whose_fault: ClassVar[Literal["caller", "platform", "program"]] = "platform"


class JobNotFound(ComputeError):
    """No job of this name was ever started here."""

    code = "job_not_found"
    whose_fault = "caller"


class JobConflict(ComputeError):
    """The name is taken by a job with another spec."""

    code = "job_conflict"
    whose_fault = "caller"


class InvalidSpec(ComputeError):
    """The spec, URI or payload can never be accepted as it is."""

    code = "invalid_spec"
    whose_fault = "caller"


class ArtifactMissing(ComputeError):
    """The object named by a URI is not there."""

    code = "artifact_missing"
    whose_fault = "caller"


class CapacityError(ComputeError):
    """The place has no machine or disk for this now."""

    code = "capacity"
    retryable = True


class Throttled(ComputeError):
    """Too many calls, or a full queue: slow down and call again."""

    code = "throttled"
    retryable = True


class PlatformUnavailable(ComputeError):
    """The place does not answer, or answers with a fault of its own; whether the call took effect is not known."""

    code = "platform_unavailable"
    retryable = True


class EndpointBusy(ComputeError):
    """The endpoint is being created, updated or deleted: wish again once it has come to rest."""

    code = "endpoint_busy"
    retryable = True


class EndpointUnavailable(ComputeError):
    """The endpoint is absent, starting, or does not answer in time."""

    code = "endpoint_unavailable"
    retryable = True


class ProgramError(ComputeError):
    """The serving program answered, but with an error or with something else than one record per record."""

    code = "program_error"
    whose_fault = "program"


class JobState(StrEnum):
    """PLANNED → SUBMITTING → RUNNING → SUCCEEDED | FAILED | STOPPED | TIMED_OUT, and RUNNING → STOPPING → STOPPED."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.STOPPED, JobState.TIMED_OUT})
EndpointState = Literal["absent", "creating", "in_service", "failed", "deleting"]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidSpec(message)


def _check_name(name: str) -> None:
    _require(
        isinstance(name, str) and len(name) <= 63 and NAME.fullmatch(name) is not None,
        f"a name has 1 to 63 letters, digits and single inner hyphens, not {name!r}",
    )


def _check_strings(what: str, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        _require(
            isinstance(key, str) and isinstance(value, str), f"{what}: {key!r} must map a string to a string"
        )


def _check_seconds(seconds: int) -> None:
    _require(
        isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0,
        f"max_seconds must be a positive whole number of seconds, not {seconds!r}",
    )


def _check_uri(uri: str) -> None:
    _require(
        isinstance(uri, str) and uri.startswith(("file:///", "s3://")),
        f"not a file:/// or s3:// URI: {uri!r}",
    )


@dataclass(frozen=True)
class TrainingSpec:
    """One training. `channels` maps a channel name to the URI of one object or of a folder.

    The artifact appears at `<output_uri>/<name>/output/model.tar.gz`. `tags` are for people and take no part
    in identity.
    Raises InvalidSpec when built with values no backend can accept.
    """

    name: str
    channels: dict[str, str]
    hyperparameters: dict[str, str]
    output_uri: str
    max_seconds: int
    environment: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_name(self.name)
        _require(bool(self.channels), "a training needs at least one channel")
        for channel, uri in self.channels.items():
            _require(
                CHANNEL.fullmatch(channel) is not None and channel not in {".", ".."},
                f"not a channel name: {channel!r}",
            )
            _check_uri(uri)
        _check_strings("hyperparameters", self.hyperparameters)
        _require(len(self.hyperparameters) <= HYPERPARAMETERS_AT_MOST, "at most 100 hyperparameters")
        _check_uri(self.output_uri)
        _check_seconds(self.max_seconds)
        _check_strings("environment", self.environment)


@dataclass(frozen=True)
class TransformSpec:
    """One batch transform of one JSONL object.

    Its result is `<output_uri>/<file name of input_uri>.out`, line for line.
    """

    name: str
    artifact_uri: str
    input_uri: str
    output_uri: str
    max_seconds: int
    environment: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_name(self.name)
        for uri in (self.artifact_uri, self.input_uri, self.output_uri):
            _check_uri(uri)
        _check_seconds(self.max_seconds)
        _check_strings("environment", self.environment)


@dataclass(frozen=True)
class EndpointSpec:
    """The state wished for a named endpoint: which artifact answers under this name."""

    name: str
    artifact_uri: str
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_uri(self.artifact_uri)
        _check_strings("environment", self.environment)


def spec_hash(spec: TrainingSpec | TransformSpec | EndpointSpec) -> str:
    """64 hex naming everything that makes two specs the same piece of work (its kind included, its tags not)."""
    content: dict[str, Any] = asdict(spec)
    content.pop("tags", None)
    content["kind"] = type(spec).__name__
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Observation:
    """What is known of a job now.

    `sub_state` is the backend's own word, for people; unknown values must not break a caller. `progress` is 0..1 or
    None. `metrics` holds the last value of each metric of the log (`step`, `steps`, `epoch`, `train_loss`,
    `validation_accuracy`, …). `artifact_uri` (training) and `output_uri` (transform, the `.out` object itself) are set
    only once SUCCEEDED. `failure_reason` has at most 1,024 characters and is the program's text: escape it.
    `processed` counts transform records. `failure_code` is `capacity` when FAILED for want of a machine, else empty.
    `billable_seconds` of `instance_type` are what the job costs so far; None where nothing is billed.
    `price_per_hour` of one such machine is None where the installation gave none.
    `log_url` is where a person reads the whole log in a browser; empty where there is no such page.
    """

    state: JobState
    sub_state: str = ""
    progress: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    phase: str = ""
    failure_reason: str = ""
    artifact_uri: str | None = None
    output_uri: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    log_tail: str = ""
    processed: int | None = None
    failure_code: str = ""
    instance_type: str = ""
    billable_seconds: int | None = None
    price_per_hour: float | None = None
    log_url: str = ""


@dataclass(frozen=True)
class EndpointObservation:
    """`artifact_uri` is what answers now: an update is done only when `in_service` with the artifact asked for.

    An update that failed leaves `in_service` with the former artifact, and says why in `reason`.
    """

    state: EndpointState
    artifact_uri: str | None = None
    reason: str = ""


class ModelRegistry(Protocol):
    """Where the place keeps a list of models and whether people approved them. It decides nothing by itself."""

    def register(self, artifact_uri: str, metrics: dict[str, float], properties: dict[str, str]) -> str:
        """Enter an artifact, waiting for approval; returns its address there. Idempotent by the artifact."""
        ...

    def approve(self, arn: str, approved: bool, why: str) -> None:
        """Approve or reject what was entered; may be changed later."""

    def status(self, arn: str) -> str:
        """The registry's own word for it."""
        ...


class ComputeBackend(Protocol):
    """A place where jobs run. Every method is short: none waits for a job.

    `packages` is the place's model registry; None where there is none.
    """

    packages: ModelRegistry | None

    def start_training(self, spec: TrainingSpec) -> None:
        """Start, or adopt the same job started before. JobConflict when the name belongs to another spec."""

    def start_transform(self, spec: TransformSpec) -> None:
        """As start_training."""

    def observe(self, name: str) -> Observation:
        """JobNotFound when no job of this name was ever started."""
        ...

    def stop(self, name: str) -> None:
        """Ask a job to stop. Idempotent; nothing happens to a finished job. JobNotFound as observe."""

    def put(self, local: Path, uri: str) -> None:
        """Copy a file, or a folder with all it holds, to `uri`; a file appears whole or not at all."""

    def get(self, uri: str, local: Path) -> None:
        """Copy an object (or everything under a prefix) to `local`. ArtifactMissing."""

    def open(self, uri: str) -> BinaryIO:
        """A readable binary stream of one object. ArtifactMissing."""
        ...

    def exists(self, uri: str) -> bool:
        """Whether an object, or anything under this prefix, is there."""
        ...

    def delete_prefix(self, uri: str) -> None:
        """Delete the object or everything under the prefix. Idempotent."""

    def put_endpoint(self, spec: EndpointSpec) -> None:
        """Wish for an endpoint, or change what answers under its name. Idempotent.

        EndpointBusy when the wish cannot be taken now. A wish that failed is not tried again until another was made:
        wish for the former artifact to go back to it, then for the new one to try anew.
        """

    def observe_endpoint(self, name: str) -> EndpointObservation:
        """`absent` when there is none."""
        ...

    def delete_endpoint(self, name: str) -> None:
        """Idempotent. EndpointBusy when it cannot be deleted now."""

    def invoke(self, name: str, records: list[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
        """One answer per record, same order. EndpointUnavailable, Throttled, ProgramError, InvalidSpec (too large)."""
        ...
