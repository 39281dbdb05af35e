"""How strange a ticket is to a trained model: the part of an artifact that answers it, without a pool.

The distance of a ticket to the NEAREST training tickets of the very service the model suggests, and its rank among the
same distances of ordinary tickets. A ticket of a service nobody taught is put into one it is merely next to, where it
stays apart from what that service's tickets are like. Where a training has unlabelled tickets, those of such a service
lie together: two thirds of the rank are then how strange the AROUND nearest tickets are, unlabelled ones as told by
that distance, the suggested service's own not at all. Measures tried: docs/decisions/routing-score.md.

Not the learner's score (`ml.outliers`), which looks at a whole pool, changes with it, and could not be certified.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ArtifactError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NEAREST = 2
"""The mean distance to so many: one alone would trust a single wrong label."""
MOST_POINTS = 10_000
MOST_REFERENCES = 2_000
"""Tickets that say what is ordinary; unlabelled ones become neighbours, and every ticket is compared with all."""
FEWEST_REFERENCES = 50
AROUND = 5
AROUND_WEIGHT = 2.0
BEYOND = 1.02
"""Ranks are summed as Fisher sums chances, -log(1 - rank), so that one that is extreme is not averaged away; a little
beyond 1, so that the strangest still differ."""
QUANTILES = 1001
FARTHEST = 2.0
"""1 - cosine, of a service without a training ticket."""


@dataclass(frozen=True)
class Neighbours:
    """`points` (a, d): unit embeddings of unlabelled tickets; `strangeness` (a,) in [0, 1]: the ranks of their
    distances. `ordinary` (q,): such ranks summed with how strange those around are, sorted.
    """

    points: Floats
    strangeness: Floats
    ordinary: Floats

    def around(self, embeddings: Floats, own: Floats, themselves: Ints | None = None) -> Floats:
        """How strange the nearest to each of (n, d) are (n,): among these, and the service's `own` (m, d), which are
        not strange. `themselves` (n,): places among these that do not count.
        """
        alike = np.hstack([embeddings @ self.points.T, embeddings @ own.T])
        if themselves is not None:
            alike[np.arange(len(themselves)), themselves] = -np.inf
        strange = np.concatenate([self.strangeness, np.zeros(len(own), np.float32)])
        k = min(AROUND, alike.shape[1] - (themselves is not None))
        nearest = np.argpartition(alike, -k, axis=1)[:, -k:]
        return np.asarray(strange[nearest].mean(axis=1), np.float32)

    def fits(self, dim: int) -> bool:
        """Whether it can go with a model of so many dimensions."""
        return (
            self.points.ndim == 2
            and self.points.shape[1] == dim
            and len(self.points) > 0
            and self.strangeness.shape == (len(self.points),)
            and _is_reference(self.ordinary)
            and bool(np.isfinite(self.points).all())
            and bool(((self.strangeness >= 0.0) & (self.strangeness <= 1.0)).all())
        )


@dataclass(frozen=True)
class OutlierRank:
    """`points` (m, d): unit embeddings of training tickets, ordered by service; those of service k are
    `points[starts[k]:starts[k + 1]]`, `starts` (n_labels + 1,). `ordinary` (q,): sorted distances of ordinary tickets.
    """

    points: Floats
    starts: Ints
    ordinary: Floats
    neighbours: Neighbours | None = None

    def of(self, embeddings: Floats, services: Ints) -> Floats:
        """(n,) in [0, 1], 0 = the most ordinary, from unit embeddings (n, d) and the places (n,) of the suggested
        services.
        """
        alone = _rank(_distances(embeddings, services, self.points, self.starts), self.ordinary)
        if self.neighbours is None:
            return alone
        return _rank(self._mixed(self.neighbours, alone, embeddings, services), self.neighbours.ordinary)

    def among(self, points: Floats, services: Ints) -> OutlierRank:
        """The same with unlabelled tickets (a, d), of suggested services (a,), for neighbours."""
        alone = self.of(points, services)
        found = Neighbours(points, alone, alone)
        mixed = self._mixed(found, alone, points, services, np.arange(len(points)))
        return replace(self, neighbours=replace(found, ordinary=_quantiles(mixed)))

    def _mixed(
        self,
        neighbours: Neighbours,
        alone: Floats,
        embeddings: Floats,
        services: Ints,
        themselves: Ints | None = None,
    ) -> Floats:
        """The tickets' own ranks (n,) summed with how strange their neighbours are."""
        out = np.empty(len(alone), np.float32)
        for service in np.unique(services):
            rows = np.flatnonzero(services == service)
            own = self.points[self.starts[service] : self.starts[service + 1]]
            places = None if themselves is None else themselves[rows]
            out[rows] = neighbours.around(embeddings[rows], own, places)
        return np.asarray(-np.log(BEYOND - alone) - AROUND_WEIGHT * np.log(BEYOND - out), np.float32)

    def save(self, path: Path) -> None:
        """Half precision is plenty for a distance, and half the size."""
        content = io.BytesIO()
        arrays: dict[str, Any] = {"points": self.points.astype(np.float16), "starts": self.starts}
        arrays["ordinary"] = self.ordinary
        if self.neighbours:
            arrays["around"] = self.neighbours.points.astype(np.float16)
            arrays |= {"strangeness": self.neighbours.strangeness, "mixed": self.neighbours.ordinary}
        np.savez(content, **arrays)
        path.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path, n_labels: int, dim: int) -> OutlierRank:
        """``ArtifactError`` (bad_outliers) for a file that is none for this many labels and dimensions."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                points, ordinary = (arrays[name].astype(np.float32) for name in ("points", "ordinary"))
                found = cls(points, arrays["starts"].astype(np.int64), np.sort(ordinary))
                if "around" in arrays:
                    names = ("around", "strangeness", "mixed")
                    around, strangeness, mixed = (arrays[name].astype(np.float32) for name in names)
                    found = replace(found, neighbours=Neighbours(around, strangeness, np.sort(mixed)))
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ArtifactError("bad_outliers", "the model's outlier ranks cannot be read") from error
        if not found.fits(n_labels, dim):
            raise ArtifactError("bad_outliers", "the model's outlier ranks do not fit the model")
        return found

    def fits(self, n_labels: int, dim: int) -> bool:
        """Whether it can go with a model of so many labels and dimensions."""
        return (
            self.points.ndim == 2
            and self.points.shape[1] == dim
            and self.starts.shape == (n_labels + 1,)
            and self.starts[0] == 0
            and self.starts[-1] == len(self.points)
            and bool((np.diff(self.starts) >= 0).all())
            and _is_reference(self.ordinary)
            and bool(np.isfinite(self.points).all())
            and (self.neighbours is None or self.neighbours.fits(dim))
        )


def fit_ranks(
    points: Floats,
    services: Ints,
    n_labels: int,
    seed: int,
    fresh: tuple[Floats, Ints] | None = None,
) -> OutlierRank | None:
    """From unit embeddings (m, d) of training tickets and the places (m,) of their services, `n_labels` of them.

    `fresh`: embeddings (r, d) and suggested services (r,) of tickets the model did not learn from, which say what is
    ordinary and become neighbours. Without FEWEST_REFERENCES of them the training tickets say what is ordinary, each
    compared with the others of its service. None when those are too few, too.
    """
    rng = np.random.default_rng(seed)
    some = _some(len(points), MOST_POINTS, rng)
    order = some[np.argsort(services[some], kind="stable")]
    kept, own = _as_kept(points[order]), services[order]
    starts = np.searchsorted(own, np.arange(n_labels + 1)).astype(np.int64)
    if fresh is not None and len(fresh[0]) >= FEWEST_REFERENCES:
        seen = _some(len(fresh[0]), MOST_REFERENCES, rng)
        around, services = _as_kept(fresh[0][seen]), fresh[1][seen]
        ordinary = _distances(around, services, kept, starts)
        return OutlierRank(kept, starts, _quantiles(ordinary)).among(around, services)
    compared = _some(len(kept), MOST_REFERENCES, rng)
    compared = compared[np.diff(starts)[own[compared]] > 1]
    if len(compared) < FEWEST_REFERENCES:
        return None
    ordinary = _distances(kept[compared], own[compared], kept, starts, compared)
    return OutlierRank(kept, starts, _quantiles(ordinary))


def _as_kept(points: Floats) -> Floats:
    """As a file gives them back, so that ranks do not change by being saved."""
    return points.astype(np.float16).astype(np.float32)


def _quantiles(values: Floats) -> Floats:
    """At most QUANTILES of them, sorted."""
    places = np.linspace(0, len(values) - 1, min(QUANTILES, len(values))).round().astype(int)
    return np.asarray(np.sort(values)[places], np.float32)


def _is_reference(ordinary: Floats) -> bool:
    return ordinary.ndim == 1 and len(ordinary) > 0 and bool(np.isfinite(ordinary).all())


def _some(count: int, most: int, rng: np.random.Generator) -> Ints:
    places = np.arange(count) if count <= most else np.sort(rng.choice(count, most, replace=False))
    return np.asarray(places, np.int64)


def _distances(
    embeddings: Floats, services: Ints, points: Floats, starts: Ints, themselves: Ints | None = None
) -> Floats:
    """(n,) 1 - mean cosine with the NEAREST of the service; `themselves` (n,): places in points that do not count."""
    out = np.full(len(embeddings), FARTHEST, np.float32)
    for service in np.unique(services):
        first, last = int(starts[service]), int(starts[service + 1])
        rows = np.flatnonzero(services == service)
        if first == last:
            continue
        alike = embeddings[rows] @ points[first:last].T
        if themselves is not None:
            alike[np.arange(len(rows)), themselves[rows] - first] = -np.inf
        k = min(NEAREST, last - first - (themselves is not None))
        out[rows] = 1.0 - np.partition(alike, -k, axis=1)[:, -k:].mean(axis=1)
    return out


def _rank(raw: Floats, ordinary: Floats) -> Floats:
    below = np.searchsorted(ordinary, raw, side="left")
    return np.asarray(below / max(len(ordinary) - 1, 1), np.float32).clip(0.0, 1.0)
