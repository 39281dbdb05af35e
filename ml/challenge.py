"""Fine-tuning as a challenge to the linear head: tuned, judged on rows held back, closed over all, or not taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.container import Hyperparameters, emit
from ml.encoder import Encoder
from ml.finetune import CHECKPOINT, Budget, Limits, Stopped, TuningLoop, TuningState
from ml.mixture import is_clear
from ml.outcome import Outcome
from ml.probe import Head, Score, calibrate, score
from ml.rows import Rows
from ml.tuning import FineTuning, Recipe

Floats = NDArray[np.float32]

LABEL_SMOOTHING = 0.1
"""Of labels alone. On a held-out part of BANKING77 with 300 labels, the share routed at a precision of .95 was .15
with the teacher's likeliest answers, .39 with its distributions smoothed, .42 with its distributions as they are."""


@dataclass(frozen=True)
class Challenge:
    """One fine-tuning. ``identity`` names the training, ``resumed`` is where an earlier attempt stopped.

    ``reserve``: seconds to keep for what follows the tuning itself, ``closing_reserve`` for what follows the closing
    epoch. ``losses``: cross-entropy (n,) of the rows held back for an encoder's logits (n, k), joined by the words.
    """

    encoder: Encoder
    hyper: Hyperparameters
    budget: Budget
    checkpoints: Path
    is_stopping: Callable[[], bool]
    identity: str
    resumed: TuningState | None
    reserve: float
    closing_reserve: float
    losses: Callable[[Floats], Floats]

    def run(
        self,
        train: Rows,
        validation: Rows,
        head: Head,
        judged: Score,
        figures: dict[str, Any],
        everything: Callable[[], Rows] | None,
    ) -> Outcome | None:
        """The fine-tuned model, or None unless it beats the probe; ``figures`` say how far it came either way.

        Row by row, the rows held back are answered with less cross-entropy: by more than its standard error, or, where
        it learnt what the pool says too (taught rows), by anything, since then it mostly is the better one.
        Some thirty rows cannot tell eight points of accuracy apart; what each row was given tells more of it.
        ``judged``: the probe's score on ``validation``. ``everything``: makes the rows of the closing epoch, those held
        back among them; None when none were.
        """
        if self.hyper.epochs == 0 or (self.budget.left() <= self.reserve and not self.resumed):
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
            tuning.load_checkpoint(self.checkpoints / CHECKPOINT)

        def judge() -> Score:
            found = tuning.head().logits(self.encoder.embed(validation.texts))
            return score(found, validation.targets)

        noise = judged.standard_error(len(validation.rows))
        # The loop takes its best epoch, whatever the probe reached: whether that is good enough is judged in the end.
        limits = Limits(self.hyper.epochs, self.hyper.early_stopping_patience, self.reserve, noise, gain=-1.0)
        loop = TuningLoop(tuning, judge, state, limits, self.budget, self.checkpoints, self.is_stopping)
        loop.run()
        figures |= {"steps": tuning.step, "best_step": state.best_step}
        if not state.best_step:
            return None
        logits = tuning.head().logits(self.encoder.embed(validation.texts))
        gained = self.losses(head.logits(validation.embeddings)) - self.losses(logits)
        figures |= {"gain": float(gained.mean()), "gain_error": float(gained.std() / math.sqrt(len(gained)))}
        emit(phase="finetune", gain=figures["gain"], gain_error=figures["gain_error"])
        if not is_clear(gained, 0.0 if figures["n_taught"] else 1.0):
            return None
        figures |= {"validation_accuracy": state.best.accuracy, "validation_loss": state.best.loss}
        emit(phase="calibrate", progress=0.90)
        temperature = calibrate(logits, validation.targets)
        closing = self._close(tuning, everything(), recipe, 1.3 * loop.step_seconds()) if everything else None
        figures = {**figures, "chosen": "finetune", "closed": closing is not None}
        return Outcome((closing or tuning).head(), temperature, True, figures, logits)

    def _close(
        self, tuning: FineTuning, everything: Rows, recipe: Recipe, step_seconds: float
    ) -> FineTuning | None:
        """One epoch over all rows, held-back ones included, at half the rates; None when time is short."""
        steps = math.ceil(len(everything.rows) / recipe.batch_size)
        if self.budget.left() < steps * step_seconds + self.closing_reserve:
            return None
        gentle = replace(recipe, encoder_lr=recipe.encoder_lr / 2, head_lr=recipe.head_lr / 2)
        data = (everything.texts, everything.wanted, everything.weights)
        closing = FineTuning(self.encoder, tuning.head(), *data, gentle)
        for step in range(steps):
            if self.is_stopping():
                raise Stopped
            loss = closing.run_step((step + 1) / steps)
            emit(progress=0.90 + 0.05 * (step + 1) / steps, closing_step=step + 1, train_loss=loss)
            if not math.isfinite(loss):
                tuning.come_back()
                return None
        return closing
