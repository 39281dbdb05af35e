"""Looks at an installation's rows again and again while something happens to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.flows.live import Installation

SQL = """
SELECT (SELECT id FROM training_trainingrun ORDER BY id DESC LIMIT 1),
       (SELECT state FROM training_trainingrun ORDER BY id DESC LIMIT 1),
       (SELECT progress FROM training_trainingrun ORDER BY id DESC LIMIT 1),
       (SELECT count(*) FROM inference_encoder WHERE is_current),
       (SELECT max(fingerprint) FROM inference_encoder WHERE is_current),
       (SELECT count(*) FROM annotation_ticket t WHERE NOT EXISTS (
            SELECT 1 FROM inference_embedding e JOIN inference_encoder c ON c.id = e.encoder_id
            WHERE c.is_current AND e.ticket_id = t.id)),
       (SELECT count(*) FROM annotation_scoregeneration WHERE is_current),
       (SELECT count(*) FROM training_trainingrun WHERE ended_at IS NULL)
"""


@dataclass(frozen=True)
class Sample:
    """One consistent look."""

    run: int | None
    state: str | None
    progress: float | None
    current: int
    encoder: str
    uncovered: int
    generations: int
    live_runs: int


class Watch:
    """Samples in a thread of its own; a look that failed (the installation is being hurt) is left out."""

    def __init__(self, house: Installation) -> None:
        self.house = house
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(30)

    def _look(self) -> None:
        while not self._over.wait(0.1):
            sample = Sample(*self.house.sql(SQL)[0])
            if not self.samples or self.samples[-1] != sample:
                self.samples.append(sample)

    def of(self, run: int) -> list[Sample]:
        """What was seen while this was the newest run."""
        return [sample for sample in self.samples if sample.run == run]

    def seen(self, name: str) -> list[Any]:
        """The values of one field, in order, without repetition of the one before."""
        values: list[Any] = []
        for sample in self.samples:
            value = getattr(sample, name)
            if not values or values[-1] != value:
                values.append(value)
        return values
