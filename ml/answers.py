"""What a model says of tickets, reduced to what routing needs: the service, how sure, how strange the ticket is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.score import BY_CONFIDENCE, LEAST_DOUBT, Scoring

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """n tickets: the likeliest service (n,) of str, its calibrated probability (n,), NaN where the model's are no
    probabilities, and the outlier rank (n,), 0 = ordinary, 1 = the strangest, NaN where there is none. `labels`: all
    that the model can say.
    """

    labels: tuple[str, ...]
    service: NDArray[np.str_]
    confidence: Floats
    outlier: Floats

    def __len__(self) -> int:
        return len(self.service)

    def of(self, rows: NDArray[Any]) -> Answers:
        """Some of them."""
        return Answers(self.labels, self.service[rows], self.confidence[rows], self.outlier[rows])

    @property
    def has_ranks(self) -> bool:
        """Whether the model says of any ticket how strange it is."""
        return bool(np.isfinite(self.outlier).any())

    def scores(self, how: Scoring) -> Floats:
        """What is held against a threshold, of each (n,), as ``Scoring.of`` makes it, to the last bit: a ticket at the
        threshold must not fall on its other side where tickets are routed one by one. NaN where there is no confidence,
        or no rank though the weight asks.
        """
        if how.weight == 0.0:
            return self.confidence
        inside = (self.outlier >= 0.0) & (self.outlier <= 1.0)
        powers = (-how.weight * np.where(inside, self.outlier, math.nan)).tolist()
        sure = np.clip(self.confidence, LEAST_DOUBT, min(1.0 - LEAST_DOUBT, how.surest))
        # numpy's own exp differs from math's in the last bit.
        kept = sure * np.fromiter(map(math.exp, powers), np.float64, len(powers))
        return np.asarray(kept / (kept + 1.0 - sure), np.float64)

    def ranked(
        self, known: frozenset[str], gate: float | None = None, how: Scoring = BY_CONFIDENCE
    ) -> Floats:
        """Scores (n,) where a ticket could be routed at all, else -inf: strange, or of no service that is known."""
        scores = self.scores(how)
        fit = np.isfinite(scores) & np.isin(self.service, sorted(known))
        if gate is not None:
            fit &= self.outlier <= gate  # NaN is no rank, and not routed
        return np.where(fit, scores, -np.inf)


def answers(
    labels: Sequence[str], probabilities: NDArray[Any], outlier: NDArray[Any] | None = None
) -> Answers:
    """From calibrated probabilities (n, k), columns as `labels` (k,), and outlier ranks (n,) or None without any.

    A row that is not finite, leaves [0, 1] or does not sum to 1 (within .01) keeps its place with a confidence of NaN.
    ValueError for shapes that do not fit, or labels that are not distinct.
    """
    names = tuple(str(label) for label in labels)
    chances = np.asarray(probabilities, np.float64)
    if len(set(names)) != len(names):
        raise ValueError("labels must be distinct")
    if chances.ndim != 2 or not names or chances.shape[1] != len(names):
        raise ValueError(f"probabilities must be (n, {len(names)}), at least one label, not {chances.shape}")
    strange = np.full(len(chances), math.nan) if outlier is None else np.asarray(outlier, np.float64)
    if strange.shape != (len(chances),):
        raise ValueError(f"outlier ranks must be ({len(chances)},), not {strange.shape}")
    sound = np.asarray(np.isfinite(chances).all(axis=1), np.bool_)
    safe = np.where(sound[:, None], chances, 0.0)
    sound &= (safe.min(axis=1) >= -1e-6) & (np.abs(safe.sum(axis=1) - 1.0) <= 0.01)
    best = safe.argmax(axis=1)
    top = np.clip(safe[np.arange(len(safe)), best], 0.0, 1.0)
    return Answers(names, np.asarray(names)[best], np.where(sound, top, np.nan), strange)
