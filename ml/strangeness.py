"""The outlier score of a learner's pool: which model judges it, and from which labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import outliers
from ml.space import Space

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Judge = outliers.ByLabels | outliers.ByDensity


def of_pool(space: Space, rows: Ints, labels: NDArray[Any], seed: int) -> tuple[Judge | None, Floats]:
    """The model, and the scores (n,) of a pool whose usable `rows` (m,) have `labels` (m,). None for an empty pool."""
    scores, rng = np.zeros(len(space.ids), np.float32), np.random.default_rng(seed)
    if not space.usable.any():
        return None, scores
    pool = space.view.of(space.usable)
    found: tuple[Judge, Floats]
    if _tell(labels):
        around = space.smoother.references @ space.basis
        found = outliers.by_labels(pool, around, _places(space, rows), labels, rng)
    else:
        found = outliers.by_density(pool, rng)
    scores[space.usable] = found[1]
    return found[0], scores


def lent(space: Space, rows: Ints, labels: NDArray[Any], seed: int) -> outliers.OutlierModel | None:
    """The same for plain unit embeddings (d,) in processes that hold no pool; a little coarser."""
    rng = np.random.default_rng(seed)
    if not space.usable.any():
        return None
    pool = space.points[space.usable]
    if not _tell(labels):
        return outliers.by_neighbours(pool, rng, space.basis)[0]
    return outliers.lent(pool, _places(space, rows), space.basis, rng)


def _tell(labels: NDArray[Any]) -> bool:
    """Whether the labels say enough to compare with."""
    return len(labels) >= outliers.FEWEST and len(np.unique(labels)) > 1


def _places(space: Space, rows: Ints) -> Ints:
    """Places of rows among the usable ones."""
    return np.asarray((np.cumsum(space.usable) - 1)[rows], np.int64)
