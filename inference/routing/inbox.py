"""The escalation inbox: whose customers wait, and how fast people answered. Reads only."""

import statistics
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from annotation.models import TicketStatus
from inference.models import Escalation, EscalationState

SHOWN = 50
RECENT = 10
LATELY = timedelta(days=1)
MOST_COUNTED = 2000


@dataclass(frozen=True)
class Inbox:
    """``waiting``: the longest wait first, at most fifty of ``total``. ``answered``: how many in the last 24 hours,
    with the median seconds to a decision (None without any); ``recent``: the newest of them.
    """

    waiting: list[Escalation]
    total: int
    recent: list[Escalation]
    answered: int
    median_seconds: float | None


def inbox() -> Inbox:
    """Read it."""
    rows = Escalation.objects.select_related("decision__ticket__queue_item", "service")
    waiting = rows.filter(state=EscalationState.WAITING).order_by("opened_at")
    since = timezone.now() - LATELY
    answered = rows.filter(state=EscalationState.ANSWERED, answered_at__gte=since).order_by("-answered_at")
    times = [
        (end - start).total_seconds()
        for start, end in answered.values_list("opened_at", "answered_at")[:MOST_COUNTED]
    ]
    return Inbox(
        waiting=list(waiting[:SHOWN]),
        total=waiting.count(),
        recent=list(answered[:RECENT]),
        answered=len(times),
        median_seconds=statistics.median(times) if times else None,
    )


def waiting_count() -> int:
    """How many customers wait."""
    return Escalation.objects.filter(state=EscalationState.WAITING).count()


def standing_of(row: Escalation) -> str:
    """Where a wait is: free, held (somebody has it before them) or flagged (a lead has to look)."""
    ticket = row.decision.ticket
    item = getattr(ticket, "queue_item", None)
    if item is not None and item.is_held:
        return "held"
    return "flagged" if ticket.status == TicketStatus.FLAGGED else "free"
