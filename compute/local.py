"""The local backend: writes specs into the spool, reads what the supervisor says, keeps objects on the disk.

Any process may use it, many at once. It starts no process: `python -m compute.supervisor` does, and jobs wait for it.
"""

from __future__ import annotations

import shutil
import socket
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from compute.answers import answers_of, body_of
from compute.objects import Objects, existing, path_of
from compute.port import (
    NAME,
    EndpointObservation,
    EndpointSpec,
    EndpointState,
    EndpointUnavailable,
    InvalidSpec,
    JobConflict,
    JobNotFound,
    JobState,
    ModelRegistry,
    Observation,
    TrainingSpec,
    TransformSpec,
    spec_hash,
)
from compute.spool import Spool, locked, read_json, sync_folder, tail, write_bytes, write_json
from compute.unix_http import TRANSPORT_ERRORS, UnixConnection

NO_SUPERVISOR = "waiting_for_supervisor"


class LocalBackend:
    """`spool` is shared with the supervisor; objects are written under `artifacts` only. Implements ComputeBackend."""

    packages: ModelRegistry | None = None

    def __init__(self, spool: Path, artifacts: Path) -> None:
        self.spool = Spool(spool.resolve())
        self.objects = Objects(artifacts)
        self.spool.prepare()

    # Jobs

    def start_training(self, spec: TrainingSpec) -> None:
        if not self._known(spec):
            for uri in spec.channels.values():
                existing(uri)
            self._submit("training", spec)

    def start_transform(self, spec: TransformSpec) -> None:
        if not self._known(spec):
            for uri in (spec.artifact_uri, spec.input_uri):
                if not existing(uri).is_file():
                    raise InvalidSpec(f"not a file: {uri}")
            self._submit("transform", spec)

    def _known(self, spec: TrainingSpec | TransformSpec) -> bool:
        """Whether this very job exists. JobConflict when its name belongs to another."""
        folder = self.spool.jobs / spec.name
        if not folder.is_dir():
            return False
        record = read_json(folder / "spec.json")
        if record is None or record.get("hash") != spec_hash(spec):
            raise JobConflict(f"a job named {spec.name} exists with another spec")
        return True

    def _submit(self, kind: str, spec: TrainingSpec | TransformSpec) -> None:
        """Make the job's folder aside and rename it into place: of several callers exactly one creates it."""
        self.objects.writable(spec.output_uri)
        aside = self.spool.new / uuid4().hex
        aside.mkdir(mode=0o700)
        record = {"kind": kind, "hash": spec_hash(spec), "submitted_at": time.time(), "spec": asdict(spec)}
        write_json(aside / "spec.json", record)
        try:
            aside.rename(self.spool.jobs / spec.name)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            if not self._known(spec):
                raise
        sync_folder(self.spool.jobs)

    def observe(self, name: str) -> Observation:
        folder = self._job(name)
        status = read_json(folder / "status.json") or {}
        state = _job_state(status)
        sub_state = str(status.get("sub_state", "queued"))
        if not state.is_final:
            if (folder / "stop").exists():
                state = JobState.STOPPING
            if not self.spool.supervisor_alive():
                sub_state = NO_SUPERVISOR
        log = Path(status["log"]) if status.get("log") else folder / "log.txt"
        return Observation(
            state=state,
            sub_state=sub_state,
            progress=status.get("progress"),
            metrics=dict(status.get("metrics") or {}),
            phase=str(status.get("phase", "")),
            failure_reason=str(status.get("failure_reason", "")),
            artifact_uri=status.get("artifact_uri"),
            output_uri=status.get("output_uri"),
            started_at=_moment(status.get("started_at")),
            ended_at=_moment(status.get("ended_at")),
            log_tail=tail(log),
            processed=status.get("processed"),
        )

    def stop(self, name: str) -> None:
        folder = self._job(name)
        if not _job_state(read_json(folder / "status.json") or {}).is_final:
            write_bytes(folder / "stop", b"")

    def _job(self, name: str) -> Path:
        folder = self.spool.jobs / name
        if NAME.fullmatch(name) is None or not folder.is_dir():
            raise JobNotFound(f"no job named {name}")
        return folder

    # Objects

    def put(self, local: Path, uri: str) -> None:
        self.objects.put(local, uri)

    def get(self, uri: str, local: Path) -> None:
        self.objects.get(uri, local)

    def open(self, uri: str) -> BinaryIO:
        return self.objects.open(uri)

    def exists(self, uri: str) -> bool:
        return self.objects.exists(uri)

    def delete_prefix(self, uri: str) -> None:
        self.objects.delete_prefix(uri)

    # Endpoints

    def put_endpoint(self, spec: EndpointSpec) -> None:
        path_of(spec.artifact_uri)
        folder = self.spool.endpoints / spec.name
        with locked(self.spool.endpoints / ".lock"):
            folder.mkdir(mode=0o700, exist_ok=True)
            record = {"hash": spec_hash(spec), "spec": asdict(spec)}
            if read_json(folder / "spec.json") != record:
                write_json(folder / "spec.json", record)

    def observe_endpoint(self, name: str) -> EndpointObservation:
        folder = self.spool.endpoints / name
        record = read_json(folder / "spec.json") if NAME.fullmatch(name) else None
        if record is None and not (folder / "spec.json").exists():
            return EndpointObservation("absent")
        status = read_json(folder / "status.json") or {}
        if record is not None and record.get("deleted"):
            return EndpointObservation("deleting", status.get("artifact_uri"))
        state: EndpointState = status.get("state", "creating")
        reason = str(status.get("reason", ""))
        if state != "in_service" and not self.spool.supervisor_alive():
            reason = "the local-compute supervisor is not running"
        return EndpointObservation(state, status.get("artifact_uri"), reason)

    def delete_endpoint(self, name: str) -> None:
        if NAME.fullmatch(name) is None:
            return
        with locked(self.spool.endpoints / ".lock"):
            path = self.spool.endpoints / name / "spec.json"
            if path.exists():
                write_json(path, {**(read_json(path) or {}), "deleted": True})

    def invoke(self, name: str, records: list[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
        if not records:
            return []
        body = body_of(records)
        path, deadline = self._socket(name), time.monotonic() + timeout_s
        try:
            code, answer = _post(path, body, timeout_s, name)
        except EndpointUnavailable:
            # An update ends the former program at once: a call that had not reached it goes to its successor.
            successor, left = self._socket(name), deadline - time.monotonic()
            if successor == path or left <= 0:
                raise
            code, answer = _post(successor, body, left, name)
        return answers_of(code, answer, len(records), name)

    def _socket(self, name: str) -> Path:
        """Where the endpoint answers now."""
        observed = self.observe_endpoint(name)
        status = read_json(self.spool.endpoints / name / "status.json") or {}
        if observed.state != "in_service" or not status.get("socket"):
            raise EndpointUnavailable(f"endpoint {name} is {observed.state}: {observed.reason}".rstrip(": "))
        return Path(status["socket"])


def _post(path: Path, body: bytes, timeout_s: float, name: str) -> tuple[int, bytes]:
    connection = UnixConnection(path, timeout_s)
    try:
        headers = {"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}
        connection.request("POST", "/invocations", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except TRANSPORT_ERRORS as error:
        late = isinstance(error, (TimeoutError, socket.timeout))
        said = f"did not answer within {timeout_s:g} s" if late else "does not answer"
        raise EndpointUnavailable(f"endpoint {name} {said}") from error
    finally:
        connection.close()


def _job_state(status: dict[str, Any]) -> JobState:
    try:
        return JobState(status.get("state", JobState.SUBMITTING))
    except ValueError:
        return JobState.RUNNING


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
