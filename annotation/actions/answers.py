"""Answering: one decision, its copies on equal texts, the ticket's new state, all in one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import Annotation, AnnotationKind, Lane, Mode, QueueItem, Service, Ticket, TicketStatus

CLOSING = (AnnotationKind.LABEL, AnnotationKind.NONE, AnnotationKind.TWO)
MOST_COPIES = 1000
MOST_MILLISECONDS = 3_600_000


@dataclass(frozen=True)
class Answer:
    """What a person decided about the ticket they hold."""

    key: uuid.UUID
    lease: uuid.UUID
    kind: str
    service_id: int | None = None
    second_service_id: int | None = None
    note: str = ""
    duration_ms: int | None = None
    include_similar: bool = True
    except_ticket_ids: tuple[int, ...] = ()


@transaction.atomic
def queue_submit(*, annotator: User, answer: Answer) -> Annotation:
    """Record a decision. The same key again gives the same row, and never a second one.

    Raises ``Refused``: key_reused (the key came with another answer), lease_expired (time ran out and the
    ticket went to somebody else), lease_not_yours, ticket_gone, already_answered, unknown_service,
    service_needed, two_services_needed.
    """
    known = Annotation.objects.filter(key=answer.key).select_related("ticket").first()
    if known is not None:
        return _same(known, annotator, answer)
    item = _held(annotator, answer.lease)
    ticket = Ticket.objects.select_for_update().get(pk=item.ticket_id)
    service, second = _services(answer)
    try:
        with transaction.atomic():
            annotation = _record(item, ticket, annotator, answer, service, second)
    except IntegrityError as error:
        raise Refused(
            "already_answered", "You have answered this ticket already.", ticket_id=ticket.pk
        ) from error
    changed = [ticket.pk]
    if answer.kind == AnnotationKind.SKIP:
        QueueItem.objects.filter(pk=item.pk).update(lease=None, leased_by=None, leased_until=None)
    else:
        if answer.kind in CLOSING and answer.include_similar:
            changed += _copy(annotation, ticket, answer.except_ticket_ids)
        ticket_resolve(ticket)
        QueueItem.objects.filter(ticket_id__in=changed).delete()
    tell(changed)
    return annotation


def _same(known: Annotation, annotator: User, answer: Answer) -> Annotation:
    """Answer a repeated submit; a key used for something else is a mistake of the client."""
    said = (known.annotator_id, known.kind, known.service_id, known.second_service_id)
    if said != (annotator.pk, answer.kind, answer.service_id, answer.second_service_id):
        raise Refused("key_reused", "This key was used for another answer.", key=str(answer.key))
    return known


def _held(annotator: User, lease: uuid.UUID) -> QueueItem:
    """Lock and return the item of this lease. A lease past its time still counts if nobody took the ticket."""
    item = QueueItem.objects.select_for_update().filter(lease=lease).first()
    if item is None:
        raise Refused(
            "lease_expired",
            "This ticket went back to the queue meanwhile; nothing was saved.",
            lease=str(lease),
        )
    if item.leased_by_id != annotator.pk:
        raise Refused("lease_not_yours", "Somebody else holds this ticket.", status=403)
    return item


def _services(answer: Answer) -> tuple[Service | None, Service | None]:
    """Check that the decision names the services it needs, and that they can be chosen."""
    needed = {AnnotationKind.LABEL: 1, AnnotationKind.TWO: 2}.get(AnnotationKind(answer.kind), 0)
    wanted = [answer.service_id, answer.second_service_id][:needed]
    if None in wanted:
        raise Refused("service_needed", "Say which service.", status=400)
    if needed == 2 and wanted[0] == wanted[1]:
        raise Refused("two_services_needed", "Name two different services.", status=400)
    found = Service.objects.in_bulk([pk for pk in wanted if pk is not None])
    for pk in wanted:
        if pk not in found or not found[pk].is_active:
            raise Refused(
                "unknown_service",
                "This service does not exist or is switched off.",
                status=400,
                service_id=pk,
            )
    first, second, *_ = [*(found[pk] for pk in wanted if pk is not None), None, None]
    return first, second


def _record(
    item: QueueItem,
    ticket: Ticket,
    annotator: User,
    answer: Answer,
    service: Service | None,
    second: Service | None,
) -> Annotation:
    """Write the decision with all that was served beside it."""
    shown = item.lane != Lane.AUDIT
    duration = answer.duration_ms
    return Annotation.objects.create(
        ticket=ticket,
        annotator=annotator,
        round=ticket.round,
        kind=answer.kind,
        service=service,
        second_service=second,
        note=answer.note[:1000],
        mode=item.mode,
        key=answer.key,
        lane=item.lane,
        sampling_probability=item.sampling_probability,
        uncertainty=item.uncertainty,
        outlier=item.outlier,
        suggested_service_id=item.suggested_service_id if shown else None,
        suggested_probability=item.suggested_probability if shown else None,
        generation=item.generation,
        duration_ms=None if duration is None else max(0, min(duration, MOST_MILLISECONDS)),
        is_demo=settings.DEMO,
    )


def _copy(annotation: Annotation, ticket: Ticket, exceptions: Sequence[int]) -> list[int]:
    """Give the same decision to open tickets with the same text; each copy is marked. Returns their ids."""
    twins = list(
        Ticket.objects.select_for_update(of=("self",))
        .filter(text_hash=ticket.text_hash, status=TicketStatus.OPEN, is_audit=ticket.is_audit)
        .exclude(pk=ticket.pk)
        .exclude(pk__in=exceptions)
        .exclude(queue_item__leased_until__gt=timezone.now())
        .order_by("pk")[:MOST_COPIES]
    )
    Annotation.objects.bulk_create(
        Annotation(
            ticket=twin,
            annotator_id=annotation.annotator_id,
            round=twin.round,
            kind=annotation.kind,
            service_id=annotation.service_id,
            second_service_id=annotation.second_service_id,
            mode=annotation.mode,
            lane=annotation.lane,
            generation=annotation.generation,
            source_annotation=annotation,
            is_demo=annotation.is_demo,
        )
        for twin in twins
    )
    for twin in twins:
        ticket_resolve(twin)
    return [twin.pk for twin in twins]


def _locked(ticket_id: int) -> Ticket:
    ticket = Ticket.objects.select_for_update().filter(pk=ticket_id).first()
    if ticket is None:
        raise Refused("ticket_gone", "This ticket is no longer there.", status=404, ticket_id=ticket_id)
    return ticket


@transaction.atomic
def ticket_reopen(*, ticket_id: int) -> Ticket:
    """Put a ticket to people anew: what was said before stays in its history and no longer counts."""
    ticket = _locked(ticket_id)
    ticket.round += 1
    ticket.reopened_at_round = ticket.round
    ticket_resolve(ticket)
    tell([ticket.pk])
    return ticket


@transaction.atomic
def ticket_relabel(
    *, ticket_id: int, service_id: int, annotator: User, key: uuid.UUID | None = None
) -> Annotation:
    """Decide about a ticket from its own page; a new round, so that one may change one's mind."""
    if key is not None:
        known = Annotation.objects.filter(key=key, annotator=annotator, service_id=service_id).first()
        if known is not None:
            return known
    service, _ = _services(Answer(uuid.uuid4(), uuid.uuid4(), AnnotationKind.LABEL, service_id))
    ticket = _locked(ticket_id)
    ticket.round += 1
    annotation = Annotation.objects.create(
        ticket=ticket,
        annotator=annotator,
        round=ticket.round,
        kind=AnnotationKind.LABEL,
        service=service,
        mode=Mode.TEACH,
        key=key,
        is_demo=settings.DEMO,
    )
    ticket_resolve(ticket)
    QueueItem.objects.filter(ticket=ticket).delete()
    tell([ticket.pk])
    return annotation
