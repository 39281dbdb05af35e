"""Undo: another row that takes a decision back, copies and all; the ticket is in the person's hands again."""

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.leases import SHOWN, lease_again
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import (
    WEAK_SOURCES,
    Annotation,
    AnnotationKind,
    QueueItem,
    Serving,
    Ticket,
    TicketStatus,
)


@transaction.atomic
def queue_undo(*, annotator: User, annotation_id: int) -> tuple[Annotation, QueueItem | None]:
    """Take back one's own decision; undoing twice is the same as once.

    The ticket goes back to what was said before that decision, in a new round. Returns the decision and the
    ticket's queue item, leased to the person again (None if somebody else has decided about the ticket or
    holds it by now, or if it was decided outside the queue). Raises ``Refused``: not_found, superseded (a
    later decision stands on this ticket: that one has to be taken back first).
    """
    annotation = (
        Annotation.objects.filter(pk=annotation_id, annotator=annotator, source_annotation=None)
        .exclude(kind=AnnotationKind.UNDO)
        .first()
    )
    if annotation is None:
        raise Refused("not_found", "There is no such decision of yours.", status=404)
    copies = list(annotation.copies.all())
    ids = [annotation.ticket_id, *(copy.ticket_id for copy in copies)]
    rows = Ticket.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    tickets = {t.pk: t for t in rows.defer("text", "original_text", "metadata")}
    ticket = tickets[annotation.ticket_id]
    if Annotation.objects.filter(undoes=annotation).exists():
        return annotation, _lease_again(annotation, ticket, annotator)
    later = ticket.annotations.filter(pk__gt=annotation.pk, undone_by=None)
    if annotation.kind != AnnotationKind.SKIP and _deciding(later).exists():
        raise Refused("superseded", "Somebody has decided about this ticket since.", ticket_id=ticket.pk)
    _take_back([annotation, *copies], annotator)
    _reopen_copies([copy.ticket_id for copy in copies if copy.ticket_id in tickets], annotation)
    if ticket.round == annotation.round:
        ticket.round += 1
    ticket_resolve(ticket)
    tell(ids)
    return annotation, _lease_again(annotation, ticket, annotator)


def _deciding(rows: QuerySet[Annotation]) -> QuerySet[Annotation]:
    return rows.exclude(kind__in=[AnnotationKind.SKIP, AnnotationKind.UNDO]).exclude(annotator=None)


def _take_back(rows: list[Annotation], annotator: User) -> None:
    Annotation.objects.bulk_create(
        Annotation(
            ticket_id=row.ticket_id,
            annotator=annotator,
            round=row.round,
            kind=AnnotationKind.UNDO,
            mode=row.mode,
            undoes=row,
            is_demo=settings.DEMO,
        )
        for row in rows
    )


def _reopen_copies(ticket_ids: list[int], annotation: Annotation) -> None:
    """Open the copies' tickets again; those that somebody has decided about since keep that decision."""
    since = _deciding(
        Annotation.objects.filter(ticket_id__in=ticket_ids, pk__gt=annotation.pk, undone_by=None)
    )
    decided = set(since.exclude(source_annotation=annotation).values_list("ticket_id", flat=True))
    Ticket.objects.filter(pk__in=set(ticket_ids) - decided).update(
        status=TicketStatus.OPEN,
        label=None,
        label_source="",
        labelled_at=None,
        round=F("round") + 1,
    )


def _lease_again(annotation: Annotation, ticket: Ticket, annotator: User) -> QueueItem | None:
    """Show the ticket again as it was shown; another person's lease or decision is left alone."""
    if not annotation.lane:
        return None
    if ticket.status != TicketStatus.OPEN and ticket.label_source not in WEAK_SOURCES:
        return None
    item = QueueItem.objects.select_for_update().filter(ticket=ticket).first()
    if item is not None and item.is_held and item.leased_by_id != annotator.pk:
        return None
    if item is None:
        served = (
            Serving.objects.filter(ticket_id=ticket.pk, annotator=annotator).order_by("-served_at").first()
        )
        if served is None:
            return None
        item = QueueItem(position=0, **{name: getattr(served, name) for name in SHOWN})
    item.ticket = ticket
    return lease_again(item=item, annotator=annotator)
