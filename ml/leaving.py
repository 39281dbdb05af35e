"""Writes what a training leaves behind: the artifact's files, the form it will embed in, the manifest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import __version__
from ml.artifact import (
    ENCODER,
    HEAD,
    OUTLIERS,
    WORDS,
    base_name,
    encoder_fingerprint,
    write_manifest,
)
from ml.container import Hyperparameters, emit
from ml.encoder import Encoder, copy_encoder
from ml.finetune import Budget
from ml.forms import MOST_JUDGED, CannotRun, choose
from ml.machine import threads_asked
from ml.outcome import Outcome
from ml.outlier_rank import OutlierRank
from ml.pooling import read_pooling
from ml.schema import Manifest

Texts = tuple[list[str], list[str]]

HOPELESS = 0.4
"""With less than this share of the seconds a form is expected to take, none is begun."""


@dataclass(frozen=True)
class Leaving:
    """One artifact to write into ``folder``; whatever is there goes. ``check`` may raise to stop.

    ``form_seconds``: what is kept for the choice of a form, even where the time box is used up, and about what it
    takes.
    """

    folder: Path
    encoder: Encoder
    hyper: Hyperparameters
    labels: list[str]
    budget: Budget
    form_seconds: tuple[float, float]
    environment: Mapping[str, str]
    check: Callable[[], None]

    def write(self, outcome: Outcome, outliers: OutlierRank | None, base: Path, texts: Texts) -> Manifest:
        """Write everything. ``texts``: those a form is chosen on (`ml.forms.texts_for`)."""
        emit(phase="save", progress=0.95)
        self.check()
        self._files(outcome, outliers)
        pooling = read_pooling(self.folder / ENCODER, self.encoder.pooling.max_length)
        form = self._form(outcome, encoder_fingerprint(self.folder / ENCODER, pooling), texts)
        seconds = round(self.budget.spent(), 1)
        return write_manifest(
            self.folder,
            Manifest(
                kind="classifier",
                dim=self.encoder.dim,
                encoder=form["encoder"],
                base_model=base_name(base),
                created_by=f"ml.train {__version__}",
                labels=self.labels,
                temperature=outcome.temperature,
                hyperparameters={**self.hyper.to_strings(), "max_length": str(pooling.max_length)},
                metrics={**outcome.metrics, "temperature": outcome.temperature, "seconds": seconds},
                form=form,
                files={"-": "-"},
            ),
        )

    def _files(self, outcome: Outcome, outliers: OutlierRank | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        if outcome.is_tuned:
            self.encoder.save(self.folder / ENCODER)
        else:
            copy_encoder(self.encoder.folder, self.folder / ENCODER)
        outcome.head.save(self.folder / HEAD)
        if outcome.words:
            outcome.words.save(self.folder / WORDS)
        if outliers:
            outliers.save(self.folder / OUTLIERS)

    def _form(self, outcome: Outcome, fingerprint: str, texts: Texts) -> dict[str, Any]:
        """How the artifact will embed; a form there is no time for is left out, and float32 stays."""
        kept, needed = self.form_seconds
        until = time.monotonic() + max(kept, self.budget.left())
        is_hopeless = until - time.monotonic() < HOPELESS * needed

        def check() -> None:
            self.check()
            if is_hopeless or time.monotonic() > until:
                raise CannotRun(f"no time was left: it takes about {needed:.0f} s")

        judging = texts[1][:MOST_JUDGED]
        said = outcome.words.logits(judging) if outcome.words and judging else np.float32(0)

        def labels(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
            """What the whole model says of the texts to judge by: the words count for as much as they do live."""
            return np.asarray((outcome.head.logits(vectors) + said).argmax(axis=1), np.int64)

        threads = threads_asked(self.environment)
        form = choose(self.encoder, self.folder, fingerprint, (texts[0], judging), labels, threads, check)
        emit(form=form["name"], form_agreement=float(form.get("agreement", 1.0)))
        return form
