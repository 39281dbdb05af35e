"""How accuracy grows with labels: an inverse power law a - b * n^-c, and what it says of the next labels.

Pure numpy. Every head on the way is judged on the same audit labels, so the points of a curve differ by what was
learned and not by what was asked. The band holds both what drawing other audit labels would change (bootstrap) and how
far successive heads stray from the law: one refit is better or worse than the next for no reason that lasts. The law
never falls: a fit that would is the flat line, so a gain is never negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EXPONENTS = np.geomspace(0.2, 2.0, 24)
"""Tried for c. Steeper laws only fit noise; flatter ones promise as much from the millionth label as from the next."""
DRAWS = 400
LOW, HIGH = 0.05, 0.95
RECENT = 12
"""Of so many last heads the straying is measured."""


@dataclass(frozen=True)
class Law:
    """a - b * (n / scale)^-c for one or many draws: a, b, c (draws,), b >= 0."""

    a: Floats
    b: Floats
    c: Floats
    scale: float

    def at(self, labels: float) -> Floats:
        """Accuracy (draws,) at a number of labels, in [0, 1]; below one label as at one."""
        return np.clip(self.a - self.b * (max(labels, 1.0) / self.scale) ** -self.c, 0.0, 1.0)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 90 % band, low <= value <= high."""

    value: float
    low: float
    high: float


def fit(labels: ArrayLike, accuracy: ArrayLike, weights: ArrayLike | None = None) -> Law:
    """The law nearest to accuracies (draws, points) at labels (points,), by weighted least squares over `EXPONENTS`.

    One row of accuracies may come flat. Raises ValueError for no points, or what is not finite.
    """
    n = np.maximum(np.asarray(labels, np.float64), 1.0)
    y = np.atleast_2d(np.asarray(accuracy, np.float64))
    w = np.ones_like(n) if weights is None else np.asarray(weights, np.float64)
    if n.size == 0 or y.shape[1] != n.size or w.shape != n.shape:
        raise ValueError(f"{n.size} label counts, {y.shape[1]} accuracies and {w.size} weights do not match")
    if not (np.isfinite(n).all() and np.isfinite(y).all() and np.isfinite(w).all() and w.sum() > 0):
        raise ValueError("a curve is fitted to finite figures with some weight")
    w, scale = w / w.sum(), float(n.max())
    best = np.full(len(y), np.inf)
    a, b, c = (np.zeros(len(y)) for _ in range(3))
    for exponent in EXPONENTS:
        x = (n / scale) ** -exponent
        top, slope = _line(x, y, w)
        error = ((top[:, None] - slope[:, None] * x - y) ** 2) @ w
        better = error < best - 1e-15
        best[better], a[better], b[better], c[better] = error[better], top[better], slope[better], exponent
    return Law(a, b, c, scale)


def _line(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Least squares of y on a - b x with b >= 0 and a <= 1."""
    mean_x, mean_y = float(x @ w), y @ w
    spread = float(((x - mean_x) ** 2) @ w)
    slope = np.zeros(len(y)) if spread < 1e-12 else -((y - mean_y[:, None]) @ (w * (x - mean_x))) / spread
    slope = np.maximum(slope, 0.0)
    top = mean_y + slope * mean_x
    over = top > 1.0
    slope[over] = np.maximum((1.0 - y[over]) @ (w * x) / float((x * x) @ w), 0.0)
    top[over] = 1.0
    return top, slope


class Forecast:
    """What the points so far say of labels to come.

    labels (p,); `right` and `known` (p, m): whether the head at that point was right on each of m audit labels, and
    whether it was asked. Points that were asked nothing are left out. Raises ValueError when no point is left.
    """

    def __init__(
        self,
        labels: ArrayLike,
        right: NDArray[np.bool_],
        known: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        asked = known.sum(axis=1)
        kept = asked > 0
        if not kept.any():
            raise ValueError("no head was judged on any audit label")
        self.labels = np.asarray(labels, np.float64)[kept]
        hits, seen = (right & known)[kept].astype(np.float64), known[kept].astype(np.float64)
        self.asked = asked[kept]
        self.accuracy: Floats = hits.sum(axis=1) / self.asked
        weights = self.asked / self.asked.max() * np.sqrt(self.labels / self.labels.max())
        draws = rng.multinomial(hits.shape[1], np.full(hits.shape[1], 1 / hits.shape[1]), DRAWS)
        counts = draws @ seen.T
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(counts > 0, (draws @ hits.T) / np.maximum(counts, 1.0), self.accuracy)
        self._law = fit(self.labels, self.accuracy, weights)
        self._draws = fit(self.labels, drawn, weights)
        fitted = np.asarray([self._law.at(count)[0] for count in self.labels])
        self._stray = straying(self.accuracy - fitted) * rng.standard_normal(DRAWS)

    def at(self, labels: float) -> Estimate:
        """Accuracy at a number of labels."""
        return _estimate(float(self._law.at(labels)[0]), self._draws.at(labels) + self._stray)

    def gain(self, before: float, after: float) -> Estimate:
        """What going from `before` to `after` labels adds; never negative."""
        value = float(self._law.at(after)[0] - self._law.at(before)[0])
        more = self._draws.at(after) - self._draws.at(before)  # two heads stray, so their difference by √2
        return _estimate(max(value, 0.0), more + math.sqrt(2.0) * self._stray)

    def labels_for(self, before: float, gain: float, most: float) -> float | None:
        """The number of labels, at most `most`, at which `gain` over `before` is reached; None when it is not."""
        start = float(self._law.at(before)[0])
        if float(self._law.at(most)[0]) - start < gain:
            return None
        low, high = before, most
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if float(self._law.at(middle)[0]) - start >= gain else (middle, high)
        return float(math.ceil(high - 1e-6))


def standard_error(accuracy: float, n: int) -> float:
    """Of an accuracy seen on n audit labels; two imagined ones, one right and one wrong, keep it from being zero."""
    share = (accuracy * n + 1.0) / (n + 2.0)
    return math.sqrt(share * (1.0 - share) / (n + 2.0))


def straying(residuals: Floats) -> float:
    """How far one head lies from its neighbours, as a standard deviation: from second differences of the last RECENT
    residuals, which a slow drift of the law does not enter. 0 for fewer than three.
    """
    bends = np.diff(residuals, 2)[-RECENT:]
    return float(np.sqrt(np.mean(bends**2) / 6.0)) if len(bends) else 0.0


def _estimate(value: float, draws: Floats) -> Estimate:
    low, high = np.quantile(np.clip(draws, 0.0, 1.0), [LOW, HIGH])
    return Estimate(value, min(float(low), value), max(float(high), value))
