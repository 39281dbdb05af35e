"""Imports with their reports, and the rankings of the pool: to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.admin_base import ReadOnlyAdmin, say
from annotation.models import ImportRun, ScoreGeneration


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Files that people brought in. They are started on the Import page or by ``manage.py import_tickets``."""

    list_display = [
        "id", "filename", "state", "share", "rows_read", "created", "updated", "rejected", "started_by",
        "created_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["started_by"]
    list_filter = ["state", ("started_by", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["filename", "started_by__username"]
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return super().get_queryset(request).select_related("started_by")

    @display(description=say("Read", "Lu"))
    def share(self, run: ImportRun) -> str:
        return f"{run.progress:.0%}" if run.bytes_total else ""


@admin.register(ScoreGeneration)
class RankingAdmin(ReadOnlyAdmin):
    """Each ranking of the pool by the learner."""

    list_display = ["id", "is_current", "tickets", "labels_used", "encoder", "seconds", "created_at"]
    list_filter = ["is_current"]
    search_fields = ["=id", "encoder"]
