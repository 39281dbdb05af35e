"""A loaded artifact that answers records: embedding, calibrated probabilities, label, outlier rank."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ENCODER, HEAD, MANIFEST, OUTLIERS, WORDS, encoder_fingerprint, verify_artifact
from ml.float_graph import load_float
from ml.forms import BF16, FP32, GRAPHS, CannotRun, fingerprint_of, load_graph
from ml.machine import BF16_FLAGS, cpu_flags, threads_asked
from ml.outlier_rank import OutlierRank
from ml.pooling import read_pooling
from ml.probe import Head
from ml.schema import Manifest, TransformInput, TransformOutput, WireError
from ml.softmax import softmax
from ml.words import WordsHead

Floats = NDArray[np.float32]

EMPTY = WireError("empty_text", "the text is empty")
NOT_FINITE = WireError("not_finite", "the model gave no finite answer for this text")


class Embedder(Protocol):
    """What embeds: ``ml.encoder.Encoder`` or ``ml.fast_encoder.FastEncoder``."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Predictor:
    """``predict`` answers records in order, one output each; for at most ``at_once`` threads at a time.

    ``space``: the name of the space its vectors lie in. It is the manifest's ``encoder``, unless this machine cannot
    run the artifact's form: then the vectors are those of float32, under float32's name.
    """

    def __init__(
        self,
        manifest: Manifest,
        name: str,
        encoder: Embedder,
        head: Head | None,
        space: str = "",
        words: WordsHead | None = None,
        outliers: OutlierRank | None = None,
    ) -> None:
        self.manifest = manifest
        self.space = space or manifest.encoder
        self.name = name
        self.encoder = encoder
        self.head = head
        self.words = words
        self.outliers = outliers

    @property
    def at_once(self) -> int:
        """How many threads may ask side by side: as many as the encoder works on batches (1 if it says nothing)."""
        return int(getattr(self.encoder, "at_once", 1))

    @classmethod
    def load(cls, folder: Path, name: str = "", environment: Mapping[str, str] = os.environ) -> Predictor:
        """Verify and load an artifact folder. ``name`` is what outputs call the model; without one, 16 hex
        digits of its manifest. ``environment`` says how many threads to use.

        A form this machine cannot run is said on stderr, and float32 answers instead. ``ArtifactError`` or
        ``EncoderFolderError`` for a folder that cannot serve at all."""
        manifest = verify_artifact(folder)
        name = name or hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
        encoder, space = _embedder(folder, manifest, environment)
        head, words, outliers = None, None, None
        if manifest.kind == "classifier":
            head = Head.load(folder / HEAD, len(manifest.labels), manifest.dim)
            if WORDS in manifest.files:
                words = WordsHead.load(folder / WORDS, len(manifest.labels))
            if OUTLIERS in manifest.files:
                outliers = OutlierRank.load(folder / OUTLIERS, len(manifest.labels), manifest.dim)
        return cls(manifest, name, encoder, head, space, words, outliers)

    def predict(self, records: Sequence[TransformInput]) -> list[TransformOutput]:
        """One output per record, in order; a text that cannot be answered gets an error of its own."""
        asked = [place for place, record in enumerate(records) if record.text.strip()]
        texts = [records[place].text for place in asked]
        embeddings = self._embeddings([records[place] for place in asked])
        outputs = [self._error(record, EMPTY) for record in records]
        chances = self._probabilities(texts, embeddings)
        ranks = self._ranks(embeddings, chances)
        for row, place in enumerate(asked):
            record, embedding = records[place], embeddings[row]
            probabilities = None if chances is None else chances[row]
            if not np.isfinite(embedding).all() or (
                probabilities is not None and not np.isfinite(probabilities).all()
            ):
                outputs[place] = self._error(record, NOT_FINITE)
                continue
            label = None if probabilities is None else self.manifest.labels[int(probabilities.argmax())]
            outlier = None if ranks is None else float(ranks[row])
            outputs[place] = TransformOutput(
                record.id, self.space, self.name, embedding, probabilities, label, outlier=outlier
            )
        return outputs

    def _embeddings(self, records: Sequence[TransformInput]) -> Floats:
        """(n, dim): what a record brings of this very space, and what is made of the other texts."""
        found = np.zeros((len(records), self.manifest.dim), np.float32)
        fresh = []
        for row, record in enumerate(records):
            if (
                record.vector is not None
                and record.encoder == self.space
                and len(record.vector) == found.shape[1]
            ):
                found[row] = record.vector
            else:
                fresh.append(row)
        if fresh:
            found[fresh] = self.encoder.embed([records[row].text for row in fresh])
        return found

    def _probabilities(self, texts: Sequence[str], embeddings: NDArray[np.float32]) -> Floats | None:
        """(n, n_labels), or None of an artifact without a head."""
        if self.head is None:
            return None
        logits = self.head.logits(embeddings)
        if self.words and texts:
            logits = logits + self.words.logits(texts)
        return softmax(logits / np.float32(self.manifest.temperature))

    def _ranks(self, embeddings: NDArray[np.float32], chances: Floats | None) -> Floats | None:
        """Outlier ranks (n,), of no use where an embedding is not finite; None of an artifact that cannot tell."""
        if self.outliers is None or chances is None:
            return None
        return self.outliers.of(np.nan_to_num(embeddings), chances.argmax(axis=1))

    def refuse(self, record_id: str, error: WireError) -> TransformOutput:
        """The output for a record that could not even be read."""
        return TransformOutput(record_id, self.space, self.name, error=error)

    def _error(self, record: TransformInput, error: WireError) -> TransformOutput:
        return self.refuse(record.id, error)


def _embedder(folder: Path, manifest: Manifest, environment: Mapping[str, str]) -> tuple[Embedder, str]:
    """(what embeds, the name of its space)."""
    form = str(manifest.form.get("name", FP32))
    asked = manifest.hyperparameters.get("max_length", "")
    longest = int(asked) if asked.isdigit() and int(asked) else None
    try:
        if form in GRAPHS:
            if fingerprint_of(manifest.form, folder) != manifest.encoder:
                raise CannotRun("its files are not those of the space it names")
            pooling = read_pooling(folder / ENCODER, longest)
            return load_graph(folder, pooling, threads_asked(environment)), manifest.encoder
        if form == BF16 and not BF16_FLAGS & set(cpu_flags()):
            raise CannotRun("this CPU has no bfloat16 products")
        if form not in (FP32, BF16):
            raise CannotRun("this program does not know that form")
    except (CannotRun, ImportError) as error:
        space = encoder_fingerprint(folder / ENCODER, read_pooling(folder / ENCODER, longest))
        print(
            f"the artifact's {form} form cannot be used here ({error}): float32 answers instead, in the space "
            f"{space}",
            file=sys.stderr,
            flush=True,
        )
        form = FP32
    else:
        space = manifest.encoder
    if form == FP32:
        try:
            return load_float(
                folder, read_pooling(folder / ENCODER, longest), threads_asked(environment)
            ), space
        except CannotRun as error:
            print(f"torch embeds: {error}", file=sys.stderr, flush=True)
    from ml.encoder import Encoder, set_threads

    set_threads(environment)
    encoder = Encoder.load(folder / ENCODER, longest)
    encoder.bf16 = form == BF16
    return encoder, space
