"""Learn-then-Test: which thresholds keep a precision, with a stated chance of being wrong about it.

A threshold is tested by the exact binomial p-value of the errors among the audit tickets it accepts. Thresholds are
tested in an order fixed without audit labels, until the first failure; all before it are certified together at the
level of one test (fixed sequence testing). Source: Angelopoulos, Bates, Candes, Jordan, Lei 2021, "Learn then Test".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import bdtr

MOST_LABELS = 1_000_000
"""More audit labels than this are not asked for: the model is too often wrong."""


def p_value(errors: int, accepted: int, precision: float) -> float:
    """P(Bin(accepted, 1 - precision) <= errors): how likely so few errors are if the precision were just missed.

    1 where nothing is accepted. ValueError unless 0 <= errors <= accepted and 0 < precision < 1.
    """
    if not 0 <= errors <= accepted:
        raise ValueError(f"{errors} errors among {accepted} accepted")
    if not 0.0 < precision < 1.0:
        raise ValueError(f"a precision lies between 0 and 1, not at {precision}")
    return float(bdtr(errors, accepted, 1.0 - precision)) if accepted else 1.0


def passed(errors: Sequence[int], accepted: Sequence[int], precision: float, delta: float) -> int:
    """How many thresholds, in the order given, are certified at `delta`: those before the first that fails."""
    for place, (wrong, total) in enumerate(zip(errors, accepted, strict=True)):
        if p_value(wrong, total, precision) > delta:
            return place
    return len(errors)


def more_accepted(errors: int, accepted: int, precision: float, delta: float) -> int | None:
    """How many more accepted audit tickets a threshold probably needs to pass, if it errs as often as so far.

    0 when it passes. None when it errs too often for any number of them. Without an accepted ticket: as many as pass
    without an error.
    """
    if p_value(errors, accepted, precision) <= delta:
        return 0
    rate = errors / accepted if accepted else 0.0

    def enough(total: int) -> bool:
        return p_value(math.ceil(rate * total - 1e-9), total, precision) <= delta

    high = max(accepted, 1)
    while not enough(high):
        high *= 2
        if high > MOST_LABELS:
            return None
    low = accepted
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high - accepted


def spent(delta: float, use: int | None) -> float:
    """What a certificate may spend: `delta` on fresh labels (None), 6 delta / (pi t)^2 at the t-th use of reused ones.

    Those sum to delta, however often the same labels are asked.
    """
    if use is None:
        return delta
    if use < 1:
        raise ValueError(f"uses are counted from 1, not {use}")
    return 6.0 * delta / (math.pi * use) ** 2
