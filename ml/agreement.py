"""Whether two ways of embedding the same texts lead to the same labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Labeller = Callable[[Floats], Ints]

PROBE_LABELS = 32


def agreement(labels: Labeller, exact: Floats, other: Floats) -> float:
    """The share of texts, (n, dim) vectors either way and n > 0, that get the same label."""
    if not np.isfinite(other).all():
        return 0.0
    return float((labels(exact) == labels(other)).mean())


def probe_of(vectors: Floats, seed: int = 0) -> Labeller:
    """A stand-in for the head that an encoder does not have yet: to tell groups of texts apart, linearly.

    Groups are those of k-means on the exact vectors, which is how a team's services tend to lie, and the head is the
    learner's own. Nearest neighbours would be the wrong judge: among near-duplicates any rounding changes which
    is nearest, and nobody would see another label.
    """
    from sklearn.cluster import KMeans

    count = max(2, min(PROBE_LABELS, len(vectors) // 12))
    groups = KMeans(count, n_init=1, random_state=seed).fit_predict(vectors).astype(np.int64)
    head = SoftmaxRegression(C=30.0).fit(vectors, groups)

    def labels(given: Floats) -> Ints:
        return np.asarray(head.predict(given), np.int64)

    return labels
