"""How strange a ticket is to a trained model: the part of an artifact that answers it, without a pool.

The distance of a ticket to the NEAREST training tickets of the very service the model suggests, and its rank among the
same distances of ordinary tickets. A ticket of a service nobody taught is put into one it is merely next to, where it
stays apart from what that service's tickets are like. Measures tried: docs/decisions/routing-score.md.

Not the learner's score (`ml.outliers`), which looks at a whole pool, changes with it, and could not be certified.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ArtifactError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NEAREST = 2
"""The mean distance to so many: one alone would trust a single wrong label."""
MOST_POINTS = 10_000
MOST_REFERENCES = 2_000
FEWEST_REFERENCES = 50
QUANTILES = 1001
FARTHEST = 2.0
"""1 - cosine, of a service without a training ticket."""


@dataclass(frozen=True)
class OutlierRank:
    """`points` (m, d): unit embeddings of training tickets, ordered by service; those of service k are
    `points[starts[k]:starts[k + 1]]`, `starts` (n_labels + 1,). `ordinary` (q,): sorted distances of ordinary tickets.
    """

    points: Floats
    starts: Ints
    ordinary: Floats

    def of(self, embeddings: Floats, services: Ints) -> Floats:
        """(n,) in [0, 1], 0 = the most ordinary, from unit embeddings (n, d) and the places (n,) of the suggested
        services.
        """
        return _rank(_distances(embeddings, services, self.points, self.starts), self.ordinary)

    def save(self, path: Path) -> None:
        """Half precision is plenty for a distance, and half the size."""
        content = io.BytesIO()
        np.savez(content, points=self.points.astype(np.float16), starts=self.starts, ordinary=self.ordinary)
        path.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path, n_labels: int, dim: int) -> OutlierRank:
        """``ArtifactError`` (bad_outliers) for a file that is none for this many labels and dimensions."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                points, ordinary = (arrays[name].astype(np.float32) for name in ("points", "ordinary"))
                starts = arrays["starts"].astype(np.int64)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ArtifactError("bad_outliers", "the model's outlier ranks cannot be read") from error
        is_sound = (
            points.ndim == 2
            and points.shape[1] == dim
            and starts.shape == (n_labels + 1,)
            and starts[0] == 0
            and starts[-1] == len(points)
            and bool((np.diff(starts) >= 0).all())
            and ordinary.ndim == 1
            and len(ordinary) > 0
            and bool(np.isfinite(points).all() and np.isfinite(ordinary).all())
        )
        if not is_sound:
            raise ArtifactError("bad_outliers", "the model's outlier ranks do not fit the model")
        return cls(points, starts, np.sort(ordinary))


def fit_ranks(
    points: Floats,
    services: Ints,
    n_labels: int,
    seed: int,
    fresh: tuple[Floats, Ints] | None = None,
) -> OutlierRank | None:
    """From unit embeddings (m, d) of training tickets and the places (m,) of their services, `n_labels` of them.

    `fresh`: embeddings (r, d) and suggested services (r,) of tickets the model did not learn from, which say what is
    ordinary. Without FEWEST_REFERENCES of them the training tickets do, each compared with the others of its service.
    None when those are too few, too.
    """
    rng = np.random.default_rng(seed)
    some = _some(len(points), MOST_POINTS, rng)
    order = some[np.argsort(services[some], kind="stable")]
    kept, own = np.asarray(points[order], np.float32), services[order]
    starts = np.searchsorted(own, np.arange(n_labels + 1)).astype(np.int64)
    if fresh is not None and len(fresh[0]) >= FEWEST_REFERENCES:
        seen = _some(len(fresh[0]), MOST_REFERENCES, rng)
        ordinary = _distances(fresh[0][seen], fresh[1][seen], kept, starts)
    else:
        compared = _some(len(kept), MOST_REFERENCES, rng)
        compared = compared[np.diff(starts)[own[compared]] > 1]
        if len(compared) < FEWEST_REFERENCES:
            return None
        ordinary = _distances(kept[compared], own[compared], kept, starts, compared)
    ordinary = np.sort(ordinary)
    places = np.linspace(0, len(ordinary) - 1, min(QUANTILES, len(ordinary))).round().astype(int)
    return OutlierRank(kept, starts, ordinary[places])


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
