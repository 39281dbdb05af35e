"""A rush: the desk asks so much that what can wait does, and cores and database belong to the customers who wait.

What can wait is what makes routed tickets part of the pool: their vectors are loaded, and those that the model did not
answer are read, when the rush is over, or after ``LONGEST``.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotation.models import Ticket
from inference.models import RoutingDecision

LATELY = timedelta(seconds=2)
LONGEST = timedelta(minutes=10)
"""Nothing waits for longer: a rush that never ends is what this installation does all day."""


def is_rush() -> bool:
    """Whether at least ``RUSH_PER_SECOND`` tickets a second were decided about lately; never where that is 0."""
    lately = RoutingDecision.objects.filter(decided_at__gt=timezone.now() - LATELY)
    return 0 < settings.RUSH_PER_SECOND * LATELY.total_seconds() <= lately.count()


def may_wait_since() -> datetime | None:
    """What was decided about after this moment may wait; None where there is no rush, and nothing may."""
    return timezone.now() - LONGEST if is_rush() else None


def cannot_wait(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Those of these tickets that cannot wait: in a rush not what was routed within ``LONGEST``, else all."""
    since = may_wait_since()
    if since is None:
        return tickets
    return tickets.exclude(
        Exists(RoutingDecision.objects.filter(ticket=OuterRef("pk"), decided_at__gt=since))
    )
