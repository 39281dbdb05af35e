"""Claiming work: leases that end by themselves, so that nothing is ever stranded."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from annotation.models import QueueItem

MOST_AT_ONCE = 5

# One statement: take the best free items in rank order. SKIP LOCKED lets ten annotators claim at once without
# waiting for each other, and a row taken by one is skipped, not re-ordered, by the others. An item that the
# same person already holds comes first, so that reloading the page loses nothing. MATERIALIZED keeps the
# planner from running the locking subquery twice.
CLAIM = """
WITH best AS MATERIALIZED (
    SELECT q.id
    FROM annotation_queueitem q
    JOIN annotation_ticket t ON t.id = q.ticket_id
    WHERE q.mode = %(mode)s
      AND (q.leased_until IS NULL OR q.leased_until <= now() OR q.leased_by_id = %(user)s)
      AND (q.lease IS NULL OR NOT q.lease = ANY(%(holding)s))
      AND NOT EXISTS (
          SELECT 1 FROM annotation_annotation a
          WHERE a.ticket_id = q.ticket_id AND a.annotator_id = %(user)s AND a.round = t.round
            AND a.kind <> 'undo' AND a.source_annotation_id IS NULL
      )
    ORDER BY (q.leased_by_id IS NOT DISTINCT FROM %(user)s AND q.leased_until > now()) DESC, q.position, q.id
    LIMIT %(count)s
    FOR UPDATE OF q SKIP LOCKED
)
UPDATE annotation_queueitem q
SET lease = gen_random_uuid(), leased_by_id = %(user)s, leased_until = now() + %(ttl)s
FROM best
WHERE q.id = best.id
RETURNING q.id
"""


@dataclass(frozen=True)
class Heartbeat:
    """Which leases go on until when, and which are lost."""

    kept: dict[uuid.UUID, datetime]
    lost: list[uuid.UUID]


def lease_time() -> timedelta:
    """How long a lease lasts without a heartbeat."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def queue_claim(
    *, annotator: User, mode: str, count: int = 1, holding: Sequence[uuid.UUID] = ()
) -> list[QueueItem]:
    """Lease up to ``count`` items to this person, best first; ``holding`` are leases the page already shows.

    Nobody else is served an item while its lease lasts, and nobody is served a ticket again in a round in
    which they answered it.
    """
    values = {
        "mode": mode,
        "user": annotator.pk,
        "holding": list(holding),
        "count": max(1, min(count, MOST_AT_ONCE)),
        "ttl": lease_time(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    items = QueueItem.objects.filter(pk__in=ids).select_related("ticket").order_by("position", "id")
    return list(items)


def queue_heartbeat(*, annotator: User, leases: Sequence[uuid.UUID]) -> Heartbeat:
    """Prolong one's own leases. One that ran out goes on too, unless somebody else has the ticket by now."""
    until = timezone.now() + lease_time()
    mine = QueueItem.objects.filter(lease__in=leases, leased_by=annotator)
    kept = set(mine.values_list("lease", flat=True))
    mine.update(leased_until=until)
    return Heartbeat(dict.fromkeys(kept, until), [lease for lease in leases if lease not in kept])


def queue_release(*, annotator: User, leases: Sequence[uuid.UUID]) -> int:
    """Give one's own items back; the others' are not touched. Returns how many."""
    mine = QueueItem.objects.filter(lease__in=leases, leased_by=annotator)
    return mine.update(lease=None, leased_by=None, leased_until=None)
