"""What was read about drift, one row a kind and check; kept as a time series."""

from django.db import models

from annotation.models import Service
from inference.models.routing import RoutingHold
from training.models import ModelVersion


class DriftKind(models.TextChoices):
    """What is looked at."""

    INPUT = "input", "What tickets are about"
    UNLIKE = "unlike", "Distance to what was learnt"
    MIX = "mix", "Services predicted"
    ESCALATION = "escalation", "Share escalated"
    PRECISION = "precision", "Precision on control tickets"


class DriftReading(models.Model):
    """One kind at one check. Rows of a check share ``read_at``.

    ``value`` now and ``reference`` before are in the kind's own measure (``ml.drift``), null where too little could be
    read; ``p``: the chance of as much by luck. ``code`` with ``params`` says what was found and, for an alarm, what to
    do. ``service`` is set where one service is meant. ``hold``: what the alarm held back.
    """

    kind = models.CharField(max_length=10, choices=DriftKind)
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    value = models.FloatField(null=True, blank=True)
    reference = models.FloatField(null=True, blank=True)
    p = models.FloatField(null=True, blank=True)
    n = models.PositiveIntegerField(default=0, help_text="Tickets looked at now.")
    n_reference = models.PositiveIntegerField(default=0, help_text="Tickets compared with.")
    is_alarm = models.BooleanField(default=False)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    hold = models.ForeignKey(RoutingHold, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["-read_at", "kind", "id"]
        indexes = [models.Index(fields=["kind", "-read_at"], name="drift_series")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.code}"
