"""Undo: another row that takes a decision back, copies and all; the ticket is in the person's hands again."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.leases import lease_time
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import Annotation, AnnotationKind, Lane, QueueItem, Ticket


@transaction.atomic
def queue_undo(*, annotator: User, annotation_id: int) -> tuple[Annotation, QueueItem | None]:
    """Take back one's own decision; undoing twice is the same as once.

    Returns the decision and the ticket's queue item, leased to the person again (None if somebody else has
    decided about the ticket or holds it by now). Raises ``Refused``: not_found, superseded.
    """
    annotation = (
        Annotation.objects.filter(pk=annotation_id, annotator=annotator, source_annotation=None)
        .exclude(kind=AnnotationKind.UNDO)
        .first()
    )
    if annotation is None:
        raise Refused("not_found", "There is no such decision of yours.", status=404)
    ids = [annotation.ticket_id, *annotation.copies.values_list("ticket_id", flat=True)]
    tickets = {t.pk: t for t in Ticket.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    if Annotation.objects.filter(undoes=annotation).exists():
        return annotation, _lease_again(annotation, tickets[annotation.ticket_id], annotator)
    for row in [annotation, *annotation.copies.all()]:
        ticket = tickets[row.ticket_id]
        Annotation.objects.create(
            ticket=ticket,
            annotator=annotator,
            round=row.round,
            kind=AnnotationKind.UNDO,
            mode=row.mode,
            undoes=row,
            is_demo=settings.DEMO,
        )
        if ticket.round == row.round:
            ticket.round += 1
        ticket_resolve(ticket)
    tell(ids)
    return annotation, _lease_again(annotation, tickets[annotation.ticket_id], annotator)


def _lease_again(annotation: Annotation, ticket: Ticket, annotator: User) -> QueueItem | None:
    """Show the ticket again as it was shown; another person's lease or decision is left alone."""
    if ticket.status != "open" and ticket.label_source != "import":
        return None
    item = QueueItem.objects.select_for_update().filter(ticket=ticket).first()
    if item is not None and item.is_held and item.leased_by_id != annotator.pk:
        return None
    if item is None:
        item = QueueItem(
            ticket=ticket,
            mode=annotation.mode,
            position=0,
            lane=annotation.lane or Lane.EXPLOIT,
            uncertainty=annotation.uncertainty,
            outlier=annotation.outlier,
            sampling_probability=annotation.sampling_probability,
            suggested_service_id=annotation.suggested_service_id,
            suggested_probability=annotation.suggested_probability,
            generation=annotation.generation or 0,
        )
    item.lease, item.leased_by, item.leased_until = item.new_lease(), annotator, timezone.now() + lease_time()
    item.save()
    return item
