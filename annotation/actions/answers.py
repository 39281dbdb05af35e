"""Answering: one decision, its copies on equal texts, the ticket's new state, all in one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.resolution import tell, ticket_resolve, tickets_settle
from annotation.actions.turns import check_turn, served_under, turn_of
from annotation.models import (
    Annotation,
    AnnotationKind,
    LabelSource,
    Lane,
    Mode,
    QueueItem,
    Service,
    Serving,
    Ticket,
    TicketStatus,
)

CLOSING = (AnnotationKind.LABEL, AnnotationKind.NONE, AnnotationKind.TWO)
_NAMES = {AnnotationKind.LABEL.value: 1, AnnotationKind.TWO.value: 2}  # how many services a kind names
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

    A lease past its time still counts as long as nobody else took the ticket. Raises ``Refused``: key_reused
    (the key came with another answer), lease_not_yours, ticket_gone, lease_expired (the ticket went to
    somebody else), already_answered (by this person, or by somebody since it was served), unknown_service,
    service_needed, two_services_needed.
    """
    served, text_hash = served_under(answer.lease)
    if served is None or served.annotator_id != annotator.pk:
        known = _known(annotator, answer, served)
        if known is not None:
            return known
        if served is None:
            raise Refused(
                "lease_expired", "This lease is unknown; nothing was saved.", lease=str(answer.lease)
            )
        raise Refused("lease_not_yours", "Somebody else was given this ticket.", status=403)
    ticket, twins = _lock(served.ticket_id, text_hash, answer)
    is_live_control = served.lane == Lane.LIVE and ticket.is_audit
    turn = turn_of(served, ticket, answer.key)  # after the lock: the same submit may have run while we waited
    known = _known(annotator, answer, served) if turn.is_known else None
    if known is not None:
        return known
    service, second = _services(answer)
    check_turn(served, ticket, turn)
    annotation = _record(served, ticket, answer, service, second)
    changed = [ticket.pk]
    if answer.kind == AnnotationKind.SKIP:
        QueueItem.objects.filter(ticket=ticket).update(lease=None, leased_by=None, leased_until=None)
        return annotation
    if is_live_control:
        # It answers the customer; the control is still to be labelled in its turn, by anybody.
        ticket.round += 1
        ticket_resolve(ticket)
    else:
        changed += _copy(annotation, twins)
        ticket_resolve(ticket, newest=annotation)
    QueueItem.objects.filter(ticket_id__in=changed).delete()
    tell(changed)
    return annotation


def _known(annotator: User, answer: Answer, served: Serving | None) -> Annotation | None:
    """The row that this very submit wrote before; a key used for something else is a client's mistake."""
    known = Annotation.objects.filter(key=answer.key).select_related("ticket").first()
    if known is None:
        return None
    said = (known.annotator_id, known.kind, known.service_id, known.second_service_id, known.note)
    asked = (annotator.pk, *_fields(answer))
    if said != asked or (served is not None and served.ticket_id != known.ticket_id):
        raise Refused("key_reused", "This key was used for another answer.", key=str(answer.key))
    return known


def _fields(answer: Answer) -> tuple[str, int | None, int | None, str]:
    """What is stored of an answer: a service is kept only where the kind of answer names one."""
    names = _NAMES.get(answer.kind, 0)
    first = answer.service_id if names >= 1 else None
    second = answer.second_service_id if names >= 2 else None
    return answer.kind, first, second, answer.note.replace("\x00", "")[:1000]


def _lock(ticket_id: int, text_hash: str | None, answer: Answer) -> tuple[Ticket, list[Ticket]]:
    """Lock the ticket and the open tickets of the same text that the answer goes to.

    All in one statement and in the order of their ids, so that two people who answer equal texts at one
    moment wait for each other instead of blocking each other.
    """
    wanted = Q(pk=ticket_id)
    if answer.kind in CLOSING and answer.include_similar:
        wanted |= Q(text_hash=text_hash, status=TicketStatus.OPEN)
    rows = Ticket.objects.select_for_update().defer("text", "original_text", "metadata")
    locked = {t.pk: t for t in rows.filter(wanted).order_by("pk")[: MOST_COPIES + 1]}
    ticket = locked.pop(ticket_id, None) or rows.filter(pk=ticket_id).first()
    if ticket is None:
        raise Refused("ticket_gone", "This ticket was erased meanwhile.", status=404, ticket_id=ticket_id)
    held = set(
        QueueItem.objects.filter(ticket_id__in=locked, leased_until__gt=timezone.now()).values_list(
            "ticket_id", flat=True
        )
    )
    left_out = held | set(answer.except_ticket_ids)
    return ticket, [t for t in locked.values() if t.pk not in left_out and t.is_audit == ticket.is_audit]


def _services(answer: Answer) -> tuple[Service | None, Service | None]:
    """Check that the decision names the services it needs, and that they can be chosen."""
    needed = _NAMES.get(answer.kind, 0)
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
    served: Serving, ticket: Ticket, answer: Answer, service: Service | None, second: Service | None
) -> Annotation:
    """Write the decision with all that was served beside it."""
    shown = served.lane != Lane.AUDIT
    duration = answer.duration_ms
    return Annotation.objects.create(
        ticket=ticket,
        annotator_id=served.annotator_id,
        round=ticket.round,
        kind=answer.kind,
        service=service,
        second_service=second,
        note=_fields(answer)[-1],
        mode=served.mode,
        key=answer.key,
        lane=served.lane,
        sampling_probability=served.sampling_probability,
        uncertainty=served.uncertainty,
        outlier=served.outlier,
        suggested_service_id=served.suggested_service_id if shown else None,
        suggested_probability=served.suggested_probability if shown else None,
        generation=served.generation,
        duration_ms=None if duration is None else max(0, min(duration, MOST_MILLISECONDS)),
        is_demo=settings.DEMO,
    )


def _copy(annotation: Annotation, twins: Sequence[Ticket]) -> list[int]:
    """Give the same decision to locked open tickets with the same text; each copy is marked. Returns their ids."""
    if not twins:
        return []
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
    ids = [twin.pk for twin in twins]
    tickets_settle(ids, annotation, LabelSource.SIMILAR)
    return ids


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
