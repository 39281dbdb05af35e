"""Erasing tickets for good, with everything that was said and computed about them."""

from collections.abc import Sequence

from django.db import transaction

from accounts.errors import Refused
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import Annotation, Ticket
from annotation.signals import tickets_erased

MOST_AT_ONCE = 500


@transaction.atomic
def tickets_erase(*, ticket_ids: Sequence[int]) -> int:
    """Erase tickets with their annotations, place in the queue, vectors and predictions; returns how many went.

    Equal texts that had got their label from one of them keep it as a decision of their own, unless the person
    had already decided about them in that round: such a ticket is resolved anew from what is left.
    Raises ``Refused``: too_many (nothing is erased).
    """
    wanted = set(ticket_ids)
    if len(wanted) > MOST_AT_ONCE:
        raise Refused("too_many", f"Erase at most {MOST_AT_ONCE} tickets at a time.", limit=MOST_AT_ONCE)
    copies = Annotation.objects.filter(source_annotation__ticket__in=wanted).exclude(ticket__in=wanted)
    touched = set(wanted) | set(copies.values_list("ticket_id", flat=True))
    rows = Ticket.objects.select_for_update().filter(pk__in=touched).order_by("pk")
    tickets = {ticket.pk: ticket for ticket in rows.defer("text", "original_text", "metadata")}
    gone = [pk for pk in tickets if pk in wanted]
    orphans = _keep_copies(list(copies))
    Ticket.objects.filter(pk__in=gone).delete()
    for pk in orphans:
        ticket_resolve(tickets[pk])
    tell([*gone, *orphans])
    transaction.on_commit(lambda: tickets_erased.send(sender=Ticket, ticket_ids=gone))
    return len(gone)


def _keep_copies(copies: list[Annotation]) -> set[int]:
    """Make copies stand by themselves; returns the tickets whose copy cannot, and goes with its source."""
    lost = set()
    for copy in copies:
        own = Annotation.objects.filter(
            ticket=copy.ticket_id, annotator=copy.annotator_id, round=copy.round, source_annotation=None
        )
        if own.exclude(kind="undo").exists():
            lost.add(copy.ticket_id)
        else:
            Annotation.objects.filter(pk=copy.pk).update(source_annotation=None)
    return lost
