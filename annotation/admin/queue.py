"""The queue and what people decided. Decisions are never changed here: an undo or a new decision is another row."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ChoicesFieldListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.admin_base import Question, ReadOnlyAdmin, say
from annotation import actions
from annotation.models import Annotation, QueueItem

WHY = say("Drawn because", "Tiré parce que")


class WhyFilter(ChoicesFieldListFilter):
    """Why a ticket was drawn, in words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = WHY


class HeldFilter(SimpleListFilter):
    """Whether somebody has the ticket before them now."""

    title = say("lease", "bail")
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", str(say("Held now", "En main"))), ("no", str(say("Free", "Libre")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[QueueItem]) -> QuerySet[QueueItem]:
        held = {"leased_until__gt": timezone.now()}
        if self.value() == "yes":
            return queryset.filter(**held)
        return queryset.exclude(**held) if self.value() == "no" else queryset


@admin.register(QueueItem)
class QueueItemAdmin(ReadOnlyAdmin):
    """What is shown next, and who holds it. The order is the learner's; a lease can be released."""

    list_display = ["ticket", "mode", "position", "why", "leased_by", "leased_until", "held", "generation"]
    list_select_related = ["ticket", "leased_by"]
    list_filter = [HeldFilter, "mode", ("lane", WhyFilter), ("leased_by", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["ticket__external_id", "leased_by__username"]
    actions = ["release_leases"]
    fields = [
        "ticket", "mode", "position", "why", "uncertainty", "outlier", "sampling_probability",
        "suggested_service", "suggested_probability", "second_service", "second_probability", "generation",
        "leased_by", "leased_until", "created_at",
    ]  # fmt: skip
    readonly_fields = ["why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueItem]:
        rows = super().get_queryset(request).select_related("ticket", "leased_by")
        return rows.defer("ticket__original_text", "ticket__metadata", "candidates")

    @display(description=WHY)
    def why(self, item: QueueItem) -> str:
        return item.get_lane_display()

    @display(description=say("Lease", "Bail"), label={"held": "info"})
    def held(self, item: QueueItem) -> tuple[str, Any] | None:
        return ("held", say("held now", "en main")) if item.is_held else None

    @admin.action(description=say("Release the lease", "Libérer le bail"))
    def release_leases(self, request: HttpRequest, queryset: QuerySet[QueueItem]) -> HttpResponse | None:
        question = Question(
            title=say("Release these leases?", "Libérer ces baux ?"),
            text=say(
                "Whoever has one of these tickets open may see it go to somebody else; an answer sent before "
                "that still counts.",
                "Un ticket ouvert chez quelqu'un peut passer à un autre ; une réponse envoyée avant compte encore.",
            ),
            button=say("Release", "Libérer"),
            done=say("The tickets are free again.", "Les tickets sont de nouveau libres."),
            call=lambda: self._release(queryset),
        )
        return self.ask_for_all(request, queryset, question)

    @staticmethod
    def _release(queryset: QuerySet[QueueItem]) -> None:
        for item in queryset.exclude(lease=None).exclude(leased_by=None).select_related("leased_by"):
            actions.queue_release(annotator=item.leased_by, leases=[item.lease])


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    """The append-only record: to search and to read."""

    list_display = ["id", "ticket", "kind", "service", "annotator", "mode", "why", "round", "created_at"]
    list_select_related = ["ticket", "service", "annotator"]
    list_filter = [
        "kind",
        "mode",
        ("lane", WhyFilter),
        "is_demo",
        ("service", AutocompleteSelectFilter),
        ("annotator", AutocompleteSelectFilter),
    ]
    list_filter_submit = True
    search_fields = ["ticket__external_id", "note"]
    ordering = ["-id"]
    fields = [
        "ticket", "annotator", "kind", "service", "second_service", "note", "mode", "why", "round", "undoes",
        "source_annotation", "suggested_service", "suggested_probability", "uncertainty", "outlier",
        "sampling_probability", "generation", "duration_ms", "is_demo", "created_at",
    ]  # fmt: skip
    readonly_fields = ["why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Annotation]:
        rows = super().get_queryset(request).select_related("ticket", "service", "annotator")
        return rows.defer("ticket__original_text", "ticket__metadata")

    @display(description=WHY)
    def why(self, annotation: Annotation) -> str:
        return annotation.get_lane_display() if annotation.lane else ""
