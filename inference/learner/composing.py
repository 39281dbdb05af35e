"""Turns ranked rows into queue items: which services to offer, with what probability, and why it is asked."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from annotation.models import Lane
from inference import selectors
from inference.learner import checks, lanes, pool, world
from inference.models import Encoder, Prediction
from ml.learner import Learner, Pick

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
CANDIDATES = 5
CHECK_DEPTH = 200
TEACH_FIRST = 300
"""The best of Teach stay in Teach, whatever Check would like."""


@dataclass(frozen=True)
class Item:
    """A ticket to be asked about. ``candidates``: (service id, probability), best first, at most five."""

    ticket_id: int
    lane: str
    uncertainty: float
    outlier: float
    sampling_probability: float
    candidates: list[tuple[int, float]]


@dataclass(frozen=True)
class Suspicion:
    """A labelled ticket whose label the others contradict, and what they say instead."""

    ticket_id: int
    service: str
    probability: float


def suspicions(labels: world.Labels, rows: pool.Rows) -> list[Suspicion]:
    """Labels that a head which never saw them doubts; those somebody looked at in Check are left in peace."""
    fresh = labels.of(~np.isin(labels.ids, world.checked_tickets()))
    row_of = {int(ticket): row for row, ticket in enumerate(rows.ids)}
    points = rows.vectors[[row_of[int(ticket)] for ticket in fresh.ids]]
    return [
        Suspicion(int(fresh.ids[one.place]), one.service, one.probability)
        for one in checks.suspects(points, fresh.codes, fresh.groups)
    ]


def _drawn(lane: str, pick: Pick | None) -> float:
    """The chance with which a ticket of Teach was drawn; only audit tickets owe theirs to chance."""
    if pick is not None:
        return pick.probability
    return settings.AUDIT_RESERVE_SHARE if lane == Lane.AUDIT else 1.0


class Composer:
    """Makes the items of one push from one ranking."""

    def __init__(self, learner: Learner, rows: pool.Rows, encoder: Encoder) -> None:
        self.learner = learner
        self.rows = rows
        self.scores = learner.scores()
        self.services = world.services()
        self.model = selectors.serving_model(encoder)
        self._row_of = learner.space.row_of

    def teach(self, ordered: list[tuple[str, int, Pick | None]]) -> list[Item]:
        """Items of Teach in the order of (lane, row, pick). Audit items carry the chance of the reserve draw."""
        chances = self._chances(np.asarray([row for _, row, _ in ordered], np.int64))
        return [
            Item(
                ticket_id=int(self.rows.ids[row]),
                lane=lane if lane in Lane.values else Lane.NOVELTY,
                uncertainty=float(self.scores.uncertainty[row]),
                outlier=float(self.scores.outlier[row]),
                sampling_probability=_drawn(lane, pick),
                candidates=found,
            )
            for (lane, row, pick), found in zip(ordered, chances, strict=True)
        ]

    def checks(
        self, picks: list[Pick], is_open: Bools, doubted: list[Suspicion], rng: np.random.Generator
    ) -> list[Item]:
        """Items of Check, lanes interleaved; nothing before there are two services to confuse."""
        if len(self.scores.classes) < 2:
            return []
        p1 = np.minimum(self.scores.p1, 1.0)
        free = is_open & ~self.rows.is_audit
        free[[pick.row for pick in picks[:TEACH_FIRST]]] = False
        spot, drawn = checks.spot_checks(p1, free, CHECK_DEPTH // 4, rng)
        checked = world.checked_tickets()
        moved = self._moved(checked)
        weak = self._rows_of(np.setdiff1d(world.weak_tickets(), checked))
        weak = weak[~self.rows.is_audit[weak] & ~np.isin(weak, list(moved))]
        known = [(one, row) for one in doubted if (row := self._row_of(one.ticket_id)) is not None]
        waiting: dict[str, list[tuple[int, float]]] = {
            "suspect": [(row, 1.0) for _, row in known],
            "outcome": [(row, 1.0) for row in moved],
            "weak": [(int(row), 1.0) for row in weak[np.argsort(p1[weak], kind="stable")]],
            "confirm": [(int(row), 1.0) for row in checks.near_threshold(p1, free, CHECK_DEPTH)],
            "spot": [(int(row), drawn) for row in spot],
        }
        seen: set[int] = set()
        ordered = []
        for lane, (row, chance) in lanes.interleave(waiting, checks.SHARES, {}, 4 * CHECK_DEPTH):
            if row not in seen and len(ordered) < CHECK_DEPTH:
                seen.add(row)
                ordered.append((lane, row, chance))
        return self._check_items(ordered, {row: one for one, row in known}, moved)

    def _moved(self, checked: Ints) -> dict[int, int]:
        """Row -> where the desk moved it, of those that nobody has checked since."""
        done = set(checked.tolist())
        found = {
            row: service
            for ticket, service in world.moved_tickets().items()
            if ticket not in done and (row := self._row_of(ticket)) is not None
        }
        switched_on = set(self.services.values())
        return {row: service for row, service in found.items() if service in switched_on}

    def _check_items(
        self, ordered: list[tuple[str, int, float]], doubted: dict[int, Suspicion], moved: dict[int, int]
    ) -> list[Item]:
        """A suspect shows what the others say, a moved one where the desk moved it; any other ticket the fine-tuned
        model's answer where it has one."""
        rows = np.asarray([row for _, row, _ in ordered], np.int64)
        said = selectors.predictions_of(self.model, [int(self.rows.ids[row]) for row in rows])
        items = []
        for (lane, row, chance), own in zip(ordered, self._chances(rows), strict=True):
            found = own
            if lane == "suspect" and doubted[row].service in self.services:
                found = [(self.services[doubted[row].service], doubted[row].probability)]
            elif lane == "outcome":
                found = [(moved[row], dict(own).get(moved[row], 0.0))]
            elif prediction := said.get(int(self.rows.ids[row])):
                found = self._of_model(prediction, own)
            if not found:
                continue
            items.append(
                Item(
                    int(self.rows.ids[row]),
                    lane,
                    float(self.scores.uncertainty[row]),
                    float(self.scores.outlier[row]),
                    chance,
                    found,
                )
            )
        return items

    def _chances(self, rows: Ints) -> list[list[tuple[int, float]]]:
        """The head's best services per row; those switched off are left out."""
        if len(rows) == 0 or len(self.scores.classes) < 2:
            return [[] for _ in rows]
        return [self._best(row, self.scores.classes) for row in self.learner.probabilities(rows)]

    def _of_model(self, prediction: Prediction, own: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """The model's best services, unless the head prefers a service that is younger than the model."""
        known = {self.services.get(code) for code in self.model.labels}
        if own and own[0][0] not in known:
            return own
        chances = np.frombuffer(bytes(prediction.probabilities), "<f4")
        return self._best(chances, list(self.model.labels)) or own

    def _best(self, chances: NDArray[np.float32], classes: list[str]) -> list[tuple[int, float]]:
        order = np.argsort(-chances, kind="stable")[: 2 * CANDIDATES]
        found = [
            (self.services[classes[at]], round(float(min(chances[at], 1.0)), 6))
            for at in order
            if classes[at] in self.services
        ]
        return found[:CANDIDATES]

    def _rows_of(self, ticket_ids: Ints) -> Ints:
        found = (self._row_of(ticket) for ticket in ticket_ids.tolist())
        return np.asarray([row for row in found if row is not None], np.int64)
