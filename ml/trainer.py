"""One training from channels to artifact: the phases of ``ml.train``, in order (its docstring says which)."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import __version__, augment
from ml.artifact import (
    ENCODER,
    HEAD,
    OUTLIERS,
    WORDS,
    base_name,
    encoder_fingerprint,
    encoder_folder,
    write_manifest,
)
from ml.channels import find_base, read_pool, read_rows
from ml.container import (
    ContainerPaths,
    Hyperparameters,
    emit,
    read_config,
    read_resources,
)
from ml.dataset import class_weights, fingerprint
from ml.encoder import Encoder, copy_encoder, set_threads
from ml.finetune import CHECKPOINT, CHECKPOINT_FORMAT, Budget, Limits, Stopped, TuningLoop, TuningState
from ml.forms import CannotRun, choose, form_seconds, texts_for
from ml.kept import KeptVectors
from ml.machine import threads_asked
from ml.mixture import Companion
from ml.ordinary import Model, affordable, learn_ranks
from ml.outlier_rank import OutlierRank
from ml.pooling import read_pooling
from ml.probe import Head, Score, calibrate, fit_probe, folds_by_group, score
from ml.rows import FEWEST_VALIDATION, Rows
from ml.schema import Manifest, TrainingRow
from ml.taught import LEAST_TAUGHT, as_rows, lesson, pool_rows, taught_rows
from ml.tuning import FineTuning, Recipe, read_checkpoint_state
from ml.words import WordsHead

LABEL_SMOOTHING = 0.1
"""Of labels alone. On a held-out part of BANKING77 with 300 labels, the share routed at a precision of .95 was .15
with the teacher's likeliest answers, .39 with its distributions smoothed, .42 with its distributions as they are."""

SAVE_SECONDS = 5.0
MOST_OVER_SECONDS = 60.0
"""How far the head over words may go beyond the time box, where the machine was slower than it promised to be: mostly
seconds, and on the demo's tickets worth 20 points. The job's own limit leaves more."""

