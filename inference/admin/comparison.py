"""Observations, judgements, promotions and their history in the Django admin: to look at; four eyes are set here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin_base import AdminBase, ReadOnlyAdmin
from inference.models import HistoryEntry, Judgement, Observation, Promotion, PromotionSettings


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    """Candidates beside the baseline. One is started and ended on its page."""

    list_display = [
        "id", "candidate", "baseline", "state", "share", "started_by", "started_at", "decided_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["candidate", "started_by"]
    list_filter = ["state", "baseline"]
    search_fields = ["=candidate__number"]
    exclude = ["salt"]
    date_hierarchy = "started_at"


@admin.register(Judgement)
class JudgementAdmin(ReadOnlyAdmin):
    """What reviewers said of two answers, not knowing whose they were. A judgement is taken back on its page."""

    list_display = ["id", "mirrored", "reviewer", "choice", "service", "created_at"]
    list_select_related = ["mirrored", "reviewer", "service"]
    list_filter = ["choice"]
    search_fields = ["=mirrored__ticket__external_id"]
    date_hierarchy = "created_at"


@admin.register(Promotion)
class PromotionAdmin(ReadOnlyAdmin):
    """Who asked that a version routes, who approved it, and what came of it."""

    list_display = [
        "id", "version", "former", "state", "requested_by", "approved_by", "was_four_eyes", "requested_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["version", "former", "requested_by", "approved_by"]
    list_filter = ["state"]
    search_fields = ["why", "trouble"]
    date_hierarchy = "requested_at"


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnlyAdmin):
    """Who let what route, when and why; nothing is ever deleted from it."""

    list_display = ["id", "at", "kind", "version", "by", "why"]
    list_select_related = ["version", "by"]
    list_filter = ["kind"]
    search_fields = ["why"]
    date_hierarchy = "at"


@admin.register(PromotionSettings)
class PromotionSettingsAdmin(AdminBase):
    """The one row: whether a promotion needs a second person."""

    fields = ["four_eyes"]
    list_display = ["__str__"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PromotionSettings]:
        PromotionSettings.objects.get_or_create(pk=1)  # the row is made the first time anybody looks
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one is no list: go to the row."""
        PromotionSettings.objects.get_or_create(pk=1)
        return HttpResponseRedirect(self.change_url(1))
