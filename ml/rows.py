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
    """Training rows as arrays, row for row: ``wanted`` (n, n_labels), the answer each should get as a distribution
    (a person's is all on one label), ``weights`` (n,), ``embeddings`` (n, dim).
    """

    rows: list[TrainingRow]
    wanted: Floats
    weights: Floats
    embeddings: Floats

    @property
    def targets(self) -> Ints:
        """(n,) places of the likeliest labels."""
        return np.asarray(self.wanted.argmax(axis=1), np.int64)

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]

    def pick(self, places: list[int]) -> Rows:
        return Rows(
            [self.rows[place] for place in places],
            self.wanted[places],
            self.weights[places],
            self.embeddings[places],
        )

    def joined(self, more: Rows) -> Rows:
        return Rows(
            [*self.rows, *more.rows],
            np.concatenate([self.wanted, more.wanted]),
            np.concatenate([self.weights, more.weights]),
            np.concatenate([self.embeddings, more.embeddings]),
        )
