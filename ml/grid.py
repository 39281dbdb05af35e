"""Which thresholds a certificate tries, fixed from tickets nobody has labelled.

The first decides whether anything is certified: too strict, and too few audit tickets reach it to prove anything; too
loose, and a model fails that could have passed. How often the model errs is what the audit labels will tell. Until then
there are guesses, and the first is the loosest that passes with about the greatest chance, on average over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 0.01
"""Between the shares of the pool that two neighbouring thresholds accept."""
TAKEN = (0.1, 0.3, 0.6)
"""Guesses: the share of the outlier weight by which strange tickets err more often than their probabilities say."""
CAUTION = (1.0, 2.0)
"""Guesses: how many times as often as that. Chosen on BANKING77's training set (docs/decisions/routing-score.md)."""
SLACK = 0.06
"""How much less than the greatest chance to pass is still about the greatest. Chosen there, too."""
STRICTEST = 0.05


def thresholds(
    scores: Floats, guesses: Sequence[Floats], labels: int, precision: float, level: float
) -> list[float]:
    """Thresholds from strict to loose, for `labels` audit labels and tests at `level`; the loosest accepts all that can
    be routed.

    `scores` (m,): of unlabelled tickets, -inf or NaN for those that are escalated anyway; `guesses`, each (m,): how
    likely the model may be right about each. No audit ticket may be among them. Empty when nothing can be routed.
    """
    fit = np.flatnonzero(np.isfinite(scores))
    if len(fit) == 0:
        return []
    order = fit[np.argsort(-scores[fit], kind="stable")]
    ranked = scores[order]
    places = np.unique((np.arange(STRICTEST, 1.0, STEP) * len(ranked)).astype(np.int64))
    reached = (labels * (places + 1) / len(scores)).astype(np.int64)
    most = np.array([most_errors(int(n), precision, level) for n in reached])
    powers = np.zeros(len(places))
    for chances, caution in product(guesses, CAUTION):
        wrong = np.cumsum(1.0 - np.clip(chances[order], 0.0, 1.0))[places]
        rates = np.minimum(1.0, caution * wrong / (places + 1))
        powers += power(reached, most, rates) / (len(guesses) * len(CAUTION))
    first = int(np.flatnonzero(powers >= powers.max() - SLACK).max()) if powers.max() > SLACK else 0
    tried = [float(ranked[at]) for at in places[first:]] + [float(ranked[-1])]
    return sorted(set(tried), reverse=True)


def power(accepted: Ints, most: Ints, rates: Floats) -> Floats:
    """The chances (k,) that thresholds pass with so many `accepted` tickets, each of them wrong at its rate, where
    `most` errors pass, none if that is -1.
    """
    return np.where(most < 0, 0.0, bdtr(np.maximum(most, 0), accepted, rates))


def most_errors(accepted: int, precision: float, level: float) -> int:
    """The most errors with which `accepted` tickets certify the precision at `level`; -1 when none would do."""
    errors = np.arange(accepted + 1)
    passing = np.flatnonzero(bdtr(errors, accepted, 1.0 - precision) <= level)
    return int(passing.max()) if len(passing) else -1
