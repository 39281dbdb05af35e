"""Alarms on their way out of the house: one row for each address that is told, kept until it is taken."""

from django.db import models


class AlarmKind(models.TextChoices):
    """What leads are told of at once, wherever they are."""

    ROLLED_BACK = "rolled_back", "Production went back by itself"
    HELD = "held", "Everything goes to people"
    REFUTED = "refuted", "Production breaks its promise, and goes on"
    CANARY_STOPPED = "canary_stopped", "A canary was stopped"
    DRIFT = "drift", "Tickets or answers have changed"
    TEST = "test", "A test"


class AlarmChannel(models.TextChoices):
    """How."""

    MAIL = "mail", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class Alarm(models.Model):
    """One alarm for one address. ``params``: figures and names for the words (``inference.alarms.words``), never a
    ticket's text. ``due_at``: when it is tried next, null once it was taken or given up; ``said``: how the last try
    ended.
    """

    kind = models.CharField(max_length=16, choices=AlarmKind)
    channel = models.CharField(max_length=8, choices=AlarmChannel)
    address = models.CharField(max_length=400)
    params = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    said = models.CharField(max_length=200, blank=True)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at"], name="alarm_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.address}"
