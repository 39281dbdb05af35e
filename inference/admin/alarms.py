"""Alarms that left the house, or try to, in the Django admin: to look at."""

from django.contrib import admin

from accounts.admin_base import ReadOnlyAdmin
from inference.models import Alarm


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """Whom was told what, and how the last try ended. Newest first."""

    list_display = ["id", "kind", "channel", "address", "attempts", "said", "due_at", "taken_at", "made_at"]
    list_filter = ["kind", "channel"]
    search_fields = ["address", "said"]
    date_hierarchy = "made_at"
