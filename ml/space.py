"""The pool made ready to be learned from: unit embeddings, smoothed ones, and their principal plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml import outliers
from ml.smoothing import Smoother, Surroundings

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LARGEST_GROWTH = 1.25


class Space:
    """n tickets by id with embeddings (n, d). `usable` (n,) is False where one is not finite or all zero.

    `points`: unit length. `smooth`: drawn towards their neighbours. `flat` (n, p): smooth ones in the principal plane.
    `view`: what the outlier score looks at.
    `previous` lends smoothed rows of tickets whose embedding is the same, while the pool grew by less than a quarter.
    Raises ValueError for shapes that do not match or ids that repeat.
    """

    def __init__(
        self, ids: Ints, embeddings: Floats, *, seed: int, neighbours: int, previous: Space | None = None
    ) -> None:
        self.ids = np.asarray(ids, np.int64)
        raw = np.asarray(embeddings, np.float32)
        if self.ids.ndim != 1 or raw.ndim != 2 or len(raw) != len(self.ids):
            raise ValueError(f"ids must be (n,) and embeddings (n, d): got {self.ids.shape}, {raw.shape}")
        if len(np.unique(self.ids)) != len(self.ids):
            raise ValueError("ids must be distinct")
        self.dim = raw.shape[1]
        length = np.linalg.norm(raw, axis=1)
        self.usable: Bools = np.isfinite(length) & (length > 0)
        safe = np.where(self.usable, length, 1.0).astype(np.float32)
        self.points: Floats = np.where(self.usable[:, None], raw, 0.0).astype(np.float32) / safe[:, None]
        self._row_of = {int(ticket): row for row, ticket in enumerate(self.ids)}
        self.neighbours = neighbours
        self.smooth: Floats = np.zeros_like(self.points)
        self._support = np.zeros(len(raw), np.float32)
        self.smoother: Smoother = self._smoothed(seed, neighbours, previous)
        self.basis = outliers.plane(self.smooth, np.random.default_rng(seed))
        self.flat: Floats = self.smooth @ self.basis
        self.view = outliers.View(self.points @ self.basis, self.flat, self._near, self._pull, self._support)

    def row_of(self, ticket: int) -> int | None:
        """The row of a ticket; None for one that is not in the pool."""
        return self._row_of.get(ticket)

    def rows(self, ids: Sequence[int] | Ints) -> Ints:
        """Rows of ticket ids; ValueError names those that are not in the pool."""
        unknown = [int(ticket) for ticket in ids if int(ticket) not in self._row_of]
        if unknown:
            raise ValueError(f"{len(unknown)} ids are not in the pool: {unknown[:5]}")
        return np.asarray([self._row_of[int(ticket)] for ticket in ids], np.int64)

    def units(self, embeddings: Floats) -> Floats:
        """Embeddings (m, d) from outside the pool at unit length; ValueError when one cannot be."""
        raw = np.asarray(embeddings, np.float32)
        if raw.ndim != 2 or raw.shape[1] != self.dim:
            raise ValueError(f"embeddings must be (m, {self.dim}), not {raw.shape}")
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        if not np.isfinite(length).all() or not (length > 0).all():
            raise ValueError("embeddings must be finite and not all zero")
        return np.asarray(raw / length, np.float32)

    def look(self, units: Floats) -> outliers.View:
        """Unit embeddings (m, d) from outside the pool, as the outlier score looks at them."""
        found = self.smoother.look(units)
        return outliers.View(
            units @ self.basis, found.smooth @ self.basis, found.near, found.pull, found.support
        )

    def _smoothed(self, seed: int, neighbours: int, previous: Space | None) -> Smoother:
        """Fill `smooth` and who is near whom; returns what smooths further points the same way."""
        if previous is not None and (previous.dim, previous.neighbours) == (self.dim, neighbours):
            _, mine, theirs = np.intersect1d(self.ids, previous.ids, return_indices=True)
            same = (self.points[mine] == previous.points[theirs]).all(axis=1)
            mine, theirs = mine[same], theirs[same]
            if len(mine) and len(mine) * LARGEST_GROWTH >= max(len(self.ids), len(previous.ids)):
                new = np.setdiff1d(np.flatnonzero(self.usable), mine)
                self._room(previous.smoother)
                self.smooth[mine] = previous.smooth[theirs]
                lent = previous.view.of(theirs)
                self._near[mine], self._pull[mine], self._support[mine] = lent.near, lent.pull, lent.support
                self._place(new, previous.smoother.look(self.points[new]))
                return previous.smoother
        smoother = Smoother(self.points[self.usable], seed, neighbours)
        self._room(smoother)
        self._place(np.flatnonzero(self.usable), smoother.settle(self.points[self.usable]))
        return smoother

    def _room(self, smoother: Smoother) -> None:
        shape = (len(self.points), max(smoother.neighbours, 0))
        self._near, self._pull = np.zeros(shape, np.int32), np.zeros(shape, np.float32)

    def _place(self, rows: Ints, found: Surroundings) -> None:
        self.smooth[rows], self._support[rows] = found.smooth, found.support
        self._near[rows], self._pull[rows] = found.near, found.pull
