"""Claiming work: leases that end by themselves, so that nothing is ever stranded."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.prepared import Prepared
from accounts.rows import columns, made
from annotation.models import QueueItem, Serving, Ticket

MOST_AT_ONCE = 5
PUSH_LOCK = 7_204_001
"""Advisory lock of the push that replaces the queue (``annotation.actions.pushes``)."""

# One statement, sent outside a transaction block: one round trip, and all or nothing all the same; planned once a
# connection, since planning takes longer than running it. SKIP LOCKED lets ten annotators claim at once without waiting
# for each other, and a row taken by one is skipped, not re-ordered, by the others. Customers who wait come first
# (`live.py` gives them the places below 0); then what the same person holds already, which keeps its lease, so that
# reloading the page loses nothing; then the rest. MATERIALIZED keeps the planner from running a locking subquery twice.
# Its commit does not wait for the disk: a power cut may take back a lease of the last half second, which then is served
# anew, while any answer after it is written with all that came before.
CLAIM = """
WITH waiting AS MATERIALIZED (
    SELECT q.id
    FROM annotation_queueitem q
    JOIN annotation_ticket t ON t.id = q.ticket_id
    WHERE q.mode = %(mode)s AND q.position < 0 AND (({held}) OR ({free}))
    ORDER BY q.position, q.id
    LIMIT %(count)s
    FOR UPDATE OF q SKIP LOCKED
), mine AS MATERIALIZED (
    SELECT q.id
    FROM annotation_queueitem q
    WHERE q.mode = %(mode)s AND q.position >= 0 AND {held}
    ORDER BY q.position, q.id
    LIMIT %(count)s - (SELECT count(*) FROM waiting)
    FOR UPDATE OF q SKIP LOCKED
), free AS MATERIALIZED (
    SELECT q.id
    FROM annotation_queueitem q
    JOIN annotation_ticket t ON t.id = q.ticket_id
    WHERE q.mode = %(mode)s AND q.position >= 0 AND {free}
    ORDER BY q.position, q.id
    LIMIT %(count)s - (SELECT count(*) FROM waiting) - (SELECT count(*) FROM mine)
    FOR UPDATE OF q SKIP LOCKED
), leased AS (
    UPDATE annotation_queueitem q
    SET lease = CASE WHEN {held} THEN q.lease ELSE gen_random_uuid() END,
        leased_by_id = %(user)s, leased_until = now() + %(ttl)s
    WHERE q.id IN (SELECT id FROM waiting UNION ALL SELECT id FROM mine UNION ALL SELECT id FROM free)
    RETURNING q.*
), served AS (
    INSERT INTO annotation_serving (lease, ticket_id, annotator_id, round, mode, lane, uncertainty, outlier,
        sampling_probability, suggested_service_id, suggested_probability, candidates, generation, served_at)
    SELECT l.lease, l.ticket_id, l.leased_by_id, t.round, l.mode, l.lane, l.uncertainty, l.outlier,
        l.sampling_probability, l.suggested_service_id, l.suggested_probability, l.candidates,
        l.generation, clock_timestamp()
    FROM leased l JOIN annotation_ticket t ON t.id = l.ticket_id
    ON CONFLICT (lease) DO NOTHING
)
SELECT {item}, {ticket},
       (SELECT count(*) FROM annotation_ticket alike WHERE alike."group" = t."group"),
       (SELECT count(*) FROM annotation_queueitem rest WHERE rest.mode = %(mode)s)
