"""How unlike the known tickets a ticket is.

With labels: Mahalanobis distance to the nearest service's mean, the covariance shared by all services and
shrunk by Ledoit-Wolf (Lee et al. 2018, "A simple unified framework for detecting out-of-distribution
samples"). Without, or with fewer than FEWEST labels: distance to the NEIGHBOURS-th nearest ticket of a sample
of the pool. Scores are ranks in the pool: 0 = the most ordinary ticket, 1 = the strangest, .97 = stranger
than 97 % of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FEWEST = 50
NEIGHBOURS = 5
SAMPLE = 2000
BLOCK = 4096


@dataclass(frozen=True)
class OutlierModel:
    """Raw distances and their place in the pool. Build with `by_services` or `by_neighbours`."""

    centres: Floats
    whiten: Floats | None
    pool_sorted: Floats

    def distance(self, points: Floats) -> Floats:
        """Raw distance of points (m, d), >= 0, in units that only `score` makes comparable."""
        return _raw(points, self.centres, self.whiten)

    def score(self, points: Floats) -> Floats:
        """Share of the pool that is more ordinary than each of points (m, d), in [0, 1]."""
        return _place(self.distance(points), self.pool_sorted)


def by_services(pool: Floats, points: Floats, labels: NDArray[Any]) -> tuple[OutlierModel, Floats]:
    """Model from labelled points (m, d) with labels (m,), and the scores of the pool (n, d)."""
    classes, member = np.unique(labels, return_inverse=True)
    means = np.stack([points[member == c].mean(axis=0) for c in range(len(classes))]).astype(np.float32)
    covariance = shrunk_covariance(points - means[member])
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-10))).astype(np.float32)
    return _placed(pool, (means @ whiten).astype(np.float32), whiten)


def by_neighbours(pool: Floats, rng: np.random.Generator) -> tuple[OutlierModel, Floats]:
    """Model from a sample of the pool (n, d) alone, and the scores of the pool."""
    size = min(SAMPLE, len(pool))
    return _placed(pool, pool[np.sort(rng.choice(len(pool), size, replace=False))], None)


def shrunk_covariance(centred: Floats) -> NDArray[np.float64]:
    """Ledoit-Wolf covariance (d, d) of rows (m, d) whose mean is already taken off."""
    wide = centred.astype(np.float64)
    m, d = wide.shape
    sample = wide.T @ wide / m
    level = float(np.trace(sample)) / d
    spread = float(((sample - level * np.eye(d)) ** 2).sum())
    noise = (float(((wide**2).sum(axis=1) ** 2).sum()) / m - float((sample**2).sum())) / m
    shrink = 1.0 if spread <= 0 else min(max(noise / spread, 0.0), 1.0)
    return np.asarray((1.0 - shrink) * sample + shrink * max(level, 1e-9) * np.eye(d))


def _placed(pool: Floats, centres: Floats, whiten: Floats | None) -> tuple[OutlierModel, Floats]:
    raw = _raw(pool, centres, whiten)
    model = OutlierModel(centres, whiten, np.sort(raw))
    return model, _place(raw, model.pool_sorted)


def _place(raw: Floats, pool_sorted: Floats) -> Floats:
    below = np.searchsorted(pool_sorted, raw, side="left")
    return np.asarray(below / max(len(pool_sorted) - 1, 1), np.float32).clip(0.0, 1.0)


def _raw(points: Floats, centres: Floats, whiten: Floats | None) -> Floats:
    """Mahalanobis: squared distance to the nearest centre. Neighbours: to the NEIGHBOURS-th nearest other
    point.
    """
    out = np.empty(len(points), np.float32)
    length = np.einsum("ij,ij->i", centres, centres)
    for at in range(0, len(points), BLOCK):
        block = points[at : at + BLOCK]
        if whiten is not None:
            block = block @ whiten
        gaps = np.einsum("ij,ij->i", block, block)[:, None] - 2.0 * (block @ centres.T) + length[None, :]
        if whiten is None:
            place = min(NEIGHBOURS, len(centres) - 1)
            gaps = np.partition(gaps, place, axis=1)[:, place]
        else:
            gaps = gaps.min(axis=1)
        out[at : at + BLOCK] = np.maximum(gaps, 0.0)
    return out
