"""What was decided about live tickets, who waits, and how it ended: to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin_base import ReadOnlyAdmin, say
from inference.models import Escalation, Outcome, RoutingDecision


class _OfATicket(ReadOnlyAdmin):
    """Rows that belong to a ticket, named by its external id; of the ticket nothing else is read."""

    path = "ticket"
    related: tuple[str, ...] = ()
    heavy: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        of_ticket = (f"{self.path}__{name}" for name in ("text", "original_text", "metadata"))
        rows = super().get_queryset(request).select_related(self.path, *self.related)
        return rows.defer(*of_ticket, *self.heavy)


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(_OfATicket):
    """Every decision with what it was held against. Newest first."""

    related = ("service", "suggested", "model_version")
    heavy = ("vector", "probabilities")
    list_display = [
        "ticket_name", "service", "reason", "detail", "suggested", "confidence", "model_version", "latency_ms",
        "decided_at",
    ]  # fmt: skip
    list_filter = ["reason", "baseline", "band"]
    search_fields = ["=ticket__external_id", "detail"]
    date_hierarchy = "decided_at"
    exclude = ["vector", "probabilities", "text_hash"]

    @display(description=say("Ticket", "Ticket"))
    def ticket_name(self, row: RoutingDecision) -> str:
        return row.ticket.external_id


@admin.register(Escalation)
class EscalationAdmin(_OfATicket):
    """Waits for a person, and how the answer reached the desk."""

    path = "decision__ticket"
    related = ("service",)
    list_display = [
        "ticket_name", "state", "opened_at", "answered_at", "kind", "service", "revision", "webhook_due_at",
        "webhook_attempts", "webhook_said",
    ]  # fmt: skip
    list_filter = ["state", "kind"]
    search_fields = ["=decision__ticket__external_id", "webhook_said"]
    date_hierarchy = "opened_at"
    exclude = ["decision", "annotation"]

    @display(description=say("Ticket", "Ticket"))
    def ticket_name(self, row: Escalation) -> str:
        return row.decision.ticket.external_id


@admin.register(Outcome)
class OutcomeAdmin(_OfATicket):
    """Where the desk says tickets ended up."""

    related = ("service", "sent_to", "told_by")
    list_display = ["ticket_name", "service", "sent_to", "is_moved", "told_by", "decided_at"]
    list_filter = ["is_moved"]
    search_fields = ["=ticket__external_id"]
    date_hierarchy = "decided_at"

    @display(description=say("Ticket", "Ticket"))
    def ticket_name(self, row: Outcome) -> str:
        return row.ticket.external_id
