"""Is the promise still kept by a version that routes? A bet against it, which may be looked at at any time.

The claim is "of what it routes, at least the promised share is right". Each ticket whose right service became known is
one round of betting against it (``ml.betting``: Waudby-Smith and Ramdas 2023): a wrong route wins, a right one loses.
The wealth passes 1 / alpha with a chance of at most alpha if the claim is true, however often one looks (Ville 1939),
so a version that keeps its promise is sent back that rarely. All functions are pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ml.betting import Interval, against_at_least, log_wealth, mean_interval


@dataclass(frozen=True)
class Seen:
    """Of ``known`` routed tickets, ``right`` were right."""

    right: int
    known: int

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.known:
            raise ValueError(f"{self.right} right of {self.known}")


def log_evidence(seen: Seen, promised: float) -> float:
    """Log of the wealth won against "at least ``promised`` are right"; 0 before the first ticket. ValueError for a
    promise outside (0, 1).
    """
    if not 0.0 < promised < 1.0:
        raise ValueError(f"a promise lies between 0 and 1, not at {promised}")
    payoffs = against_at_least([0.0, 1.0], promised, 1.0)
    return log_wealth(payoffs, [seen.known - seen.right, seen.right])


def is_broken(seen: Seen, promised: float, alpha: float) -> bool:
    """Whether the promise is refuted at the level ``alpha``."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not at {alpha}")
    return log_evidence(seen, promised) >= math.log(1.0 / alpha)


def precision_interval(seen: Seen, alpha: float) -> Interval:
    """The precision as far as it is known: a confidence sequence at 1 - ``alpha``."""
    return mean_interval([0.0, 1.0], [seen.known - seen.right, seen.right], 0.0, 1.0, alpha)
