"""Grouping of embeddings: a small k-means and the medoids it yields.

Float32 matrix products only, so that a few thousand candidates cluster in milliseconds: scikit-learn's KMeans
spends more time in its set-up than in the work at this size. Every function takes an explicit random
generator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def kmeans(
    points: Floats, k: int, rng: np.random.Generator, *, weights: Floats | None = None, iterations: int = 12
) -> tuple[Ints, Floats]:
    """Cluster `points` (n, d) into at most `k` groups; return the group of each point (n,) and the centres
    (k', d).

    Weighted Lloyd from a k-means++ start. `weights` (n,) must be finite and >= 0. k' = min(k, n); a group may
    end empty when points coincide. Raises ValueError when n or k is zero.
    """
    n = len(points)
    if n == 0 or k < 1:
        raise ValueError("kmeans needs at least one point and one group")
    weight = np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32)
    centres = _spread_start(points, min(k, n), rng, weight)
    squared = np.einsum("ij,ij->i", points, points)
    assigned = np.full(n, -1, np.int64)
    for _ in range(iterations):
        nearest = np.argmin(_distances(points, centres, squared), axis=1).astype(np.int64)
        if np.array_equal(nearest, assigned):
            break
        assigned = nearest
        centres = _means(points, assigned, weight, centres)
    return assigned, centres


def medoids(points: Floats, assigned: Ints, centres: Floats) -> Ints:
    """The point nearest to each centre among its own group, (number of non-empty groups,), in order of group
    number.
    """
    gap = ((points - centres[assigned]) ** 2).sum(axis=1)
    order = np.lexsort((gap, assigned))
    _, first = np.unique(assigned[order], return_index=True)
    return np.asarray(order[first], np.int64)


def _distances(points: Floats, centres: Floats, squared: Floats) -> Floats:
    gaps = squared[:, None] - 2.0 * (points @ centres.T) + np.einsum("ij,ij->i", centres, centres)[None, :]
    return np.asarray(gaps, np.float32)


def _means(points: Floats, assigned: Ints, weight: Floats, previous: Floats) -> Floats:
    k = len(previous)
    member = np.zeros((k, len(points)), np.float32)
    member[assigned, np.arange(len(points))] = weight
    mass = member.sum(axis=1)
    filled = mass > 0
    centres = previous.copy()
    centres[filled] = (member[filled] @ points) / mass[filled, None]
    return centres


def _spread_start(points: Floats, k: int, rng: np.random.Generator, weight: Floats) -> Floats:
    """k-means++: each start is drawn with a chance proportional to weight x squared distance to the nearest
    earlier one.
    """
    n = len(points)
    total = float(weight.sum())
    chosen = [int(rng.choice(n, p=_chances(weight))) if total > 0 else int(rng.integers(n))]
    squared = np.einsum("ij,ij->i", points, points)
    nearest = np.full(n, np.inf, np.float32)
    for _ in range(k - 1):
        last = points[chosen[-1]]
        np.minimum(nearest, squared - 2.0 * (points @ last) + float(last @ last), out=nearest)
        nearest[chosen[-1]] = 0.0
        pull = np.maximum(nearest, 0.0) * weight
        if float(pull.sum()) <= 1e-12:
            break
        chosen.append(int(rng.choice(n, p=_chances(pull))))
    return points[chosen].astype(np.float32, copy=True)


def _chances(pull: Floats) -> NDArray[np.float64]:
    wide = pull.astype(np.float64)
    return np.asarray(wide / wide.sum())
