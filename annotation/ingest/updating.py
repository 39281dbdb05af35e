"""Takes over what changed in tickets that are known already."""

from collections.abc import Mapping

from annotation.actions.resolution import tell, ticket_resolve
from annotation.ingest.checking import ReadyRow
from annotation.models import Annotation, QueueItem, Ticket, TicketStatus

DETAILS = ("channel", "language", "metadata", "received_at")


def tickets_update(known: Mapping[str, Ticket], rows: Mapping[str, ReadyRow]) -> list[Ticket]:
    """Bring locked tickets to what their rows say; returns those that changed.

    What a row does not carry stays as it is. A changed text keeps the ticket's history but asks people anew (a
    new round), and keeps the ticket on its side of the audit reserve, which is drawn once.
    """
    changed: list[Ticket] = []
    reworded: list[Ticket] = []
    for name, ticket in known.items():
        row, before = rows[name], ticket.text
        if not _take_over(ticket, row):
            continue
        changed.append(ticket)
        if ticket.text != before:
            ticket.round += 1
            ticket.reopened_at_round = ticket.round
            reworded.append(ticket)
        ticket.save()
    if reworded:
        _ask_anew(reworded)
    return changed


def _take_over(ticket: Ticket, row: ReadyRow) -> bool:
    details = {name: getattr(row, name) for name in DETAILS if getattr(row, name) is not None}
    new = {name: value for name, value in details.items() if getattr(ticket, name) != value}
    if ticket.text != row.text or (row.original_text and ticket.original_text != row.original_text):
        new |= {"text": row.text, "original_text": row.original_text, "masked": row.masked}
        new |= {"text_hash": row.text_hash, "group": row.group}
    for name, value in new.items():
        setattr(ticket, name, value)
    return bool(new)


def _ask_anew(tickets: list[Ticket]) -> None:
    ids = [ticket.pk for ticket in tickets]
    decided = set(Annotation.objects.filter(ticket__in=ids).values_list("ticket_id", flat=True))
    for ticket in tickets:
        if ticket.pk in decided or ticket.status != TicketStatus.OPEN:
            ticket_resolve(ticket)
    QueueItem.objects.filter(ticket__in=ids).delete()
    tell(ids)
