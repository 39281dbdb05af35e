"""Schedules in the Django admin: what beat starts by the clock (django-celery-beat's rows).

The built-in ones re-drive work from the rows every few seconds: without them trainings, imports and the learner
stand still, so they can be looked at and run, and neither edited, switched off nor deleted. Schedules that
people add are theirs. Solar and one-time schedules are not offered: nothing here needs them.
"""

import zoneinfo
from typing import Any

from celery import current_app
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin_base import AdminBase

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(model)


def built_in() -> list[str]:
    """The names of the schedules that come with the house."""
    return [*current_app.conf.beat_schedule, "celery.backend_cleanup"]


class ZoneField(forms.CharField):
    """A time zone by its name, typed: a box of six hundred is no help."""

    def clean(self, value: Any) -> zoneinfo.ZoneInfo:
        name = super().clean(value)
        if name not in zoneinfo.available_timezones():
            raise ValidationError("Name a time zone such as Europe/Paris.")
        return zoneinfo.ZoneInfo(name)


class TaskWidget(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The tasks there are."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    """A task that exists, by name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "task" in self.fields:
            self.fields["task"].widget = UnfoldAdminTextInputWidget()
            self.fields["regtask"].widget = TaskWidget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, AdminBase):
    """Which task starts when."""

    form = PeriodicTaskForm
    list_display = ["name", "task", "enabled", "scheduler", "last_run_at", "total_run_count"]
    list_filter = ["enabled"]
    date_hierarchy = None
    actions = ["enable_tasks", "disable_tasks", "run_tasks"]
    autocomplete_fields = ["interval", "crontab"]
    fieldsets = [
        (None, {"fields": ["name", "regtask", "task", "enabled", "description"]}),
        ("Schedule", {"fields": ["interval", "crontab", "crontab_translation", "start_time", "last_run_at"]}),
        ("Arguments", {"fields": ["args", "kwargs"]}),
        ("Execution", {"fields": ["expires", "expire_seconds", "queue"]}),
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.name in built_in())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One at a time: the confirmation names it."""
        return obj is not None and obj.name not in built_in() and super().has_delete_permission(request, obj)

    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        super().disable_tasks(request, queryset.exclude(name__in=built_in()))

    disable_tasks.short_description = "Disable selected tasks (never the built-in ones)"  # type: ignore[attr-defined]


class ScheduleAdmin(AdminBase):
    """A rhythm; one that tasks follow cannot be deleted, since they would go with it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        unused = obj is not None and not obj.periodictask_set.exists()
        return unused and super().has_delete_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ours = obj is not None and obj.periodictask_set.filter(name__in=built_in()).exists()
        return not ours and super().has_change_permission(request, obj)


@admin.register(IntervalSchedule)
class IntervalAdmin(ScheduleAdmin):
    """Every so often."""

    list_display = ["__str__", "every", "period"]
    search_fields = ["every", "period"]


@admin.register(CrontabSchedule)
class CrontabAdmin(ScheduleAdmin):
    """At given times."""

    list_display = ["__str__", "human_readable", "timezone"]
    search_fields = ["minute", "hour", "day_of_week"]
    fields = ["human_readable", "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone"]
    readonly_fields = ["human_readable"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "timezone":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return ZoneField(
            initial=settings.INSTALLATION_TIME_ZONE,
            widget=UnfoldAdminTextInputWidget,
            help_text="Such as Europe/Paris.",
        )
