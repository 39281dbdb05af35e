"""How unlike the known tickets a ticket is.

With labels, three views of it, each as a rank in the pool: the distance of its plain point to the nearest labelled
ticket (Sun et al. 2022), the same among smoothed points, and, twice as heavy, how strange the tickets around it are,
by distance to the nearest label and Mahalanobis distance to the nearest service (Lee et al. 2018, the covariance
shared and shrunk by Ledoit-Wolf). A new service is strange as a whole, a known one is not: its few odd tickets do not
count. The ranks are summed as Fisher sums chances, so that one that is extreme is not averaged away; those with no
company at all, the last ALONE of the pool by `View.support`, get more on top. Distances are taken in PLANE principal
directions. With fewer than FEWEST labels: distance to the NEIGHBOURS-th nearest ticket of a sample.

Scores are ranks in the pool: 0 = the most ordinary ticket, 1 = the strangest, .97 = stranger than 97 % of the pool. A
ticket is never compared with its own label. Figures and settings tried: `benchmarks/outliers.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]

PLANE = 64
FEWEST = 50
NEIGHBOURS = 5
AROUND = 10
SAMPLE = 2000
LENT = 4000
"""Labelled points lent to other processes: 1 MB."""
MOST_PAIRS = 200_000_000
"""Distances of one look at the pool: a second of work. A larger pool is compared with a sample of the labels."""
BLOCK = 4096
ITSELF = 1e-5
"""Squared distance of unit vectors below which two tickets are one."""
AROUND_WEIGHT = 2.0
ALONE = 0.98
ALONE_WEIGHT = 3.0
HIGHEST_RANK = 0.999


@dataclass(frozen=True)
class View:
    """n tickets: plain and smoothed points in the plane (n, p), and their neighbours among the references of the
    smoothing, `near` (n, k) places and `pull` (n, k) weights that sum to 1; k = 0 without smoothing. `support` (n,):
    cosine with the nearest few of all tickets, labelled or not.
    """

    plain: Floats
    smooth: Floats
    near: Places
    pull: Floats
    support: Floats

    def __len__(self) -> int:
        return len(self.plain)

    def of(self, rows: Ints | NDArray[np.bool_]) -> View:
        """Some of them."""
        return View(self.plain[rows], self.smooth[rows], self.near[rows], self.pull[rows], self.support[rows])


@dataclass(frozen=True)
class OutlierModel:
    """One distance and its place in the pool. `whiten` (d, p) is applied first; None leaves points as they are.

    The distance is to the `place`-th nearest of `centres` (c, p), 0 = the nearest. With `references` (r, p) and how far
    each is from what is known, `strangeness` (r,), it is averaged with the mean of its AROUND nearest references.
    """

    centres: Floats
    whiten: Floats | None
    pool_sorted: Floats
    place: int = 0
    references: Floats | None = None
    strangeness: Floats | None = None

    def distance(self, points: Floats) -> Floats:
        """Raw distances (m,) of points (m, d), >= 0, in units that only `score` makes comparable."""
        flat = points if self.whiten is None else points @ self.whiten
        return _mixed(flat, _distances(flat, self.centres, self.place), self.references, self.strangeness)

    def score(self, points: Floats) -> Floats:
        """Share of the pool that is more ordinary than each of points (m, d), in [0, 1]."""
        return _rank(self.distance(points), self.pool_sorted)


@dataclass(frozen=True)
class ByDensity:
    """Before there are labels to compare with: how alone a ticket is."""

    model: OutlierModel

    def score(self, tickets: View) -> Floats:
        """As `OutlierModel.score`."""
        return self.model.score(tickets.smooth)


@dataclass(frozen=True)
class ByLabels:
    """The three views together. `references` (r,): how strange each reference of the smoothing is."""

    plain: OutlierModel
    smooth: OutlierModel
    references: Floats
    around_sorted: Floats
    alone_sorted: Floats
    pool_sorted: Floats

    def score(self, tickets: View) -> Floats:
        """As `OutlierModel.score`."""
        plain, smooth = self.plain.score(tickets.plain), self.smooth.score(tickets.smooth)
        around = (
            _rank(_around(tickets, self.references), self.around_sorted) if len(self.references) else smooth
        )
        alone = _rank(-tickets.support, self.alone_sorted)
        return _rank(_fisher(plain, smooth, around, alone), self.pool_sorted)


def plane(points: Floats, rng: np.random.Generator) -> Floats:
    """The first PLANE principal directions (d, p) of a sample of points (n, d)."""
    size = min(len(points), 2 * SAMPLE)
    sample = points[rng.choice(len(points), size, replace=False)].astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(sample.T) if size > 1 else np.eye(points.shape[1]))
    keep = min(PLANE, points.shape[1])
    return np.ascontiguousarray(vectors[:, np.argsort(-values, kind="stable")[:keep]], np.float32)


def by_labels(
    pool: View, references: Floats, known: Ints, labels: NDArray[Any], rng: np.random.Generator
) -> tuple[ByLabels, Floats]:
    """From the rows `known` (m,) of the pool with labels (m,): the model and the scores of the pool.

    `references` (r, p): smoothed references in the plane; none without smoothing.
    """
    some = _some(known, rng, max(SAMPLE, MOST_PAIRS // max(len(pool), 1)))
    plain, by_plain = _placed(pool.plain, pool.plain[some])
    smooth, by_smooth = _placed(pool.smooth, pool.smooth[some])
    strange = np.zeros(0, np.float32)
    around, around_sorted = by_smooth, smooth.pool_sorted
    if len(references) and pool.near.shape[1]:
        nearest = _distances(references, pool.smooth[some], apart=True)
        service = to_services(references, pool.smooth[known], labels)
        strange = (_own_rank(nearest) + _own_rank(service)) / np.float32(2)
        raw = _around(pool, strange)
        around_sorted = np.sort(raw)
        around = _rank(raw, around_sorted)
    alone_sorted = np.sort(-pool.support)
    mixed = _fisher(by_plain, by_smooth, around, _rank(-pool.support, alone_sorted))
    model = ByLabels(plain, smooth, strange, around_sorted, alone_sorted, np.sort(mixed))
    return model, _rank(mixed, model.pool_sorted)


def by_density(pool: View, rng: np.random.Generator) -> tuple[ByDensity, Floats]:
    """Without labels: distance to the NEIGHBOURS-th nearest ticket of a sample of the pool, and the pool's scores."""
    model, scores = by_neighbours(pool.smooth, rng)
    return ByDensity(model), scores


