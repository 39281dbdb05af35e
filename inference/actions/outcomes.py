"""What the desk says became of tickets. A moved one comes back as a weak label, which Check asks a person about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.errors import Refused
from accounts.models import User
from annotation import actions as annotation
from annotation import selectors as annotation_selectors
from annotation.models import Service, Ticket
from inference.actions.escalations import escalations_settle
from inference.models import Escalation, EscalationState, Outcome, RoutingDecision

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Told:
    """The desk's word about one ticket: its final service (a code), and when that was so."""

    external_id: str
    service: str
    decided_at: datetime


@dataclass(frozen=True)
class Recorded:
    """What became of it: ``outcome`` with ``is_news``, or the refusal's ``code``."""

    external_id: str
    outcome: Outcome | None = None
    is_news: bool = False
    code: str = ""


def outcomes_record(*, told: Sequence[Told], told_by: User) -> list[Recorded]:
    """Record each by itself, in order. Codes of those that are not: unknown_ticket, unknown_service."""
    services = annotation_selectors.services_by_code()
    found = []
    for one in told:
        service = services.get(one.service)
        if service is None:
            found.append(Recorded(one.external_id, code="unknown_service"))
            continue
        try:
            outcome, is_news = outcome_record(told=one, service=service, told_by=told_by)
        except Refused as refused:
            found.append(Recorded(one.external_id, code=refused.code))
        else:
            found.append(Recorded(one.external_id, outcome, is_news))
    return found


@transaction.atomic
def outcome_record(*, told: Told, service: Service, told_by: User) -> tuple[Outcome, bool]:
    """Record the desk's word; whether it is news. The same again, or an older one that comes late, changes nothing.

    Where it differs from where the ticket had been sent, or nobody had sent it anywhere, it is kept as a weak label: it
    never stands above a person's, and a control never gets one. A wait that the desk ended by itself is closed. Raises
    ``Refused``: unknown_ticket.
    """
    ticket = Ticket.objects.select_for_update().filter(external_id=told.external_id).first()
    if ticket is None:
        raise Refused("unknown_ticket", "No ticket has this external id.", status=404)
    before = Outcome.objects.filter(ticket=ticket).first()
    if before is not None and (before.service_id == service.pk or before.decided_at > told.decided_at):
        return before, False
    escalations_settle(ticket_ids=[ticket.pk])  # a person may have answered a moment ago
    decision = RoutingDecision.objects.filter(ticket=ticket).select_related("escalation").first()
    sent_to = _sent_to(decision)
    is_moved = sent_to is not None and sent_to != service.pk
    outcome, _ = Outcome.objects.update_or_create(
        ticket=ticket,
        defaults={
            "service": service,
            "sent_to_id": sent_to,
            "is_moved": is_moved,
            "told_by": told_by,
            "decided_at": told.decided_at,
        },
    )
    if not ticket.is_audit and (is_moved or sent_to is None or before is not None):
        annotation.outcome_label(ticket_id=ticket.pk, service_id=service.pk)
    if decision is not None:
        _close(decision)
    return outcome, True


def _sent_to(decision: RoutingDecision | None) -> int | None:
    """The service the ticket had been sent to: by the model, or by the person who was asked."""
    if decision is None or decision.service_id is not None:
        return decision.service_id if decision else None
    escalation = getattr(decision, "escalation", None)
    return escalation.service_id if escalation and escalation.kind == "label" else None


def _close(decision: RoutingDecision) -> None:
    closed = Escalation.objects.filter(pk=decision.pk, state=EscalationState.WAITING)
    if closed.update(state=EscalationState.CLOSED):
        annotation.live_withdraw(ticket_ids=[decision.ticket_id])
