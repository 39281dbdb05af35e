"""How sure a suggestion is, in three words. Display only: nothing is routed on these fixed limits.

Certified thresholds, chosen on audit labels, decide what is routed without a person; they do not live here
yet.
"""

from __future__ import annotations

import math
from typing import Literal

Band = Literal["sure", "hesitating", "lost"]

SURE_FROM = 0.80
"""Top probability from which a suggestion is called sure, if the second is also far behind."""
CLEAR_LEAD = 0.40
"""Lead over the second probability that "sure" also asks for."""
LOST_BELOW = 0.35
"""Top probability below which no single service is worth naming first."""


def band(p1: float, p2: float) -> Band:
    """Name the confidence of calibrated probabilities, `p1` the best service's and `p2` the second's (0 if
    none).

    "sure": p1 >= SURE_FROM and p1 - p2 >= CLEAR_LEAD. "lost": p1 < LOST_BELOW. Else "hesitating".
    Raises ValueError unless 0 <= p2 <= p1 <= 1 (a rounding error of 1e-6 is forgiven).
    """
    if not (math.isfinite(p1) and math.isfinite(p2)) or not -1e-6 <= p2 <= p1 + 1e-6 <= 1 + 2e-6:
        raise ValueError(f"band needs 0 <= p2 <= p1 <= 1, not p1={p1}, p2={p2}")
    if p1 >= SURE_FROM and p1 - p2 >= CLEAR_LEAD:
        return "sure"
    return "lost" if p1 < LOST_BELOW else "hesitating"
