"""Training rows as arrays, the form in which the training program passes them around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.schema import TrainingRow

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Training rows as arrays, row for row: ``targets`` (n,) index the labels, ``embeddings`` (n, dim)."""

    rows: list[TrainingRow]
    targets: Ints
    weights: Floats
    embeddings: Floats

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]

    def pick(self, places: list[int]) -> Rows:
        return Rows(
            [self.rows[place] for place in places],
            self.targets[places],
            self.weights[places],
            self.embeddings[places],
        )

    def joined(self, more: Rows) -> Rows:
        return Rows(
            [*self.rows, *more.rows],
            np.concatenate([self.targets, more.targets]),
            np.concatenate([self.weights, more.weights]),
            np.concatenate([self.embeddings, more.embeddings]),
        )
