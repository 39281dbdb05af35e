"""Production under watch in the Django admin: how closely is set here, what was seen is to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin_base import AdminBase, ReadOnlyAdmin
from inference.models import Watch, WatchSettings


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    """Periods in which a version was held to its promise, and what was done. Newest first."""

    list_display = [
        "id", "deployment", "state", "promised", "right", "known", "log_wealth", "started_at", "looked_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["deployment__model_version"]
    list_filter = ["state", "is_new"]
    search_fields = ["=deployment__model_version__number"]
    date_hierarchy = "started_at"


@admin.register(WatchSettings)
class WatchSettingsAdmin(AdminBase):
    """The one row: whether the way back is taken by itself, and on what grounds."""

    fields = [
        "is_automatic", "alpha", "fewest", "days", "silence_hours", "most_unavailable", "most_latency_ms",
        "canary_share", "canary_tickets", "canary_minutes",
    ]  # fmt: skip
    list_display = ["__str__"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchSettings]:
        WatchSettings.objects.get_or_create(pk=1)  # the row is made the first time anybody looks
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one is no list: go to the row."""
        WatchSettings.objects.get_or_create(pk=1)
        return HttpResponseRedirect(self.change_url(1))
