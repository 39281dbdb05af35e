"""How unlike the known tickets a ticket is.

With labels, two distances in the pool's PLANE first principal directions: Mahalanobis to the nearest service's
mean, the covariance shared by all services and shrunk by Ledoit-Wolf (Lee et al. 2018), and the distance to the
nearest labelled ticket (Sun et al. 2022). Their ranks are averaged. On BANKING77 with 27 of 77 services held out, 800
labels, points smoothed over the pool: AUROC .927, .936, together .947; Mahalanobis on the plain 384 dimensions .836.
With fewer than FEWEST labels: distance to the NEIGHBOURS-th nearest ticket of a sample of the pool.

Scores are ranks in the pool: 0 = the most ordinary ticket, 1 = the strangest, .97 = stranger than 97 % of the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PLANE = 64
FEWEST = 50
NEIGHBOURS = 5
SAMPLE = 2000
BLOCK = 4096


@dataclass(frozen=True)
class OutlierModel:
    """One distance and its place in the pool. `whiten` (d, p) is applied first; None leaves points as they are.

    The distance is squared, to the `place`-th nearest of `centres` (c, p), 0 = the nearest.
    """

    centres: Floats
    whiten: Floats | None
    pool_sorted: Floats
    place: int = 0

    def distance(self, points: Floats) -> Floats:
        """Raw distances (m,) of points (m, d), >= 0, in units that only `score` makes comparable."""
        return _distances(points, self.centres, self.whiten, self.place)

    def score(self, points: Floats) -> Floats:
        """Share of the pool that is more ordinary than each of points (m, d), in [0, 1]."""
        return _rank(self.distance(points), self.pool_sorted)


@dataclass(frozen=True)
class Blend:
    """The mean rank of several models, ranked again."""

    models: Sequence[OutlierModel]
    pool_sorted: Floats

    def score(self, points: Floats) -> Floats:
        """As `OutlierModel.score`."""
        return _rank(_mean([model.score(points) for model in self.models]), self.pool_sorted)


def plane(points: Floats, rng: np.random.Generator) -> Floats:
    """The first PLANE principal directions (d, p) of a sample of points (n, d)."""
    size = min(len(points), 2 * SAMPLE)
    sample = points[rng.choice(len(points), size, replace=False)].astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(sample.T) if size > 1 else np.eye(points.shape[1]))
    keep = min(PLANE, points.shape[1])
    return np.ascontiguousarray(vectors[:, np.argsort(-values, kind="stable")[:keep]], np.float32)


def by_labels(pool: Floats, points: Floats, labels: NDArray[Any]) -> tuple[Blend, Floats]:
    """Both distances to the labelled points (m, d) with labels (m,), and the scores of the pool (n, d)."""
    found = [by_services(pool, points, labels), by_nearest(pool, points[-SAMPLE:])]
    mean = _mean([scores for _, scores in found])
    blend = Blend([model for model, _ in found], np.sort(mean))
    return blend, _rank(mean, blend.pool_sorted)


def by_services(
    pool: Floats, points: Floats, labels: NDArray[Any], basis: Floats | None = None
) -> tuple[OutlierModel, Floats]:
    """Mahalanobis distance to the nearest service's mean; `basis` (d, p) projects everything first."""
    flat = points if basis is None else points @ basis
    classes, member = np.unique(labels, return_inverse=True)
    means = np.stack([flat[member == c].mean(axis=0) for c in range(len(classes))]).astype(np.float32)
    values, vectors = np.linalg.eigh(shrunk_covariance(flat - means[member]))
    sphere = (vectors / np.sqrt(np.maximum(values, 1e-10))).astype(np.float32)
    whiten = sphere if basis is None else np.asarray(basis @ sphere, np.float32)
    return _placed(pool, np.asarray(means @ sphere, np.float32), whiten, 0)


def by_nearest(pool: Floats, points: Floats) -> tuple[OutlierModel, Floats]:
    """Distance to the nearest of the labelled points (m, d)."""
    return _placed(pool, points, None, 0)


def by_neighbours(pool: Floats, rng: np.random.Generator) -> tuple[OutlierModel, Floats]:
    """Without labels: distance to the NEIGHBOURS-th nearest ticket of a sample of the pool (n, d)."""
    size = min(SAMPLE, len(pool))
    centres = pool[np.sort(rng.choice(len(pool), size, replace=False))]
    return _placed(pool, centres, None, min(NEIGHBOURS, size - 1))


def shrunk_covariance(centred: Floats) -> NDArray[np.float64]:
    """Ledoit-Wolf covariance (d, d) of rows (m, d) whose mean is already taken off. Source: Ledoit & Wolf 2004."""
    wide = centred.astype(np.float64)
    m, d = wide.shape
    sample = wide.T @ wide / m
    level = float(np.trace(sample)) / d
    spread = float(((sample - level * np.eye(d)) ** 2).sum())
    noise = (float(((wide**2).sum(axis=1) ** 2).sum()) / m - float((sample**2).sum())) / m
    shrink = 1.0 if spread <= 0 else min(max(noise / spread, 0.0), 1.0)
    return np.asarray((1.0 - shrink) * sample + shrink * max(level, 1e-9) * np.eye(d))


def _placed(pool: Floats, centres: Floats, whiten: Floats | None, place: int) -> tuple[OutlierModel, Floats]:
    raw = _distances(pool, centres, whiten, place)
    model = OutlierModel(centres, whiten, np.sort(raw), place)
    return model, _rank(raw, model.pool_sorted)


def _mean(scores: Sequence[Floats]) -> Floats:
    return np.asarray(sum(scores[1:], scores[0]) / np.float32(len(scores)), np.float32)


def _rank(raw: Floats, pool_sorted: Floats) -> Floats:
    below = np.searchsorted(pool_sorted, raw, side="left")
    return np.asarray(below / max(len(pool_sorted) - 1, 1), np.float32).clip(0.0, 1.0)


def _distances(points: Floats, centres: Floats, whiten: Floats | None, place: int) -> Floats:
    out = np.empty(len(points), np.float32)
    length = np.einsum("ij,ij->i", centres, centres)
    for at in range(0, len(points), BLOCK):
        block = points[at : at + BLOCK]
        if whiten is not None:
            block = block @ whiten
        gaps = length[None, :] - 2.0 * (block @ centres.T)
        nearest = gaps.min(axis=1) if place == 0 else np.partition(gaps, place, axis=1)[:, place]
        out[at : at + BLOCK] = np.maximum(nearest + np.einsum("ij,ij->i", block, block), 0.0)
    return out
