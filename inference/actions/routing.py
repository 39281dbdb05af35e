"""Routing live tickets: one decision an external id, within the deadline, whatever happens to the model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import User
from annotation.ingest import ImportOptions, ReadyRow, records_check
from annotation.reading import RowProblem
from compute.port import ComputeBackend
from inference.routing import asking, dispatching, reading, writing
from inference.routing.dispatching import Dispatch
from inference.routing.reading import Decision
from inference.routing.standing import Production, Standing, standing
from inference.routing.writing import Decided

MOST_AT_ONCE = 100
WRITE_SHARE = 0.2
"""Kept of the deadline for writing the decision and answering, which takes so long where the cores are full."""
SECONDS_A_TICKET = 0.02
"""What each further ticket of a call adds to its deadline."""
OPTIONS = ImportOptions(
    external_id_column="external_id",
    received_at_column="received_at",
    channel_column="channel",
    language_column="language",
    metadata_columns=("metadata",),
    is_live=True,
    is_demo=settings.DEMO,
)


@dataclass(frozen=True)
class Routed:
    """What became of one record: a decision, or what is wrong with the record. ``is_repeat``: it was decided before."""

    decision: Decision | None
    problem: RowProblem | None = None
    is_repeat: bool = False


@dataclass(frozen=True)
class RouteCall:
    """What one call brought. ``arrived``: when it came, by ``time.monotonic()``; its deadline counts from there."""

    records: Sequence[dict[str, Any]]
    asked_by: User
    arrived: float

    @property
    def until(self) -> float:
        """When it has to be answered."""
        further = SECONDS_A_TICKET * (len(self.records) - 1)
        return self.arrived + settings.ROUTE_DEADLINE_MS / 1000 + further


def tickets_route(
    *, records: Sequence[dict[str, Any]], asked_by: User, backend: ComputeBackend, arrived: float
) -> list[Routed]:
    """Decide about the records of one call, as ``calls_route`` does."""
    return calls_route([RouteCall(records, asked_by, arrived)], backend)[0]


def calls_route(calls: Sequence[RouteCall], backend: ComputeBackend) -> list[list[Routed]]:
    """Decide about each record of each call, in order; one call to the model for all of them.

    1. Check and mask. 2. What was decided before is answered as it was, whatever the text is now. 3. The model is asked
    without a transaction open, within the earliest deadline. 4. Ticket, decision and wait are written in one. Whoever
    is killed before that left nothing; the desk asks again.
    """
    checked = [[_named(one) for one in records_check(call.records, OPTIONS)] for call in calls]
    rows: dict[str, _Fresh] = {}
    for call, ones in zip(calls, checked, strict=True):
        for one, record in zip(ones, call.records, strict=True):
            if isinstance(one, ReadyRow):
                rows.setdefault(one.external_id, _Fresh(one, record, call))
    known = reading.stored(list(rows))
    before = set(known)
    fresh = {name: rows[name] for name in sorted(rows.keys() - before)}
    if fresh:
        known |= _decide(list(fresh.values()), backend)
        # Decided by another connection meanwhile: its decision is everybody's.
        known |= reading.stored([name for name in fresh if name not in known])
    return [_answers(ones, known, before) for ones in checked]


@dataclass(frozen=True)
class _Fresh:
    """A ticket that nothing was decided about, as it came, and the call it came with."""

    row: ReadyRow
    record: dict[str, Any]
    call: RouteCall


def _named(one: ReadyRow | RowProblem) -> ReadyRow | RowProblem:
    """A record without an external id could not be asked for again."""
    if isinstance(one, ReadyRow) and not one.external_id:
        return RowProblem(one.line, "external_id_needed", {})
    return one


def _decide(fresh: list[_Fresh], backend: ComputeBackend) -> dict[str, Decision]:
    """Decide about new tickets and write that; the decisions written."""
    now = standing()
    until = min(one.call.until for one in fresh) - WRITE_SHARE * settings.ROUTE_DEADLINE_MS / 1000
    asked = [now.asked_about(one.row.external_id) for one in fresh]
    said: dict[str, Dispatch] = {}
    for version in dict.fromkeys(asked):
        rows = [one.row for one, its in zip(fresh, asked, strict=True) if its is version]
        found = _dispatches(now, version, rows, backend, until)
        said |= {row.external_id: one for row, one in zip(rows, found, strict=True)}
    clock = time.monotonic()
    decided = [
        Decided(
            one.row,
            said[one.row.external_id],
            dispatching.baseline_of(now, said[one.row.external_id], one.row.text, _baseline(one.record)),
            version,
            asked_by_id=one.call.asked_by.pk,
            latency_ms=max(0, round(1000 * (clock - one.call.arrived))),
        )
        for one, version in zip(fresh, asked, strict=True)
    ]
    return writing.write(decided, options=OPTIONS, standing=now)


def _dispatches(
    now: Standing, version: Production | None, rows: list[ReadyRow], backend: ComputeBackend, until: float
) -> list[Dispatch]:
    if version is None:
        return [dispatching.unavailable(now, "no_production")] * len(rows)
    records = [{"id": str(place), "text": row.text} for place, row in enumerate(rows)]
    try:
        answers = asking.ask(backend, version.endpoint, records, until)
    except asking.Unavailable as unavailable:
        return [dispatching.unavailable(now, unavailable.detail)] * len(rows)
    return [dispatching.dispatch(now, version, answer) for answer in answers]


def _baseline(record: dict[str, Any]) -> str | None:
    said = record.get("baseline")
    return said if isinstance(said, str) else None


def _answers(
    checked: list[ReadyRow | RowProblem], known: dict[str, Decision], before: set[str]
) -> list[Routed]:
    """In the order of the call. An external id that comes twice, in it or with another call of these, is a repeat the
    second time: ``before`` holds those that came already, and grows."""
    found = []
    for one in checked:
        if isinstance(one, RowProblem):
            found.append(Routed(None, one))
            continue
        found.append(Routed(known[one.external_id], is_repeat=one.external_id in before))
        before.add(one.external_id)
    return found