def by_neighbours(
    pool: Floats, rng: np.random.Generator, basis: Floats | None = None
) -> tuple[OutlierModel, Floats]:
    """`by_density` for points (n, d), projected by `basis` (d, p) first."""
    flat = pool if basis is None else pool @ basis
    centres = flat[_some(np.arange(len(flat)), rng)]
    place = min(NEIGHBOURS, len(centres) - 1)
    raw = _distances(flat, centres, place)
    model = OutlierModel(centres, basis, np.sort(raw), place)
    return model, _rank(raw, model.pool_sorted)


def lent(pool: Floats, known: Ints, basis: Floats, rng: np.random.Generator) -> OutlierModel:
    """For processes without the pool (n, d): distance to the nearest of the rows `known` (m,), which have a label, and
    how far the tickets around are from theirs.
    """
    sample = pool[_some(np.arange(len(pool)), rng)] @ basis
    centres = pool[_some(known, rng, LENT)] @ basis
    own = _distances(sample, centres, apart=True)
    raw = _mixed(sample, own, sample, own, apart=True)
    return OutlierModel(centres, basis, np.sort(raw), 0, sample, own)


def to_services(points: Floats, known: Floats, labels: NDArray[Any]) -> Floats:
    """Mahalanobis distance (m,) of points (m, p) to the nearest mean of the known (k, p) of one label (k,)."""
    classes, member = np.unique(labels, return_inverse=True)
    means = np.stack([known[member == c].mean(axis=0) for c in range(len(classes))]).astype(np.float32)
    values, vectors = np.linalg.eigh(shrunk_covariance(known - means[member]))
    sphere = (vectors / np.sqrt(np.maximum(values, 1e-10))).astype(np.float32)
    return _distances(points @ sphere, means @ sphere)


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


