"""``manage.py alarm_test``: do alarms arrive? Sends one to every address this installation tells."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference import actions
from inference.models import Alarm, AlarmKind


class Command(BaseCommand):
    help = "Send a test alarm to every address of ALARM_MAIL_TO and to ALARM_WEBHOOK_URL, and say how each ended."

    def handle(self, *args: Any, **options: Any) -> None:
        made = actions.alarm_raise(AlarmKind.TEST)
        if not made:
            raise CommandError(
                "Nobody is told: set ALARM_MAIL_TO with EMAIL_HOST, or ALARM_WEBHOOK_URL (docs/comparison.md)."
            )
        actions.alarms_send()
        rows = Alarm.objects.filter(pk__in=[row.pk for row in made]).order_by("pk")
        for row in rows:
            self.stdout.write(f"{row.channel} {row.address}: {row.said or 'a worker is sending it'}")
        if any(row.due_at is not None and row.said for row in rows):
            raise CommandError("Not every address took it; it is tried again for about 18 hours.")
