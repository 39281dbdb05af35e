"""Deciding about a ticket that nobody was served: a lone one, from the triage inbox."""

import uuid

from django.conf import settings
from django.db import transaction

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.resolution import tell, ticket_resolve
from annotation.models import Annotation, AnnotationKind, Mode, QueueItem, Service, Ticket, TicketStatus


@transaction.atomic
def ticket_triage(
    *, ticket_id: int, kind: str, annotator: User, key: uuid.UUID, service_id: int | None = None
) -> Annotation:
    """Label an open ticket, set it aside (``none``) or flag it, as one's own decision, in a round of its own.

    The same key again gives the same row. Raises ``Refused``: key_reused, ticket_gone, decided_meanwhile (the ticket is
    not open any more), service_needed, unknown_service.
    """
    wanted = service_id if kind == AnnotationKind.LABEL else None
    known = _known(ticket_id, kind, annotator, key, wanted)
    if known is not None:
        return known
    ticket = Ticket.objects.select_for_update().filter(pk=ticket_id).first()
    if ticket is None:
        raise Refused("ticket_gone", "This ticket is no longer there.", status=404, ticket_id=ticket_id)
    known = _known(ticket_id, kind, annotator, key, wanted)  # the same request may have run while we waited
    if known is not None:
        return known
    if ticket.status != TicketStatus.OPEN:
        raise Refused("decided_meanwhile", "Somebody has decided about this ticket.", ticket_id=ticket_id)
    service = _service(wanted) if kind == AnnotationKind.LABEL else None
    ticket.round += 1
    annotation = Annotation.objects.create(
        ticket=ticket,
        annotator=annotator,
        round=ticket.round,
        kind=kind,
        service=service,
        mode=Mode.TEACH,
        key=key,
        is_demo=settings.DEMO,
    )
    ticket_resolve(ticket)
    QueueItem.objects.filter(ticket=ticket).delete()
    tell([ticket.pk])
    return annotation


def _known(
    ticket_id: int, kind: str, annotator: User, key: uuid.UUID, service_id: int | None
) -> Annotation | None:
    known = Annotation.objects.filter(key=key).first()
    if known is None:
        return None
    said = (known.ticket_id, known.kind, known.annotator_id, known.service_id)
    if said != (ticket_id, kind, annotator.pk, service_id):
        raise Refused("key_reused", "This key was used for another answer.", key=str(key))
    return known


def _service(service_id: int | None) -> Service:
    if service_id is None:
        raise Refused("service_needed", "Say which service.", status=400)
    service = Service.objects.filter(pk=service_id, is_active=True).first()
    if service is None:
        raise Refused(
            "unknown_service",
            "This service does not exist or is switched off.",
            status=400,
            service_id=service_id,
        )
    return service
