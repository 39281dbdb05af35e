"""One training from channels to artifact: the phases of ``ml.train``, in order (its docstring says which)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import augment
from ml.artifact import encoder_folder
from ml.challenge import Challenge
from ml.channels import find_base, read_pool, read_rows
from ml.container import (
    ContainerPaths,
    Hyperparameters,
    emit,
    read_config,
    read_resources,
)
from ml.crossed import crossed
from ml.dataset import class_weights, fingerprint
from ml.encoder import Encoder, set_threads
from ml.finetune import CHECKPOINT, CHECKPOINT_FORMAT, Budget, Stopped, TuningState
from ml.forms import form_seconds, texts_for
from ml.kept import KeptVectors
from ml.leaving import Leaving
from ml.mixture import Companion, Mixture
from ml.ordinary import Model, affordable, learn_ranks
from ml.outcome import Outcome
from ml.outlier_rank import OutlierRank
from ml.probe import Head, Score, score
from ml.rows import FEWEST_VALIDATION, Rows
from ml.schema import Manifest, TrainingRow
from ml.taught import pool_rows
from ml.teaching import Teaching
from ml.tuning import read_checkpoint_state

SAVE_SECONDS = 5.0
WORDS_SECONDS = 60.0
"""What the head over words may take even when a slow machine has used up the time box: mostly it takes seconds, and on
the demo's tickets it is worth 10 to 20 points. The job's own limit leaves more."""
CROSSED_COST, CROSSED_SHARE = 8.0, 0.2
"""Asking all labelled rows takes about so many times as long as learning the words once, and at most this share of the
time that is left; half of ``WORDS_SECONDS`` in any case."""

FORM_SHARE = 0.1
"""Of the time box, kept for the choice of a form, whatever came before took."""

EMBEDDINGS = "embeddings.npz"

Floats = NDArray[np.float32]


class Trainer:
    """Runs a training in a container's tree. Errors of the input are ``ContainerError`` and its kin."""

    def __init__(
        self,
        paths: ContainerPaths,
        environment: Mapping[str, str],
        is_stopping: Callable[[], bool],
        scratch: Path,
    ) -> None:
        self.paths = paths
        self.environment = environment
        self.is_stopping = is_stopping
        self.scratch = scratch

    def run(self) -> Manifest:
        """Train, and return the manifest of the artifact written into the model folder."""
        self.hyper = Hyperparameters.from_strings(read_config(self.paths.config / "hyperparameters.json"))
        self.budget = Budget(self.hyper.max_seconds)
        read_resources(self.paths)
        given = read_rows(self.paths)
        self.pool_texts = read_pool(self.paths)
        base = find_base(self.paths, self.environment, self.scratch)
        set_threads(self.environment)
        emit(phase="embedding", progress=0.0)
        self.base = encoder_folder(base)
        self.encoder = Encoder.load(self.base, self.hyper.max_length or None)
        self.labels = sorted({row.label for row in given[0]})
        self._resume(given)
        train, validation, everything = self._split(*given)
        self.teaching = Teaching(
            self.labels, self.pool_texts, self.pool, self.pace, self.hyper.max_seconds, self.hyper.seed
        )
        self._check_stop()
        needed = form_seconds(self.pace, len(self.pool_texts))
        self.forming = min(needed, FORM_SHARE * self.hyper.max_seconds)
        outcome = self._fit(train, validation, everything)
        held_back = validation.texts if validation else []
        texts = texts_for([row.text for row in given[0]], held_back, self.pool_texts, self.hyper.seed)
        leaving = Leaving(
            self.paths.model,
            self.encoder,
            self.hyper,
            self.labels,
            self.budget,
            (self.forming, needed),
            self.environment,
            self._check_stop,
        )
        manifest = leaving.write(outcome, self._outliers(outcome, everything), base, texts)
        for name in (CHECKPOINT, EMBEDDINGS):
            (self.paths.checkpoints / name).unlink(missing_ok=True)
        return manifest

    def _resume(self, given: tuple[list[TrainingRow], list[TrainingRow]]) -> None:
        """Recognise a checkpoint of this very training; one of another is left alone and overwritten."""
        told = json.dumps(self.hyper.to_strings(), sort_keys=True)
        parts = [
            fingerprint(given[0]),
            fingerprint(given[1]),
            self.encoder.fingerprint(),
            told,
            CHECKPOINT_FORMAT,
        ]
        parts += self.pool_texts
        self.identity = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        path = self.paths.checkpoints / CHECKPOINT
        state = read_checkpoint_state(path) if path.is_file() else None
        is_ours = state is not None and state.get("identity") == self.identity
        self.resumed = TuningState(**state) if state and is_ours else None
        if self.resumed:
            self.budget.spent_before = self.resumed.spent
            emit(phase="resume", spent_seconds=self.resumed.spent)

    def _split(
        self, train: list[TrainingRow], validation: list[TrainingRow]
    ) -> tuple[Rows, Rows | None, Rows]:
        """(rows to fit, rows to judge by, rows to fit in the end). Rows to judge by may be none."""
        hyper = self.hyper
        copies = augment.noisy_copies(
            train, share=hyper.noise_share, floor=hyper.rare_floor, level=hyper.noise_level, seed=hyper.seed
        )
        embeddings = self._embed([*train, *copies, *validation])
        n, m = len(train), len(train) + len(copies)
        everything = Rows.of(train, self.labels, embeddings[:n])
        noise = Rows.of(copies, self.labels, embeddings[n:m])
        fitted, held = (
            everything.split(hyper.validation_share, hyper.seed) if not validation else (everything, None)
        )
        if len(validation) >= FEWEST_VALIDATION:
            held = Rows.of(validation, self.labels, embeddings[m:])
        return self._cared_for(fitted, noise), held, self._cared_for(everything, noise)

    def _cared_for(self, rows: Rows, noise: Rows) -> Rows:
        """Rows to fit with their noisy copies, never those of a row held back, and the weights of rare labels."""
        groups = {row.group for row in rows.rows}
        joined = rows.joined(noise.pick([at for at, row in enumerate(noise.rows) if row.group in groups]))
        return joined.weighing(class_weights([row.label for row in joined.rows], self.hyper.class_balance))

    def _embed(self, rows: list[TrainingRow]) -> Floats:
        path = self.paths.checkpoints / EMBEDDINGS
        if kept := KeptVectors.load(path, self.identity):
            self.pace, self.pool = kept.seconds / len(rows), kept.pool
            return kept.embeddings

        def report(done: int) -> None:
            self._check_stop()
            share = 0.12 if self.pool_texts else 0.25
            emit(phase="embedding", progress=share * done / len(rows), step=done, steps=len(rows))

        def report_pool(done: int) -> None:
            self._check_stop()
            emit(phase="embedding", progress=0.12 + 0.13 * done / len(texts), step=done, steps=len(texts))

        began = time.monotonic()
        embeddings = self.encoder.embed([row.text for row in rows], on_batch=report)
        seconds = time.monotonic() - began
        self.pace = seconds / len(rows)
        texts = self.pool_texts[: pool_rows(len(self.pool_texts), self.pace, self.hyper.max_seconds)]
        self.pool = self.encoder.embed(texts, on_batch=report_pool)
        KeptVectors(embeddings, self.pool, seconds).save(path, self.identity)
        return embeddings

    def _fit(self, train: Rows, validation: Rows | None, everything: Rows) -> Outcome:
        emit(phase="probe", progress=0.25)
        copies = sum(row.origin == augment.ORIGIN for row in everything.rows)
        figures: dict[str, Any] = {
            "n_rows": len(everything.rows) - copies,
            "n_noise": copies,
            "n_labels": len(self.labels),
        }
        tuned: Outcome | None = None
        self.crossed: Mixture | None = None
        companion, logits = None, None
        if validation is not None and len(self.labels) > 1:
            held_back = len(everything.rows) > len(train.rows)
            own = len(train.rows)
            companion = Companion(train, validation, len(self.labels), self.pool_texts)
            head, _, train = self.teaching.probe(train)
            logits = head.logits(validation.embeddings)
            judged = score(logits, validation.targets)
            emit(phase="probe", validation_accuracy=judged.accuracy, validation_loss=judged.loss)
            figures |= {
                "n_taught": len(train.rows) - own,
                "n_validation": len(validation.rows),
                "probe_accuracy": judged.accuracy,
            }
            figures |= {"validation_accuracy": judged.accuracy, "validation_loss": judged.loss}
            self.words_seconds = companion.seconds
            self._listen(companion, everything)
            others = everything if held_back else None
            tuned = self._challenge((train, validation, others), (head, judged), companion, figures)
        self._check_stop()
        emit(phase="calibrate", progress=0.93)
        if tuned is None:
            if figures.get("steps"):
                # What was tuned and not taken is still in memory, and the fast forms are made from that.
                self.encoder = Encoder.load(self.base, self.hyper.max_length or None)
            head, temperature, _ = self.teaching.probe(everything)
            tuned = Outcome(head, temperature, False, {**figures, "chosen": "probe"}, logits)
        return self._with_words(tuned, companion, everything)

    def _listen(self, companion: Companion, everything: Rows) -> None:
        """How much to listen to the words, told by every labelled row, where there is time to ask them all."""
        self._check_stop()
        if CROSSED_COST * companion.seconds > max(WORDS_SECONDS / 2, CROSSED_SHARE * self.budget.left()):
            emit(phase="words", skipped="crossing")
            return
        points, folds = self.teaching.points(everything), self.teaching.folds(everything)
        self.crossed = crossed(points, everything, folds, self.pool_texts)
        if self.crossed:
            companion.listen(self.crossed.share)

    def _with_words(self, outcome: Outcome, companion: Companion | None, everything: Rows) -> Outcome:
        """The same outcome, joined by the head over words where that answers held-out rows better."""
        if companion is None or outcome.judged is None:
            return outcome
        head, mixture = outcome.head, companion.mixture(outcome.judged)
        if self.crossed and not outcome.is_tuned:
            sure = np.float32(outcome.temperature)
            head, mixture = Head(head.weight / sure, head.bias / sure), self.crossed
        if mixture.listens and companion.seconds > max(WORDS_SECONDS, self.budget.left() - SAVE_SECONDS):
            emit(phase="words", skipped="no_time")
            return outcome
        figures = {**outcome.metrics, "words_share": round(1 - mixture.share, 2)}
        if not mixture.listens:
            return replace(outcome, metrics=figures)
        head, words = companion.heads(mixture, head, everything)
        return replace(outcome, head=head, words=words, temperature=mixture.temperature, metrics=figures)

    def _challenge(
        self,
        rows: tuple[Rows, Rows, Rows | None],
        probe: tuple[Head, Score],
        companion: Companion,
        figures: dict[str, Any],
    ) -> Outcome | None:
        """The fine-tuned model, or None when the probe was not clearly beaten.

        ``rows``: to fit, to judge by, and all labelled ones for the closing epoch; None when none were held back.
        """
        train, validation, everything = rows
        judging = self.pace * len(validation.rows)
        # Judged once at the end, and embedded once more to calibrate; then a form is chosen.
        ranking = self.pace * affordable(self.hyper.max_seconds, self.pace)
        after = SAVE_SECONDS + self.words_seconds + ranking + self.forming
        challenge = Challenge(
            encoder=self.encoder,
            hyper=self.hyper,
            budget=self.budget,
            checkpoints=self.paths.checkpoints,
            is_stopping=self.is_stopping,
            identity=self.identity,
            resumed=self.resumed,
            reserve=2 * judging + after,
            closing_reserve=after,
            losses=companion.losses,
        )
        closing = None if everything is None else lambda: self.teaching.probe(everything)[2]
        return challenge.run(train, validation, *probe, figures, closing)

    def _outliers(self, outcome: Outcome, everything: Rows) -> OutlierRank | None:
        """What tells strange tickets from ordinary ones; None where too little is left to tell it from."""
        emit(phase="outliers", progress=0.94)
        model = Model(self.encoder, outcome.head, outcome.words, outcome.is_tuned)
        taught = outcome.metrics.get("n_taught", 0) if outcome.is_tuned else 0
        fresh = self.pool_texts[taught : len(self.pool)], self.pool[taught:]
        left = int((self.budget.left() - SAVE_SECONDS - self.forming) / max(self.pace, 1e-6))
        most = max(0, min(affordable(self.hyper.max_seconds, self.pace), left))
        return learn_ranks(model, everything, fresh, most, self.hyper.seed, self._check_stop)

    def _check_stop(self) -> None:
        if self.is_stopping():
            raise Stopped
