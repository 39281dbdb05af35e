"""What the annotations of a ticket amount to: its status and label, derived anew after every decision.

The last live decision of a person wins (a skip decides nothing); without one, the imported label; without
that the ticket is open.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from annotation.models import Annotation, AnnotationKind, LabelSource, Lane, Ticket, TicketStatus
from annotation.signals import labels_changed

_STATUS = {
    AnnotationKind.LABEL: TicketStatus.LABELLED,
    AnnotationKind.NONE: TicketStatus.SET_ASIDE,
    AnnotationKind.TWO: TicketStatus.SET_ASIDE,
    AnnotationKind.FLAG: TicketStatus.FLAGGED,
}


def deciding(ticket: Ticket) -> Annotation | None:
    """The annotation that says what the ticket is now, if any does. An imported label never closes an audit
    ticket, nor does a decision taken because a customer was waiting: neither is a random control."""
    live = ticket.annotations.filter(undone_by=None, round__gte=_first_round(ticket)).exclude(
        kind__in=[AnnotationKind.SKIP, AnnotationKind.UNDO]
    )
    if ticket.is_audit:
        live = live.exclude(lane=Lane.LIVE)
    by_person = live.exclude(annotator=None).order_by("-id").first()
    if by_person is not None or ticket.is_audit:
        return by_person
    return live.filter(annotator=None).order_by("-id").first()


def _first_round(ticket: Ticket) -> int:
    """A reopened ticket starts afresh; an undo goes back to what was said before."""
    return ticket.reopened_at_round


def _source(annotation: Annotation) -> str:
    if annotation.annotator_id is None:
        return LabelSource.OUTCOME if annotation.lane == Lane.OUTCOME else LabelSource.IMPORT
    return LabelSource.SIMILAR if annotation.source_annotation_id else LabelSource.PERSON


def ticket_resolve(ticket: Ticket, newest: Annotation | None = None) -> None:
    """Write status and label of a locked ticket as its annotations say.

    ``newest``: a person's decision that was written under this lock and is no undo and no skip, nor a control's while
    its customer waited; the last one decides, so no other needs to be read.
    """
    annotation = newest or deciding(ticket)
    when: datetime | None = None
    ticket.status, ticket.label_id, ticket.label_source = TicketStatus.OPEN, None, ""
    if annotation is not None:
        ticket.status = _STATUS[AnnotationKind(annotation.kind)]
        if annotation.kind == AnnotationKind.LABEL:
            ticket.label_id, ticket.label_source = annotation.service_id, _source(annotation)
            when = annotation.created_at
    if ticket.is_written and ticket.status == TicketStatus.OPEN:
        ticket.status = TicketStatus.SET_ASIDE  # there is no customer's question to ask people about
    ticket.labelled_at = when
    ticket.save(
        update_fields=["status", "label", "label_source", "labelled_at", "round", "reopened_at_round"]
    )


def tickets_settle(ticket_ids: list[int], annotation: Annotation, source: str) -> None:
    """Give many locked open tickets the state that copies of this decision mean, in one statement."""
    is_label = annotation.kind == AnnotationKind.LABEL
    Ticket.objects.filter(pk__in=ticket_ids).update(
        status=_STATUS[AnnotationKind(annotation.kind)],
        label_id=annotation.service_id if is_label else None,
        label_source=source if is_label else "",
        labelled_at=annotation.created_at if is_label else None,
    )


def tell(ticket_ids: Iterable[int]) -> None:
    """Say on commit that these tickets' labels changed."""
    ids = list(ticket_ids)
    transaction.on_commit(lambda: labels_changed.send(sender=Ticket, ticket_ids=ids))
