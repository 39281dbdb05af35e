"""What the learner found no other ticket to be like, for people to look through."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from inference.models import LoneTicket

LONE_LOCK = 7_305_401
THERE = "SELECT id FROM annotation_ticket WHERE id = ANY(%s) FOR KEY SHARE SKIP LOCKED"


@dataclass(frozen=True)
class Lone:
    """A ticket with nothing alike, and its two scores."""

    ticket_id: int
    outlier: float
    uncertainty: float


@transaction.atomic
def lone_replace(*, found: Sequence[Lone]) -> int:
    """Put these, the most alone first, in the place of all that were there. Tickets erased meanwhile are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LONE_LOCK])
        cursor.execute("DELETE FROM inference_loneticket")
        cursor.execute(THERE, [[one.ticket_id for one in found]])
        there = {pk for (pk,) in cursor.fetchall()}
    LoneTicket.objects.bulk_create(
        LoneTicket(ticket_id=one.ticket_id, place=place, outlier=one.outlier, uncertainty=one.uncertainty)
        for place, one in enumerate(found)
        if one.ticket_id in there
    )
    return len(there)
