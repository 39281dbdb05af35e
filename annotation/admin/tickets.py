"""Tickets in the Django admin: to find and read, and to erase for good."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, FieldTextFilter
from unfold.decorators import display

from accounts.admin_base import MOST_NAMED, Question, ReadOnlyAdmin, say
from annotation import actions, selectors
from annotation.actions.erasure import MOST_AT_ONCE
from annotation.models import Annotation, Ticket


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Text and label are never edited here: people decide in the pages, and each decision is kept."""

    list_display = [
        "external_id",
        "excerpt",
        "status",
        "label",
        "label_source",
        "channel",
        "language",
        "received_at",
    ]
    list_select_related = ["label"]
    list_filter = [
        "status",
        "label_source",
        "is_audit",
        "is_demo",
        ("label", AutocompleteSelectFilter),
        ("channel", FieldTextFilter),
        ("language", FieldTextFilter),
    ]
    list_filter_submit = True
    search_fields = ["external_id", "text"]
    search_help_text = say("Part of the text or of the number", "Une partie du texte ou du numéro")
    ordering = ["-id"]
    fields = [
        "external_id", "text", "original_text", "status", "label", "label_source", "labelled_at", "decisions",
        "channel", "language", "received_at", "metadata", "masked", "group", "is_audit", "round", "is_demo",
        "created_at",
    ]  # fmt: skip
    readonly_fields = ["decisions"]
    actions = ["erase"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        rows = super().get_queryset(request).select_related("label")
        match = request.resolver_match
        return rows.defer("original_text", "metadata") if match and not match.kwargs else rows

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("annotation.delete_ticket"))

    @display(description=say("Text", "Texte"))
    def excerpt(self, ticket: Ticket) -> str:
        return ticket.excerpt

    @display(description=say("Decisions", "Décisions"))
    def decisions(self, ticket: Ticket) -> str:
        """How often people decided about it, with a link to what they said."""
        address = reverse("admin:annotation_annotation_changelist")
        return format_html(
            '<a href="{}?ticket__id__exact={}">{}</a>', address, ticket.pk, selectors.history(ticket).count()
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with the tickets, counted rather than listed: vectors and predictions are of no interest."""
        ids = [ticket.pk for ticket in objs]
        named = [str(ticket) for ticket in objs[:MOST_NAMED]]
        counts = {
            str(say("tickets", "tickets")): len(ids),
            str(say("decisions", "décisions")): Annotation.objects.filter(ticket__in=ids).count(),
        }
        return [*named, "…"] if len(ids) > MOST_NAMED else named, counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Ticket) -> None:
        actions.tickets_erase(ticket_ids=[obj.pk])

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Many at once go through ``erase``, which says what goes and how many may go."""
        offered = super().get_actions(request)
        offered.pop("delete_selected", None)
        return offered

    @admin.action(description=say("Erase for good", "Effacer définitivement"))
    def erase(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> HttpResponse | None:
        question = Question(
            title=say("Erase these tickets for good?", "Effacer définitivement ces tickets ?"),
            text=say(
                f"{queryset.count()} tickets with every decision about them, their vectors and predictions. "
                "This cannot be taken back.",
                f"{queryset.count()} tickets avec toutes les décisions, vecteurs et prédictions. "
                "C'est irréversible.",
            ),
            button=say("Erase", "Effacer"),
            done=say("The tickets are erased.", "Les tickets sont effacés."),
            call=lambda: self._erase(request, queryset),
        )
        return self.ask_for_all(request, queryset, question)

    def _erase(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        rows = list(queryset.defer("text", "original_text", "metadata")[: MOST_AT_ONCE + 1])
        actions.tickets_erase(ticket_ids=[row.pk for row in rows])
        self.log_deletions(request, rows)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Ticket]) -> Any:
        """The log keeps the number of an erased ticket and nothing of its text."""
        bare = [Ticket(pk=row.pk, external_id=row.external_id) for row in queryset]
        return super().log_deletions(request, bare)
