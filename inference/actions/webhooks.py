"""Tells the desk by webhook what a person decided: signed, and tried again from the rows until it is taken.

Only the one address the installation was started with (ROUTE_WEBHOOK_URL) is ever called: nothing that comes over the
API or from a page can name another. What is given up in the end, the desk can still ask for.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.models import Escalation
from inference.posting import due_again, is_given_up, post

log = logging.getLogger(__name__)

AT_ONCE = 50


def webhooks_send() -> int:
    """Send what is due; returns how many were taken.

    1. Claim rows by moving their due time on, so that a killed worker only costs a wait. 2. Send outside any
    transaction. 3. Note how it ended, unless the answer was corrected meanwhile: that one is due by itself.
    """
    if not settings.ROUTE_WEBHOOK_URL:
        return 0
    taken = 0
    for row in _claim():
        said = _post(row)
        is_taken = said.startswith("2")
        taken += is_taken
        mine = Escalation.objects.filter(pk=row.pk, revision=row.revision)
        ends = is_taken or is_given_up(row.webhook_attempts)
        mine.update(webhook_said=said[:200], **({"webhook_due_at": None} if ends else {}))
        if ends and not is_taken:
            log.warning("webhook of ticket %s given up: %s", row.decision.ticket_id, said)
    return taken


@transaction.atomic
def _claim() -> list[Escalation]:
    now = timezone.now()
    rows = list(
        Escalation.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(webhook_due_at__lte=now)
        .select_related("decision__ticket", "service", "second_service")
        .order_by("webhook_due_at")[:AT_ONCE]
    )
    for row in rows:
        row.webhook_due_at = due_again(row.webhook_attempts, now)
        row.webhook_attempts += 1
    Escalation.objects.bulk_update(rows, ["webhook_attempts", "webhook_due_at"])
    return rows


def payload(row: Escalation) -> dict[str, Any]:
    """What is sent. ``revision`` grows with each corrected answer: the highest one counts."""
    assert row.answered_at is not None
    return {
        "event": "escalation.answered",
        "external_id": row.decision.ticket.external_id,
        "revision": row.revision,
        "kind": row.kind,
        "service": row.service.code if row.service else None,
        "second_service": row.second_service.code if row.second_service else None,
        "answered_at": row.answered_at.isoformat(),
        "seconds": round((row.answered_at - row.opened_at).total_seconds(), 1),
    }


def _post(row: Escalation) -> str:
    """How it ended: the status, or what went wrong."""
    delivery = f"{row.pk}-{row.revision}"
    return post(settings.ROUTE_WEBHOOK_URL, settings.ROUTE_WEBHOOK_SECRET, payload(row), delivery)
