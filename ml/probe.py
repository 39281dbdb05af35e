"""The linear head over embeddings: fitted on a frozen encoder, scored, calibrated, saved.

It is the whole model when there is no time or no evidence for fine-tuning, and where fine-tuning starts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ArtifactError
from ml.softmax import SoftmaxRegression, best_temperature, softmax

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

INVERSE_PENALTY = 30.0
"""C of the regression, the value behind the reference figures on embeddings of length 1."""

FOLDS = 5


@dataclass(frozen=True)
class Head:
    """``weight`` (n_labels, dim) and ``bias`` (n_labels,), float32; logits = embedding · weight + bias."""

    weight: Floats
    bias: Floats

    def logits(self, embeddings: Floats) -> Floats:
        """(n, dim) → (n, n_labels)."""
        return np.asarray(embeddings @ self.weight.T + self.bias, np.float32)

    def labels(self, embeddings: Floats) -> Ints:
        """(n, dim) → (n,) places of the likeliest label."""
        return np.asarray(self.logits(embeddings).argmax(axis=1), np.int64)

    def save(self, path: Path) -> None:
        with path.open("wb") as stream:
            np.savez(stream, weight=self.weight, bias=self.bias)

    @classmethod
    def load(cls, path: Path, n_labels: int, dim: int) -> Head:
        """``ArtifactError`` (bad_head) for a file that is not a head of this shape."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                head = cls(arrays["weight"].astype(np.float32), arrays["bias"].astype(np.float32))
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError("bad_head", "the head of the model cannot be read") from error
        if head.weight.shape != (n_labels, dim) or head.bias.shape != (n_labels,):
            raise ArtifactError("bad_head", f"the head has shape {head.weight.shape}, not {(n_labels, dim)}")
        return head


@dataclass(frozen=True, order=True)
class Score:
    """How good a model is on validation rows; ordered, the better the greater: accuracy, then -loss."""

    accuracy: float
    minus_loss: float

    @property
    def loss(self) -> float:
        return -self.minus_loss

    def standard_error(self, rows: int) -> float:
        """By how much the accuracy would differ from one draw of as many rows to the next."""
        return math.sqrt(self.accuracy * (1.0 - self.accuracy) / max(rows, 1))


def fit_probe(
    embeddings: Floats, targets: Ints, weights: Floats, n_labels: int, folds: Ints | None = None
) -> tuple[Head, float]:
    """The regression's head, and its temperature from held-out ``folds`` (1 without folds).

    ``targets`` (n,) index the labels; each of the ``n_labels`` has at least a row.
    """
    # Fixed-width names sort like the indices they stand for, so column i is label i.
    names: NDArray[Any] = np.array([f"{target:09d}" for target in targets])
    regression = SoftmaxRegression(C=INVERSE_PENALTY).fit(embeddings, names, weights, folds)
    if len(regression.classes_) != n_labels:
        raise ValueError(f"{n_labels} labels expected, rows for {len(regression.classes_)}")
    head = Head(np.asarray(regression.coef_, np.float32), np.asarray(regression.intercept_, np.float32))
    return head, float(regression.temperature_)


def folds_by_group(groups: Sequence[str], seed: int) -> Ints:
    """A fold from 0 to FOLDS - 1 for each row (n,); rows of a group share theirs."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: int(place) % FOLDS for name, place in zip(names, order, strict=True)}
    return np.array([fold_of[group] for group in groups], np.int64)


def score(logits: Floats, targets: Ints) -> Score:
    """Accuracy and cross-entropy (nats) of logits (n, k) against targets (n,), n > 0."""
    chances = softmax(logits)
    likelihood = chances[np.arange(len(targets)), targets]
    loss = float(-np.log(np.maximum(likelihood, 1e-12)).mean())
    return Score(float((logits.argmax(axis=1) == targets).mean()), -loss)


def calibrate(logits: Floats, targets: Ints) -> float:
    """The temperature with the least cross-entropy on these rows; 1 when there are too few to tell."""
    if len(targets) < 30 or logits.shape[1] < 2:
        return 1.0
    return float(best_temperature(logits, targets))