def _some(rows: Ints, rng: np.random.Generator, most: int = SAMPLE) -> Ints:
    """At most `most` of the rows, in their order."""
    if len(rows) <= most:
        return rows
    return np.asarray(np.sort(rng.choice(rows, most, replace=False)), np.int64)


def _placed(pool: Floats, centres: Floats) -> tuple[OutlierModel, Floats]:
    raw = _distances(pool, centres, apart=True)
    model = OutlierModel(centres, None, np.sort(raw))
    return model, _rank(raw, model.pool_sorted)


def _mixed(
    flat: Floats, own: Floats, references: Floats | None, strangeness: Floats | None, apart: bool = False
) -> Floats:
    """The mean of a ticket's own distance and of those of its AROUND nearest references."""
    if references is None or strangeness is None:
        return own
    out = np.empty(len(flat), np.float32)
    k = min(AROUND, len(references))
    for at in range(0, len(flat), BLOCK):
        gaps = _gaps(flat[at : at + BLOCK], references, apart)
        near = np.argpartition(gaps, k - 1, axis=1)[:, :k]
        out[at : at + BLOCK] = strangeness[near].mean(axis=1)
    return np.asarray((own + out) / np.float32(2), np.float32)


def _around(tickets: View, strangeness: Floats) -> Floats:
    return np.asarray((tickets.pull * strangeness[tickets.near]).sum(axis=1), np.float32)


def _fisher(plain: Floats, smooth: Floats, around: Floats, alone: Floats) -> Floats:
    weights = (1.0, 1.0, AROUND_WEIGHT, ALONE_WEIGHT)
    total = np.zeros(len(plain), np.float32)
    for weight, rank in zip(weights, (plain, smooth, around, np.maximum(alone, ALONE)), strict=True):
        total -= np.float32(weight) * np.log1p(-np.minimum(rank, np.float32(HIGHEST_RANK)))
    return total


def _own_rank(raw: Floats) -> Floats:
    return _rank(raw, np.sort(raw))


def _rank(raw: Floats, pool_sorted: Floats) -> Floats:
    below = np.searchsorted(pool_sorted, raw, side="left")
    return np.asarray(below / max(len(pool_sorted) - 1, 1), np.float32).clip(0.0, 1.0)


def _distances(points: Floats, centres: Floats, place: int = 0, apart: bool = False) -> Floats:
    """To the `place`-th nearest of centres; `apart`: one that is the ticket itself does not count."""
    out = np.empty(len(points), np.float32)
    for at in range(0, len(points), BLOCK):
        gaps = _gaps(points[at : at + BLOCK], centres, apart)
        nearest = gaps.min(axis=1) if place == 0 else np.partition(gaps, place, axis=1)[:, place]
        out[at : at + BLOCK] = np.sqrt(np.maximum(nearest, 0.0))
    return out


def _gaps(points: Floats, centres: Floats, apart: bool) -> Floats:
    """Squared distances (m, c). Apart, those of equal points are far, unless a ticket has no other centre."""
    gaps = np.einsum("ij,ij->i", points, points)[:, None] + np.einsum("ij,ij->i", centres, centres)[None, :]
    gaps -= 2.0 * (points @ centres.T)
    if apart and len(centres) > 1:
        rows = np.flatnonzero(gaps.min(axis=1) < ITSELF)
        some = gaps[rows]
        same = some < ITSELF
        same[same.all(axis=1)] = False
        some[same] = np.inf
        gaps[rows] = some
    return np.asarray(gaps, np.float32)
