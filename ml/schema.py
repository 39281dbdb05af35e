"""The wire contract between the platform and the model container: frozen dataclasses and JSON-line codecs.

A record in a file is one JSON object on one line. What comes from outside is checked field by field;
a bad record raises ``SchemaError`` with a code, and is answered by an error object, never dropped.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
"""Version of the artifact format this code reads and writes."""

TOMBSTONE = "tombstone"
"""The only field of a row whose ticket was erased: the hash the row had. It trains nothing."""

Vector = NDArray[np.float32]


class SchemaError(ValueError):
    """A record that does not follow the contract. ``code`` is stable, ``str()`` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class TransformInput:
    """A ticket to embed and predict; ``text`` is masked already.

    ``vector``: what an artifact of the space ``encoder`` made of this very text before. Whoever answers in that space
    need not embed it again; in any other it is not looked at.
    """

    id: str
    text: str
    encoder: str = ""
    vector: Vector | None = None

    def to_dict(self) -> dict[str, str]:
        known = {} if self.vector is None else {"encoder": self.encoder, "vector": encode_vector(self.vector)}
        return {"id": self.id, "text": self.text} | known

    @classmethod
    def from_dict(cls, record: Any) -> TransformInput:
        _require_object(record)
        vector = record.get("vector")
        return cls(
            id=_identifier(record),
            text=_string(record, "text"),
            encoder="" if vector is None else _string(record, "encoder"),
            vector=None if vector is None else decode_vector(vector),
        )


@dataclass(frozen=True)
class WireError:
    """Why a record has no answer: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class TransformOutput:
    """The answer to one ``TransformInput``.

    ``embedding`` has shape (dim,) and length 1; ``probabilities`` shape (n_labels,) in the order of the
    manifest's labels, or None for an encoder without head. ``outlier``: how strange the ticket is to the model, 0 =
    the most ordinary, 1 = the strangest; None from an artifact that cannot tell. With an ``error`` all are None.
    """

    id: str
    encoder: str
    model: str
    embedding: Vector | None = None
    probabilities: Vector | None = None
    label: str | None = None
    error: WireError | None = None
    outlier: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "encoder": self.encoder,
            "model": self.model,
            "embedding": None if self.embedding is None else encode_vector(self.embedding),
            "dim": 0 if self.embedding is None else int(self.embedding.shape[0]),
            "probabilities": None if self.probabilities is None else encode_vector(self.probabilities),
            "label": self.label,
            "outlier": self.outlier,
            "error": None if self.error is None else asdict(self.error),
        }

    @classmethod
    def from_dict(cls, record: Any) -> TransformOutput:
        """Check and decode an answer; ``SchemaError`` when it breaks the contract."""
        _require_object(record)
        error = record.get("error")
        if error is not None:
            if not isinstance(error, dict):
                raise SchemaError("bad_error", "error must be null or an object")
            wire_error = WireError(str(error.get("code", "unknown")), str(error.get("message", "")))
            # A record without a readable id is answered under an empty one.
            return cls(str(record.get("id", "")), *_names(record), error=wire_error)
        embedding = decode_vector(record.get("embedding"))
        if embedding.shape[0] != record.get("dim"):
            raise SchemaError(
                "bad_dim", f"dim says {record.get('dim')}, the embedding has {embedding.shape[0]}"
            )
        probabilities = record.get("probabilities")
        label = record.get("label")
        if label is not None and not isinstance(label, str):
            raise SchemaError("bad_label", "label must be null or a string")
        return cls(
            _identifier(record),
            *_names(record),
            embedding=embedding,
            probabilities=None if probabilities is None else decode_vector(probabilities),
            label=label,
            outlier=_outlier(record),
        )


@dataclass(frozen=True)
class TrainingRow:
    """A labelled ticket: masked text, the service's code, its near-duplicate group, a positive weight."""

    id: str
    text: str
    label: str
    group: str
    weight: float = 1.0
    origin: str = "person"

    @classmethod
    def from_dict(cls, record: Any) -> TrainingRow:
        _require_object(record)
        weight = record.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise SchemaError("bad_weight", "weight must be a number")
        if not math.isfinite(weight) or weight <= 0:
            raise SchemaError("bad_weight", "weight must be positive and finite")
        label = _string(record, "label")
        if not label:
            raise SchemaError("empty_label", "label is empty")
        row_id = _identifier(record)
        return cls(
            id=row_id,
            text=_string(record, "text"),
            label=label,
            group=str(record.get("group") or row_id),
            weight=float(weight),
            origin=str(record.get("origin", "person")),
        )


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself. ``files`` maps each relative path to its sha256.

    ``encoder`` names the space of the vectors it answers with. ``form``: how it embeds, what was tried and measured
    (``ml.forms``); empty in artifacts from before there were forms, which embed in float32.
    """

    kind: str
    dim: int
    encoder: str
    base_model: str
    created_by: str
    labels: list[str] = field(default_factory=list)
    temperature: float = 1.0
    hyperparameters: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def from_dict(cls, record: Any) -> Manifest:
        """Check a manifest; ``SchemaError`` with code ``manifest_invalid`` or ``unsupported_format``."""
        if not isinstance(record, dict):
            raise SchemaError("manifest_invalid", "the manifest is not an object")
        if record.get("format") != FORMAT:
            raise SchemaError(
                "unsupported_format", f"artifact format {record.get('format')!r}, expected {FORMAT}"
            )
        manifest = cls(
            **{name: record[name] for name in cls.__dataclass_fields__ if name in record} | _blanks(record)
        )
        manifest._check()
        return manifest

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def _check(self) -> None:
        is_named = all(isinstance(label, str) and label for label in self.labels)
        checks = {
            "kind": self.kind in ("classifier", "encoder"),
            "labels": isinstance(self.labels, list)
            and is_named
            and len(set(self.labels)) == len(self.labels),
            "labels for its kind": bool(self.labels) == (self.kind == "classifier"),
            "dim": isinstance(self.dim, int) and self.dim > 0,
            "encoder": isinstance(self.encoder, str) and bool(self.encoder),
            "temperature": isinstance(self.temperature, (int, float)) and self.temperature > 0,
            "files": isinstance(self.files, dict) and bool(self.files),
            "hyperparameters": isinstance(self.hyperparameters, dict),
            "metrics": isinstance(self.metrics, dict),
            "form": isinstance(self.form, dict),
        }
        wrong = [name for name, is_right in checks.items() if not is_right]
        if wrong:
            raise SchemaError("manifest_invalid", f"the manifest's {', '.join(wrong)} is not right")


def _blanks(record: dict[str, Any]) -> dict[str, Any]:
    required = {"kind": "", "dim": 0, "encoder": "", "base_model": "", "created_by": ""}
    return {name: blank for name, blank in required.items() if name not in record}


def encode_vector(vector: Vector) -> str:
    """Base64 of the little-endian float32 bytes of a vector."""
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode("ascii")


def decode_vector(text: Any) -> Vector:
    """The vector of ``encode_vector``; ``SchemaError`` for anything else and for a value not finite."""
    if not isinstance(text, str):
        raise SchemaError("bad_vector", "a vector must be a base64 string")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SchemaError("bad_vector", "a vector is not valid base64") from error
    if not raw or len(raw) % 4:
        raise SchemaError("bad_vector", f"a vector of {len(raw)} bytes is not made of 32-bit floats")
    vector = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    if not np.isfinite(vector).all():
        raise SchemaError("bad_vector", "a vector holds a value that is not finite")
    return vector


def parse_line(line: str | bytes) -> Any:
    """The JSON value of one line; ``SchemaError`` with code ``bad_json`` when it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SchemaError("bad_json", "the line is not valid JSON") from error


