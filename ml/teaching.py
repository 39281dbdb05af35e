"""The linear head of a training, and the rows to fine-tune on: with unlabelled tickets at hand, taught ones join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.probe import Head, fit_probe, folds_by_group
from ml.rows import Rows
from ml.smoothing import Smoother
from ml.taught import as_rows, lesson, taught_rows

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Teaching:
    """What every head of one training learns by. ``pool`` (m, d): embeddings of the first m ``pool_texts``; ``pace``:
    seconds that embedding a text takes; ``max_seconds``: of the training.
    """

    labels: Sequence[str]
    pool_texts: Sequence[str]
    pool: Floats
    pace: float
    max_seconds: float
    seed: int

    def folds(self, rows: Rows) -> Ints:
        """A fold for each row (n,), near-duplicates together."""
        return folds_by_group([row.group for row in rows.rows], self.seed)

    def points(self, rows: Rows) -> Floats:
        """What a head learns on (n, d): embeddings smoothed within the pool, where there is one."""
        if len(self.pool) == 0:
            return rows.embeddings
        together = np.concatenate([rows.embeddings, self.pool])
        return Smoother(together, self.seed).pool(together)[: len(rows.rows)]

    def probe(self, rows: Rows) -> tuple[Head, float, Rows]:
        """The linear head, its temperature, and the rows to fine-tune on."""
        folds = self.folds(rows)
        if len(self.pool) == 0 or len(self.labels) < 2:
            found = fit_probe(rows.embeddings, rows.targets, rows.weights, len(self.labels), folds)
            return *found, rows
        learnt = lesson(
            rows.embeddings, rows.targets, rows.weights, self.pool, len(self.labels), folds, self.seed
        )
        count = taught_rows(len(self.pool), len(rows.rows), self.pace, self.max_seconds)
        more = as_rows(learnt, self.pool_texts, self.pool, self.labels, count)
        return Head(learnt.weights[:, :-1], learnt.weights[:, -1]), 1.0, rows.joined(more)
