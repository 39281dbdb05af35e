"""Tickets a customer waits for, and what the desk says became of them. Upper layers call these."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.prepared import Prepared
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import Annotation, AnnotationKind, Lane, Mode, QueueItem, Service, Ticket

# Before everything the learner ranks (its positions count from 0), the longest wait first. A row in somebody's hands is
# left as it is: their answer is the customer's too. A control ticket is asked about blind, as everywhere.
PUSH = Prepared(
    """
INSERT INTO annotation_queueitem (ticket_id, mode, position, lane, suggested_service_id, suggested_probability,
    second_service_id, second_probability, candidates, generation, waiting_since, asked_because, created_at)
SELECT t.id, 'teach', extract(epoch FROM r.waiting_since) - 1e11, 'live',
    CASE WHEN NOT t.is_audit THEN r.first_id END, CASE WHEN NOT t.is_audit THEN r.first_p END,
    CASE WHEN NOT t.is_audit THEN r.second_id END, CASE WHEN NOT t.is_audit THEN r.second_p END,
    CASE WHEN t.is_audit THEN '[]' ELSE r.candidates END, 0, r.waiting_since, r.asked_because, now()
FROM jsonb_to_recordset(%(items)s) AS r (ticket_id bigint, first_id bigint, first_p float8, second_id bigint,
    second_p float8, candidates jsonb, waiting_since timestamptz, asked_because text)
JOIN annotation_ticket t ON t.id = r.ticket_id
ORDER BY t.id
ON CONFLICT (ticket_id) DO UPDATE SET
    mode = EXCLUDED.mode, position = EXCLUDED.position, lane = EXCLUDED.lane,
    suggested_service_id = EXCLUDED.suggested_service_id, suggested_probability = EXCLUDED.suggested_probability,
    second_service_id = EXCLUDED.second_service_id, second_probability = EXCLUDED.second_probability,
    candidates = EXCLUDED.candidates, waiting_since = EXCLUDED.waiting_since, asked_because = EXCLUDED.asked_because
WHERE annotation_queueitem.leased_until IS NULL OR annotation_queueitem.leased_until <= now()""",
    items="jsonb",
)


@dataclass(frozen=True)
class LiveItem:
    """A ticket whose customer waits. ``candidates``: (service id, probability), best first, at most five."""

    ticket_id: int
    waiting_since: datetime
    asked_because: str
    candidates: Sequence[tuple[int, float]] = field(default=())


@transaction.atomic(savepoint=False)  # part of the routing's transaction, which is whole or nothing
def live_push(*, items: Sequence[LiveItem]) -> None:
    """Put these before everything else in Teach; doing it again changes nothing."""
    if items:
        with connection.cursor() as cursor:
            PUSH.run(cursor, {"items": json.dumps([_row(item) for item in items])})


def _row(item: LiveItem) -> dict[str, object]:
    first, second = ([*item.candidates, (None, None), (None, None)])[:2]
    return {
        "ticket_id": item.ticket_id,
        "first_id": first[0],
        "first_p": first[1],
        "second_id": second[0],
        "second_p": second[1],
        "candidates": [[pk, round(p, 4)] for pk, p in item.candidates],
        "waiting_since": item.waiting_since.isoformat(),
        "asked_because": item.asked_because,
    }


def live_withdraw(*, ticket_ids: Sequence[int]) -> int:
    """Nobody waits for these any more. One in somebody's hands goes too: their answer still counts."""
    return QueueItem.objects.filter(ticket_id__in=ticket_ids, lane=Lane.LIVE).delete()[0]


@transaction.atomic
def outcome_label(*, ticket_id: int, service_id: int) -> Annotation | None:
    """Keep where the desk moved a ticket as a weak label; None if the last such label says so already.

    It is an annotation of nobody: it never closes a control, and a person's decision stands above it. Raises
    ``Refused``: ticket_gone, unknown_service.
    """
    ticket = Ticket.objects.select_for_update().filter(pk=ticket_id).first()
    if ticket is None:
        raise Refused("ticket_gone", "This ticket is no longer there.", status=404, ticket_id=ticket_id)
    if not Service.objects.filter(pk=service_id).exists():
        raise Refused("unknown_service", "This service does not exist.", status=400, service_id=service_id)
    moves = ticket.annotations.filter(annotator=None, lane=Lane.OUTCOME).order_by("-id")
    last = moves.values_list("service_id", "round").first()
    if last is not None and last[0] == service_id and last[1] >= ticket.reopened_at_round:
        return None
    annotation = Annotation.objects.create(
        ticket=ticket,
        annotator=None,
        round=ticket.round,
        kind=AnnotationKind.LABEL,
        service_id=service_id,
        mode=Mode.IMPORT,
        lane=Lane.OUTCOME,
        is_demo=settings.DEMO,
    )
    ticket_resolve(ticket)
    tell([ticket.pk])
    return annotation