def dump_line(record: dict[str, Any]) -> str:
    """One JSON line, with its end of line. Escaped to ASCII, so that no reader splits it elsewhere."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def read_training_rows(lines: Iterable[str]) -> Iterator[TrainingRow]:
    """The rows of a ``rows.jsonl``; ``SchemaError`` names the first bad line.

    Blank lines and tombstones are skipped.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = parse_line(line)
            if isinstance(record, dict) and set(record) == {TOMBSTONE}:
                continue
            yield TrainingRow.from_dict(record)
        except SchemaError as error:
            raise SchemaError(error.code, f"line {number}: {error}") from error


def _require_object(record: Any) -> None:
    if not isinstance(record, dict):
        raise SchemaError("not_an_object", "the record is not a JSON object")


def _identifier(record: dict[str, Any]) -> str:
    value = record.get("id")
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise SchemaError("bad_id", "id must be a string or an integer")
    return str(value)


def _string(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        raise SchemaError(f"missing_{name}", f"{name} is missing")
    if not isinstance(value, str):
        raise SchemaError(f"bad_{name}", f"{name} must be a string")
    return value


def _outlier(record: dict[str, Any]) -> float | None:
    """Optional: artifacts from before there were outlier ranks say nothing of it."""
    value = record.get("outlier")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise SchemaError("bad_outlier", "outlier must be null or a number from 0 to 1")
    return float(value)


def _names(record: dict[str, Any]) -> tuple[str, str]:
    return str(record.get("encoder", "")), str(record.get("model", ""))