EMBEDDINGS = "embeddings.npz"

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """The head that won, its temperature, whether the encoder was changed, the figures, and the logits (n, k) of the
    validation rows by a head that did not learn from them; None without such rows. ``words``: what joins the head.
    """

    head: Head
    temperature: float
    is_tuned: bool
    metrics: dict[str, Any]
    judged: Floats | None = None
    words: WordsHead | None = None


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
        self.encoder = Encoder.load(encoder_folder(base), self.hyper.max_length or None)
        self.labels = sorted({row.label for row in given[0]})
        self._resume(given)
        train, validation, everything = self._split(*given)
        self._check_stop()
        outcome = self._fit(train, validation, everything)
        held_back = validation.texts if validation else []
        texts = texts_for([row.text for row in given[0]], held_back, self.pool_texts, self.hyper.seed)
        return self._save(outcome, self._outliers(outcome, everything), base, texts)

    # --- phases --------------------------------------------------------------------------------------

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
        companion, logits = None, None
        if validation is not None and len(self.labels) > 1:
            held_back = len(everything.rows) > len(train.rows)
            own = len(train.rows)
            companion = Companion(train, validation, len(self.labels), self.pool_texts)
            head, _, train = self._probe(train)
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
            tuned = self._tune(train, validation, everything if held_back else None, head, judged, figures)
        self._check_stop()
        emit(phase="calibrate", progress=0.93)
        if tuned is None:
            head, temperature, _ = self._probe(everything)
            tuned = Outcome(head, temperature, False, {**figures, "chosen": "probe"}, logits)
        return self._with_words(tuned, companion, everything)

    def _with_words(self, outcome: Outcome, companion: Companion | None, everything: Rows) -> Outcome:
        """The same outcome, joined by the head over words where that answers held-out rows better."""
        if companion is None or outcome.judged is None:
            return outcome
        mixture = companion.mixture(outcome.judged)
        over = companion.seconds + SAVE_SECONDS - self.budget.left()
        if mixture.listens and over > MOST_OVER_SECONDS:
            emit(phase="words", skipped="no_time")
            return outcome
        figures = {**outcome.metrics, "words_share": round(1 - mixture.share, 2)}
        if not mixture.listens:
            return replace(outcome, metrics=figures)
        head, words = companion.heads(mixture, outcome.head, everything)
        return replace(outcome, head=head, words=words, temperature=mixture.temperature, metrics=figures)

    def _probe(self, rows: Rows) -> tuple[Head, float, Rows]:
        """The linear head, its temperature, and the rows to fine-tune on: with a pool, taught ones join."""
        folds = folds_by_group([row.group for row in rows.rows], self.hyper.seed)
        if len(self.pool) == 0 or len(self.labels) < 2:
            found = fit_probe(rows.embeddings, rows.targets, rows.weights, len(self.labels), folds)
            return *found, rows
        learnt = lesson(
            rows.embeddings, rows.targets, rows.weights, self.pool, len(self.labels), folds, self.hyper.seed
        )
        count = taught_rows(len(self.pool), len(rows.rows), self.pace, self.hyper.max_seconds)
        more = as_rows(learnt, self.pool_texts, self.pool, self.labels, count)
        return Head(learnt.weights[:, :-1], learnt.weights[:, -1]), 1.0, rows.joined(more)

    def _tune(
        self,
        train: Rows,
        validation: Rows,
        everything: Rows | None,
        head: Head,
        judged: Score,
        figures: dict[str, Any],
    ) -> Outcome | None:
        """The fine-tuned model, or None when the probe was never beaten.

        ``everything``: the labelled rows with those held back, for the closing epoch; None when none were.
        """
        judging = self.pace * len(validation.rows)
        # Judged once at the end, and embedded once more to calibrate; then a form is chosen.
        forming = form_seconds(self.pace, len(self.pool_texts), self.hyper.max_seconds)
        ranking = self.pace * affordable(self.hyper.max_seconds, self.pace)
        reserve = 2 * judging + SAVE_SECONDS + forming + ranking + self.words_seconds
        if self.hyper.epochs == 0 or (self.budget.left() <= reserve and not self.resumed):
            emit(phase="finetune", skipped="no_time")
            return None
        emit(phase="finetune", progress=0.30)
        # A teacher says itself how unsure it is; smoothing its answers too blurs what ranks the sure ones first.
        smoothing = 0.0 if figures["n_taught"] else LABEL_SMOOTHING
        rates = (self.hyper.encoder_lr, self.hyper.head_lr)
        recipe = Recipe(*rates, self.hyper.batch_size, self.hyper.seed, smoothing)
        tuning = FineTuning(self.encoder, head, train.texts, train.wanted, train.weights, recipe)
        state = self.resumed or TuningState(self.identity, judged.accuracy, judged.minus_loss)
        if self.resumed:
            tuning.load_checkpoint(self.paths.checkpoints / CHECKPOINT)

        def judge() -> Score:
            found = tuning.head().logits(self.encoder.embed(validation.texts))
            return score(found, validation.targets)

        noise = judged.standard_error(len(validation.rows))
        # Labels of a queue are few and hard, and so are those held back: with few taught rows beside them tuning has to
        # prove itself, with many it is known to help and only a clear loss speaks against it.
        labelled = sum(row.origin not in ("taught", augment.ORIGIN) for row in train.rows)
        is_well_taught = figures["n_taught"] >= LEAST_TAUGHT * labelled
        gain = (-noise if is_well_taught else noise) if self.pool_texts else 0.0
        limits = Limits(self.hyper.epochs, self.hyper.early_stopping_patience, reserve, noise, gain)
        loop = TuningLoop(tuning, judge, state, limits, self.budget, self.paths.checkpoints, self.is_stopping)
        loop.run()
        figures |= {"steps": tuning.step, "best_step": state.best_step}
        if not state.best_step:
            return None
        figures |= {"validation_accuracy": state.best.accuracy, "validation_loss": state.best.loss}
        emit(phase="calibrate", progress=0.90)
        logits = tuning.head().logits(self.encoder.embed(validation.texts))
        temperature = calibrate(logits, validation.targets)
        seconds = 1.3 * loop.step_seconds()
        closing = everything and self._close(tuning, self._probe(everything)[2], recipe, seconds)
        final = closing or tuning
        figures = {**figures, "chosen": "finetune", "closed": bool(closing)}
        return Outcome(final.head(), temperature, True, figures, logits)

    def _close(
        self, tuning: FineTuning, everything: Rows, recipe: Recipe, step_seconds: float
    ) -> FineTuning | None:
        """One epoch over all rows, held-back ones included, at half the rates; None when time is short."""
        steps = math.ceil(len(everything.rows) / recipe.batch_size)
        if self.budget.left() < steps * step_seconds + SAVE_SECONDS + self.words_seconds:
            return None
        gentle = replace(recipe, encoder_lr=recipe.encoder_lr / 2, head_lr=recipe.head_lr / 2)
        data = (everything.texts, everything.wanted, everything.weights)
        closing = FineTuning(self.encoder, tuning.head(), *data, gentle)
        for step in range(steps):
            self._check_stop()
            loss = closing.run_step((step + 1) / steps)
            emit(progress=0.90 + 0.05 * (step + 1) / steps, closing_step=step + 1, train_loss=loss)
            if not math.isfinite(loss):
                tuning.come_back()
                return None
        return closing

    def _outliers(self, outcome: Outcome, everything: Rows) -> OutlierRank | None:
        """What tells strange tickets from ordinary ones; None where too little is left to tell it from."""
        emit(phase="outliers", progress=0.94)
        model = Model(self.encoder, outcome.head, outcome.words, outcome.is_tuned)
        taught = outcome.metrics.get("n_taught", 0) if outcome.is_tuned else 0
        fresh = self.pool_texts[taught : len(self.pool)], self.pool[taught:]
        left = int((self.budget.left() - SAVE_SECONDS) / max(self.pace, 1e-6))
        most = max(0, min(affordable(self.hyper.max_seconds, self.pace), left))
        return learn_ranks(model, everything, fresh, most, self.hyper.seed, self._check_stop)

    def _check_stop(self) -> None:
        if self.is_stopping():
            raise Stopped

    # --- output --------------------------------------------------------------------------------------

    def _save(
        self,
        outcome: Outcome,
        outliers: OutlierRank | None,
        base: Path,
        texts: tuple[list[str], list[str]],
    ) -> Manifest:
        emit(phase="save", progress=0.95)
        self._check_stop()
        folder = self.paths.model
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        if outcome.is_tuned:
            self.encoder.save(folder / ENCODER)
        else:
            copy_encoder(self.encoder.folder, folder / ENCODER)
        outcome.head.save(folder / HEAD)
        if outcome.words:
            outcome.words.save(folder / WORDS)
        if outliers:
            outliers.save(folder / OUTLIERS)
        pooling = read_pooling(folder / ENCODER, self.encoder.pooling.max_length)
        form = self._form(folder, outcome.head, encoder_fingerprint(folder / ENCODER, pooling), texts)
        seconds = round(self.budget.spent(), 1)
        manifest = write_manifest(
            folder,
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
        for name in (CHECKPOINT, EMBEDDINGS):
            (self.paths.checkpoints / name).unlink(missing_ok=True)
        return manifest

    def _form(
        self, folder: Path, head: Head, fingerprint: str, texts: tuple[list[str], list[str]]
    ) -> dict[str, Any]:
        """How the artifact will embed; a form there is no time for is left out, and float32 stays."""

        def check() -> None:
            self._check_stop()
            if self.budget.left() <= 0:
                raise CannotRun("no time was left")

        threads = threads_asked(self.environment)
        form = choose(self.encoder, folder, fingerprint, texts, head.labels, threads, check)
        emit(form=form["name"], form_agreement=float(form.get("agreement", 1.0)))
        return form
