"""Which thresholds a certificate tries, fixed from tickets nobody has labelled.

The first decides whether anything is certified: too strict, and too few audit tickets reach it to prove anything; too
loose, and a model fails that could have passed. It is the loosest that a model passes with about the greatest chance
although it errs `CAUTION` times as often as its own probabilities say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

Floats = NDArray[np.float64]

STEP = 0.01
"""Between the shares of the pool that two neighbouring thresholds accept."""
CAUTION = 2.0
"""Chosen on simulated answers (tests/ml/test_certify.py), not on a test set: with 250 audit labels 91 of 100 audits
were certified with 2, 39 with 3, 97 with 1.5; with 500 and more it made next to no difference."""
SLACK = 0.02
STRICTEST = 0.05


def thresholds(pool: Floats, labels: int, precision: float, level: float) -> list[float]:
    """Thresholds from strict to loose, for `labels` audit labels and tests at `level`; the loosest accepts all that can
    be routed.

    `pool` (m,): calibrated probabilities of unlabelled tickets' likeliest services, -inf or NaN for tickets that are
    escalated anyway. It must hold no audit ticket. Empty for an empty pool, or one of which nothing can be routed.
    """
    ranked = np.sort(pool[np.isfinite(pool)])[::-1]
    if len(ranked) == 0:
        return []
    wrong = np.cumsum(1.0 - np.clip(ranked, 0.0, 1.0))
    places = np.unique((np.arange(STRICTEST, 1.0, STEP) * len(ranked)).astype(np.int64))
    reached = labels * (places + 1) / len(pool)
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
