"""Training rows as arrays, the form in which the training program passes them around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.dataset import split_by_group
from ml.schema import TrainingRow

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FEWEST_VALIDATION = 20
"""Validation rows below which nothing can be concluded, so nothing is fine-tuned."""


@dataclass(frozen=True)
class Rows:
    """Training rows as arrays, row for row: ``wanted`` (n, n_labels), the answer each should get as a distribution
    (a person's is all on one label), ``weights`` (n,), ``embeddings`` (n, dim).
    """

    rows: list[TrainingRow]
    wanted: Floats
    weights: Floats
    embeddings: Floats

    @classmethod
    def of(cls, rows: list[TrainingRow], labels: Sequence[str], embeddings: Floats) -> Rows:
        """What people said: each row's label is one of ``labels``, its weight its own."""
        place = {label: index for index, label in enumerate(labels)}
        wanted = np.eye(len(place), dtype=np.float32)[[place[row.label] for row in rows]]
        return cls(rows, wanted, np.array([row.weight for row in rows], np.float32), embeddings)

    @property
    def targets(self) -> Ints:
        """(n,) places of the likeliest labels."""
        return np.asarray(self.wanted.argmax(axis=1), np.int64)

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]

    def split(self, share: float, seed: int) -> tuple[Rows, Rows | None]:
        """(rows to fit, about ``share`` of them to judge by), groups kept whole. All and none when too few."""
        _, held = split_by_group(self.rows, share, seed)
        if len(held) < FEWEST_VALIDATION or len({row.label for row in held}) < 2:
            return self, None
        groups = {row.group for row in held}
        inside = [place for place, row in enumerate(self.rows) if row.group not in groups]
        outside = [place for place, row in enumerate(self.rows) if row.group in groups]
        return self.pick(inside), self.pick(outside)

    def pick(self, places: list[int]) -> Rows:
        return Rows(
            [self.rows[place] for place in places],
            self.wanted[places],
            self.weights[places],
            self.embeddings[places],
        )

    def weighing(self, factors: Floats) -> Rows:
        """The same rows, their weights times ``factors`` (n,)."""
        return replace(self, weights=self.weights * factors)

    def joined(self, more: Rows) -> Rows:
        return Rows(
            [*self.rows, *more.rows],
            np.concatenate([self.wanted, more.wanted]),
            np.concatenate([self.weights, more.weights]),
            np.concatenate([self.embeddings, more.embeddings]),
        )
