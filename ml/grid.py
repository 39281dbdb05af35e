"""Which thresholds a certificate tries, fixed from tickets nobody has labelled.

The first decides whether anything is certified: too strict, and too few audit tickets reach it to prove anything; too
loose, and a model fails that could have passed. It is the loosest that a model passes with about the greatest chance
although it errs `CAUTION` times as often as it is taken to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

Floats = NDArray[np.float64]

STEP = 0.01
"""Between the shares of the pool that two neighbouring thresholds accept."""
TAKEN = 0.35
"""Share of the outlier weight by which strange tickets are taken to be wrong more often than their probabilities say.
Chosen on BANKING77's training set (docs/decisions/routing-score.md)."""
CAUTION = 2.0
"""Chosen on simulated answers (tests/ml/test_certify.py), not on a test set: with 250 audit labels 91 of 100 audits
were certified with 2, 39 with 3, 97 with 1.5; with 500 and more it made next to no difference."""
SLACK = 0.02
STRICTEST = 0.05


def thresholds(scores: Floats, chances: Floats, labels: int, precision: float, level: float) -> list[float]:
    """Thresholds from strict to loose, for `labels` audit labels and tests at `level`; the loosest accepts all that can
    be routed.

    `scores` (m,): of unlabelled tickets, -inf or NaN for those that are escalated anyway; `chances` (m,): how likely
    the model is taken to be right about each. No audit ticket may be among them. Empty when nothing can be routed.
    """
    fit = np.flatnonzero(np.isfinite(scores))
    if len(fit) == 0:
        return []
    order = fit[np.argsort(-scores[fit], kind="stable")]
    ranked = scores[order]
    wrong = np.cumsum(1.0 - np.clip(chances[order], 0.0, 1.0))
    places = np.unique((np.arange(STRICTEST, 1.0, STEP) * len(ranked)).astype(np.int64))
    reached = labels * (places + 1) / len(scores)
    rates = np.minimum(1.0, CAUTION * wrong[places] / (places + 1))
    powers = np.array(
        [power(int(n), float(rate), precision, level) for n, rate in zip(reached, rates, strict=True)]
    )
    first = int(np.flatnonzero(powers >= powers.max() - SLACK).max()) if powers.max() > SLACK else 0
    tried = [float(ranked[at]) for at in places[first:]] + [float(ranked[-1])]
    return sorted(set(tried), reverse=True)


def power(accepted: int, rate: float, precision: float, level: float) -> float:
    """The chance that a threshold passes with `accepted` tickets of which a share `rate` is wrong."""
    most = most_errors(accepted, precision, level)
    return float(bdtr(most, accepted, rate)) if most >= 0 else 0.0


def most_errors(accepted: int, precision: float, level: float) -> int:
    """The most errors with which `accepted` tickets certify the precision at `level`; -1 when none would do."""
    errors = np.arange(accepted + 1)
    passing = np.flatnonzero(bdtr(errors, accepted, 1.0 - precision) <= level)
    return int(passing.max()) if len(passing) else -1
