"""Whose turn it is: what was served under a lease, and whether an answer to it still counts.

Both are asked with every answer: plain statements, planned once a connection.
"""

import uuid
from dataclasses import dataclass
from functools import cache

from django.db import connection

from accounts.errors import Refused
from accounts.prepared import Prepared
from accounts.rows import columns, made
from annotation.models import Serving, Ticket


@dataclass(frozen=True)
class Turn:
    """What happened to a ticket since it was served. ``held_by``: whose hands it is in (0: of somebody who is gone)."""

    is_known: bool
    has_answered: bool
    is_decided: bool
    held_by: int | None


# The item is locked, held or not: nobody may claim it before the answer is written.
TURN = Prepared(
    """
SELECT EXISTS (SELECT FROM annotation_annotation a WHERE a.key = %(key)s),
    EXISTS (SELECT FROM annotation_annotation a
        WHERE a.ticket_id = %(ticket)s AND a.annotator_id = %(annotator)s AND a.round = %(round)s AND a.kind <> 'undo'
          AND a.source_annotation_id IS NULL
          AND NOT EXISTS (SELECT FROM annotation_annotation u WHERE u.undoes_id = a.id)),
    EXISTS (SELECT FROM annotation_annotation a
        WHERE a.ticket_id = %(ticket)s AND a.annotator_id IS NOT NULL AND a.kind NOT IN ('skip', 'undo')
          AND a.created_at > %(served_at)s AND a.round >= %(reopened_at_round)s
          AND NOT EXISTS (SELECT FROM annotation_annotation u WHERE u.undoes_id = a.id)),
    (SELECT CASE WHEN q.leased_until > clock_timestamp() THEN coalesce(q.leased_by_id, 0) END
     FROM annotation_queueitem q WHERE q.ticket_id = %(ticket)s FOR UPDATE)""",
    key="uuid", ticket="bigint", annotator="bigint", round="int", served_at="timestamptz", reopened_at_round="int",
)  # fmt: skip


SERVED = """
SELECT {serving}, (SELECT t.text_hash FROM annotation_ticket t WHERE t.id = s.ticket_id)
FROM annotation_serving s WHERE s.lease = %(lease)s"""


@cache
def _served() -> Prepared:
    return Prepared(SERVED.format(serving=columns(Serving, "s")), lease="uuid")


def served_under(lease: uuid.UUID) -> tuple[Serving | None, str | None]:
    """What was served under a lease, with the hash of the ticket's text as it is now (None: the ticket is gone)."""
    with connection.cursor() as cursor:
        _served().run(cursor, {"lease": lease})
        row = cursor.fetchone()
    return (None, None) if row is None else (made(Serving, row[:-1]), row[-1])


def turn_of(served: Serving, ticket: Ticket, key: uuid.UUID) -> Turn:
    """What happened since; ``is_known``: an answer with this key was written. The ticket has to be locked."""
    values = {
        "key": key,
        "ticket": ticket.pk,
        "annotator": served.annotator_id,
        "round": ticket.round,
        "served_at": served.served_at,
        "reopened_at_round": ticket.reopened_at_round,
    }
    with connection.cursor() as cursor:
        TURN.run(cursor, values)
        return Turn(*cursor.fetchone())


def check_turn(served: Serving, ticket: Ticket, turn: Turn) -> None:
    """Refuse an answer whose turn has passed: about an earlier text, answered already, or in other hands."""
    if served.round < ticket.reopened_at_round:
        raise Refused(
            "lease_expired", "The ticket was changed or reopened after it was served.", ticket_id=ticket.pk
        )
    if turn.has_answered:
        raise Refused("already_answered", "You have answered this ticket already.", ticket_id=ticket.pk)
    if turn.is_decided:
        raise Refused(
            "already_answered", "Somebody else has decided about this ticket meanwhile.", ticket_id=ticket.pk
        )
    if turn.held_by not in (None, served.annotator_id):
        raise Refused(
            "lease_expired", "The time ran out and somebody else has this ticket now.", ticket_id=ticket.pk
        )
