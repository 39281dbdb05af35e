"""Writes what was decided: ticket, decision, and for an escalated one the wait and its place in the queue.

All of it in one transaction, so that a worker killed at any moment leaves the whole of it or nothing. Of several
connections that bring one external id, one writes; the others find its decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from psycopg2.extras import Json, execute_values

from annotation import actions as annotation
from annotation.actions import LiveItem
from annotation.ingest import ImportOptions, ReadyRow, live_write, rows_insert
from inference.models import Escalation, EscalationState
from inference.routing.dispatching import Dispatch
from inference.routing.reading import ROUTED, Decision
from inference.routing.standing import Production, Standing

COLUMNS = (
    "ticket_id", "asked_by_id", "service_id", "reason", "reasons", "detail", "suggested_id", "confidence", "band",
    "score", "threshold", "outlier", "candidates", "deployment_id", "model_version_id", "certificate_id", "baseline",
    "baseline_service_id", "text_hash", "vector", "probabilities", "latency_ms", "decided_at",
)  # fmt: skip
INSERT = f"""INSERT INTO inference_routingdecision ({", ".join(COLUMNS)}) VALUES %s
    ON CONFLICT (ticket_id) DO NOTHING RETURNING id, ticket_id"""  # noqa: S608 - our own columns
ESCALATION = (
    *("decision", "state", "opened_at", "kind", "revision"),
    *("webhook_attempts", "webhook_said"),
)


@dataclass(frozen=True)
class Decided:
    """A ticket, ready to be written, with what was decided about it, by which version (None: none routes), who asked
    and how long ago."""

    row: ReadyRow
    dispatch: Dispatch
    baseline_service_id: int | None
    version: Production | None
    asked_by_id: int
    latency_ms: int


@transaction.atomic
def write(decided: Sequence[Decided], *, options: ImportOptions, standing: Standing) -> dict[str, Decision]:
    """Write what is not decided yet; the decisions that were written, by external id."""
    ids = live_write([one.row for one in decided], options)
    by_ticket = {ids[one.row.external_id]: one for one in decided if one.row.external_id in ids}
    now = timezone.now()
    rows = [_row(pk, one, standing, now) for pk, one in sorted(by_ticket.items())]
    with connection.cursor() as cursor:
        written = execute_values(cursor, INSERT, rows, fetch=True)
    waiting = [(decision, pk) for decision, pk in written if by_ticket[pk].dispatch.service_id is None]
    if waiting:
        _push(waiting, by_ticket, now)
    codes = {pk: code for code, pk in standing.services.items()}
    made = [_decision(by_ticket[pk], codes, now) for _, pk in written]
    return {one.external_id: one for one in made}


def _push(waiting: Sequence[tuple[int, int]], by_ticket: dict[int, Decided], now: datetime) -> None:
    """A customer waits for each of these (decision id, ticket id)."""
    fresh = (EscalationState.WAITING.value, now, "", 0, 0, "")
    rows_insert(Escalation, ESCALATION, [(decision, *fresh) for decision, _ in waiting])
    annotation.live_push(
        items=[
            LiveItem(pk, now, by_ticket[pk].dispatch.reason, by_ticket[pk].dispatch.candidates)
            for _, pk in waiting
        ]
    )


def _decision(one: Decided, codes: dict[int, str], now: datetime) -> Decision:
    said = one.dispatch
    return Decision(
        external_id=one.row.external_id,
        state=ROUTED if said.service_id else EscalationState.WAITING.value,
        service=codes[said.service_id] if said.service_id else None,
        confidence=said.confidence,
        band=said.band,
        reason=said.reason,
        reasons=tuple(said.reasons),
        model_version=one.version.version_number if one.version else None,
        decided_at=now,
    )


def _row(ticket_id: int, one: Decided, standing: Standing, now: datetime) -> tuple[object, ...]:
    said, version = one.dispatch, one.version
    return (
        *(ticket_id, one.asked_by_id, said.service_id, said.reason, Json(list(said.reasons)), said.detail),
        *(said.suggested_id, said.confidence, said.band, said.score, said.threshold, said.outlier),
        Json([list(pair) for pair in said.candidates]),
        *((version.deployment_id, version.version_id, version.certificate_id) if version else [None] * 3),
        *(standing.baseline, one.baseline_service_id, one.row.text_hash),
        *(said.vector, said.probabilities, one.latency_ms, now),
    )