FROM leased l JOIN annotation_ticket t ON t.id = l.ticket_id
ORDER BY l.position >= 0, l.id NOT IN (SELECT id FROM mine), l.position, l.id
"""
HELD = "q.leased_by_id = %(user)s AND q.leased_until > now() AND q.lease <> ALL(%(holding)s::uuid[])"
FREE = """(q.leased_until IS NULL OR q.leased_until <= now())
      AND NOT EXISTS (
          SELECT 1 FROM annotation_annotation a
          WHERE a.ticket_id = q.ticket_id AND a.annotator_id = %(user)s AND a.round = t.round
            AND a.kind <> 'undo' AND a.source_annotation_id IS NULL
      )"""
AT_ONCE = "SET LOCAL synchronous_commit TO off; "
AFTER_PUSH = "SELECT pg_advisory_xact_lock_shared(%(push)s); " + AT_ONCE


@dataclass(frozen=True)
class Heartbeat:
    """Which leases go on until when, and which are lost."""

    kept: dict[uuid.UUID, datetime]
    lost: list[uuid.UUID]


def lease_time() -> timedelta:
    """How long a lease lasts without a heartbeat."""
    return timedelta(seconds=settings.LEASE_SECONDS)


@dataclass(frozen=True)
class Served:
    """What a claim leased, best first; by near-duplicate group how many tickets it has; how many items the mode has
    (None when nothing came).
    """

    items: list[QueueItem]
    group_sizes: dict[str, int]
    left: int | None


def queue_claim(
    *, annotator: User, mode: str, count: int = 1, holding: Sequence[uuid.UUID] = ()
) -> list[QueueItem]:
    """Lease up to ``count`` items to this person, best first; ``holding`` are leases the page already shows.

    Nobody else is served an item while its lease lasts, and nobody is served a ticket again in a round in
    which they answered it.
    """
    return queue_serve(annotator=annotator, mode=mode, count=count, holding=holding).items


def queue_serve(*, annotator: User, mode: str, count: int = 1, holding: Sequence[uuid.UUID] = ()) -> Served:
    """As ``queue_claim``, with what the page says beside the tickets."""
    values = {
        "mode": mode,
        "user": annotator.pk,
        "holding": list(holding),
        "count": max(1, min(count, MOST_AT_ONCE)),
        "ttl": lease_time(),
        "push": PUSH_LOCK,
    }
    # Where a push under way and other claims have locked every free row: wait for its end and look again.
    return _serve(AT_ONCE, values) or _serve(AFTER_PUSH, values) or Served([], {}, None)


def _serve(before: str, values: dict[str, object]) -> Served | None:
    with connection.cursor() as cursor:
        _claim().run(cursor, values, before)
        rows = cursor.fetchall()
    if not rows:
        return None
    split = len(QueueItem._meta.concrete_fields)
    items, sizes = [], {}
    for row in rows:
        item, ticket = made(QueueItem, row[:split]), made(Ticket, row[split:-2])
        item.ticket = ticket
        items.append(item)
        sizes[ticket.group] = row[-2]
    return Served(items, sizes, rows[0][-1])


@cache
def _claim() -> Prepared:
    """The statement, with every column of both models."""
    shown = {"item": columns(QueueItem, "l"), "ticket": columns(Ticket, "t")}
    return Prepared(
        CLAIM.format(held=HELD, free=FREE, **shown),
        mode="text", user="bigint", holding="uuid[]", count="bigint", ttl="interval",
    )  # fmt: skip


@transaction.atomic
def queue_heartbeat(*, annotator: User, leases: Sequence[uuid.UUID]) -> Heartbeat:
    """Prolong one's own leases. One that ran out goes on too, unless somebody else has the ticket by now."""
    mine = QueueItem.objects.select_for_update().filter(lease__in=leases, leased_by=annotator).order_by("pk")
    kept = {item.lease: item.pk for item in mine}
    until = timezone.now() + lease_time()
    QueueItem.objects.filter(pk__in=kept.values()).update(leased_until=until)
    return Heartbeat(dict.fromkeys(kept, until), [lease for lease in leases if lease not in kept])


@transaction.atomic
def queue_release(*, annotator: User, leases: Sequence[uuid.UUID]) -> int:
    """Give one's own items back; the others' are not touched. Returns how many."""
    mine = QueueItem.objects.select_for_update().filter(lease__in=leases, leased_by=annotator).order_by("pk")
    held = [item.pk for item in mine]
    return QueueItem.objects.filter(pk__in=held).update(lease=None, leased_by=None, leased_until=None)


def lease_again(*, item: QueueItem, annotator: User) -> QueueItem:
    """Put an item (perhaps not saved yet) into a person's hands outside the order, as an undo does."""
    item.lease, item.leased_by, item.leased_until = item.new_lease(), annotator, timezone.now() + lease_time()
    item.save()
    Serving.objects.create(
        lease=item.lease,
        annotator=annotator,
        round=item.ticket.round,
        served_at=timezone.now(),
        **{name: getattr(item, name) for name in SHOWN},
    )
    return item


SHOWN = (
    "ticket_id",
    "mode",
    "lane",
    "uncertainty",
    "outlier",
    "sampling_probability",
    "suggested_service_id",
    "suggested_probability",
    "candidates",
    "generation",
)
"""What a claim copies from the queue item into the record of what was served."""
