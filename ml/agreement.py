"""Whether two ways of embedding the same texts lead to the same labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Labeller = Callable[[Floats], Ints]


def agreement(labels: Labeller, exact: Floats, other: Floats) -> float:
    """The share of texts, (n, dim) vectors either way and n > 0, that get the same label."""
    if not np.isfinite(other).all():
        return 0.0
    return float((labels(exact) == labels(other)).mean())
