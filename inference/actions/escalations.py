"""Live tickets that wait for a person: answered from the annotations, kept in the queue until then."""

import logging
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.prepared import Prepared
from annotation import actions as annotation
from annotation import selectors as annotation_selectors
from annotation.actions import LiveItem
from annotation.models import Annotation, Lane, TicketStatus
from inference import nudges
from inference.models import Escalation, EscalationState

log = logging.getLogger(__name__)

CORRECTION_TIME = timedelta(hours=1)
"""How long after an answer another decision of a person still corrects it; later the desk has long acted on it."""
AT_ONCE = 2000


WAITS = Prepared(
    """SELECT EXISTS (SELECT FROM inference_escalation e JOIN inference_routingdecision d ON d.id = e.decision_id
       WHERE d.ticket_id = ANY(%(tickets)s) AND e.state <> 'closed')""",
    tickets="bigint[]",
)
"""Asked after every answer, and mostly nobody waits."""


def escalations_settle(*, ticket_ids: Collection[int]) -> int:
    """Answer the waits of these tickets with what people decided; returns how many answers are new.

    Found again from the rows by ``escalations_drive``; doing it twice changes nothing. A correction within
    CORRECTION_TIME is an answer too.
    """
    with connection.cursor() as cursor:
        WAITS.run(cursor, {"tickets": list(ticket_ids)})
        if not cursor.fetchone()[0]:
            return 0
    return _settle(ticket_ids)


@transaction.atomic
def _settle(ticket_ids: Collection[int]) -> int:
    rows = list(
        Escalation.objects.select_for_update(of=("self",))
        .filter(decision__ticket__in=ticket_ids)
        .exclude(state=EscalationState.CLOSED)
        .select_related("decision")
        .order_by("pk")
    )
    if not rows:
        return 0
    decided = annotation_selectors.decisions_on([row.decision.ticket_id for row in rows])
    changed = [row for row in rows if _answer(row, decided.get(row.decision.ticket_id))]
    if changed:
        Escalation.objects.bulk_update(changed, ANSWER)
        if settings.ROUTE_WEBHOOK_URL:
            transaction.on_commit(nudges.escalations)
    return len(changed)


ANSWER = (
    "state", "answered_at", "kind", "service", "second_service", "annotation", "revision", "webhook_due_at",
    "webhook_attempts", "webhook_said",
)  # fmt: skip


def _answer(row: Escalation, decision: Annotation | None) -> bool:
    """Take over a person's decision; whether it is news. The first answer's time stays."""
    if decision is None or decision.pk == row.annotation_id:
        return False
    if row.answered_at is not None and decision.created_at > row.answered_at + CORRECTION_TIME:
        return False
    same = (decision.kind, decision.service_id, decision.second_service_id)
    is_news = row.answered_at is None or same != (row.kind, row.service_id, row.second_service_id)
    row.state, row.annotation_id = EscalationState.ANSWERED, decision.pk
    row.kind, row.service_id, row.second_service_id = same
    row.answered_at = row.answered_at or max(decision.created_at, row.opened_at)
    if is_news:
        row.revision += 1
        row.webhook_due_at = timezone.now() if settings.ROUTE_WEBHOOK_URL else None
        row.webhook_attempts, row.webhook_said = 0, ""
    return True


def escalations_drive() -> None:
    """What beat does: answer what was decided meanwhile, and bring waits back that are not in the queue."""
    waiting = Escalation.objects.filter(state=EscalationState.WAITING)
    decided = waiting.filter(
        Exists(annotation_selectors.deciding().filter(ticket=OuterRef("decision__ticket")))
    )
    ids = list(decided.order_by("opened_at").values_list("decision__ticket_id", flat=True)[:AT_ONCE])
    if ids:
        escalations_settle(ticket_ids=ids)
    escalations_queue()


def escalations_queue() -> int:
    """Put waits into Teach that are not there: an import changed the text, somebody undid or let a lease go.

    A flagged ticket waits for a lead, on its own page.
    """
    missing = (
        Escalation.objects.filter(state=EscalationState.WAITING)
        .exclude(decision__ticket__status=TicketStatus.FLAGGED)
        .exclude(
            decision__ticket__queue_item__lane=Lane.LIVE,
            decision__ticket__queue_item__waiting_since__isnull=False,
        )
        .select_related("decision")
        .order_by("opened_at")[:AT_ONCE]
    )
    items = [
        LiveItem(
            row.decision.ticket_id,
            row.opened_at,
            row.decision.reason,
            [(int(pk), float(p)) for pk, p in row.decision.candidates],
        )
        for row in missing
    ]
    annotation.live_push(items=items)
    return len(items)
