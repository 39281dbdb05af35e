"""A loaded artifact that answers records: embedding, calibrated probabilities, label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.artifact import ENCODER, HEAD, MANIFEST, verify_artifact
from ml.encoder import Encoder
from ml.probe import Head
from ml.schema import Manifest, TransformInput, TransformOutput, WireError

EMPTY = WireError("empty_text", "the text is empty")
NOT_FINITE = WireError("not_finite", "the model gave no finite answer for this text")


class Predictor:
    """``predict`` answers records in order, one output each. Not for several threads at once."""

    def __init__(self, manifest: Manifest, name: str, encoder: Encoder, head: Head | None) -> None:
        self.manifest = manifest
        self.name = name
        self.encoder = encoder
        self.head = head

    @classmethod
    def load(cls, folder: Path, name: str = "") -> Predictor:
        """Verify and load an artifact folder. ``name`` is what outputs call the model; without one, 16 hex
        digits of its manifest. ``ArtifactError`` or ``EncoderFolderError`` for a folder that cannot serve."""
        manifest = verify_artifact(folder)
        name = name or hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
        asked = manifest.hyperparameters.get("max_length", "")
        encoder = Encoder.load(folder / ENCODER, int(asked) if asked.isdigit() and int(asked) else None)
        head = None
        if manifest.kind == "classifier":
            head = Head.load(folder / HEAD, len(manifest.labels), manifest.dim)
        return cls(manifest, name, encoder, head)

    def predict(self, records: Sequence[TransformInput]) -> list[TransformOutput]:
        """One output per record, in order; a text that cannot be answered gets an error of its own."""
        asked = [place for place, record in enumerate(records) if record.text.strip()]
        embeddings = self.encoder.embed([records[place].text for place in asked])
        outputs = [self._error(record, EMPTY) for record in records]
        chances = self.head.probabilities(embeddings, self.manifest.temperature) if self.head else None
        for row, place in enumerate(asked):
            record, embedding = records[place], embeddings[row]
            probabilities = None if chances is None else chances[row]
            if not np.isfinite(embedding).all() or (
                probabilities is not None and not np.isfinite(probabilities).all()
            ):
                outputs[place] = self._error(record, NOT_FINITE)
                continue
            label = None if probabilities is None else self.manifest.labels[int(probabilities.argmax())]
            outputs[place] = TransformOutput(
                record.id, self.manifest.encoder, self.name, embedding, probabilities, label
            )
        return outputs

    def refuse(self, record_id: str, error: WireError) -> TransformOutput:
        """The output for a record that could not even be read."""
        return TransformOutput(record_id, self.manifest.encoder, self.name, error=error)

    def _error(self, record: TransformInput, error: WireError) -> TransformOutput:
        return self.refuse(record.id, error)
