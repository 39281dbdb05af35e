"""The queue: what is to be shown next, and who holds it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.services import Service
from annotation.models.tickets import Ticket


class Mode(models.TextChoices):
    """Where a decision is taken."""

    TEACH = "teach", "Teach"
    CHECK = "check", "Check"
    IMPORT = "import", "Import"


class Lane(models.TextChoices):
    """Why a ticket was drawn. Our word, never on a page."""

    START = "start", "Typical (cold start)"
    EXPLOIT = "exploit", "Hesitation"
    NOVELTY = "novelty", "Unlike anything seen"
    SCARCE = "scarce", "Perhaps of a service with few labels"
    AUDIT = "audit", "Random control"
    CONFIRM = "confirm", "Prediction near the threshold"
    WEAK = "weak", "Imported label"
    SUSPECT = "suspect", "Label the model doubts"
    SPOT = "spot", "Spot check of a sure prediction"
    LIVE = "live", "A customer is waiting"
    OUTCOME = "outcome", "Moved by the desk"
    FAILURE = "failure", "Like a ticket a candidate got wrong"


class QueueItem(models.Model):
    """A ticket waiting for, or in the hands of, an annotator. One ticket has at most one row.

    ``position`` is the served order within the mode, low first. A lease is ``leased_by`` + ``lease`` +
    ``leased_until``; past its time it counts as free without anybody touching the row. The ranking layer
    replaces the rows that nobody holds (``annotation.actions.queue_replace``), but for those of live tickets a
    customer waits for (``annotation.actions.live_push``): these come first, the longest wait first.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="queue_item")
    mode = models.CharField(max_length=6, choices=Mode)
    position = models.FloatField()
    lane = models.CharField(max_length=8, choices=Lane)
    uncertainty = models.FloatField(null=True, blank=True)
    outlier = models.FloatField(null=True, blank=True)
    sampling_probability = models.FloatField(null=True, blank=True)
    suggested_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    suggested_probability = models.FloatField(null=True, blank=True)
    second_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    second_probability = models.FloatField(null=True, blank=True)
    candidates = models.JSONField(
        default=list, blank=True, help_text="[[service id, probability], …], best first, at most 5."
    )
    generation = models.BigIntegerField(default=0)
    waiting_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when a customer waits for this decision."
    )
    asked_because = models.CharField(
        max_length=20, blank=True, db_default="", help_text="Why the routing asked a person (a code)."
    )

    lease = models.UUIDField(null=True, blank=True, unique=True)
    leased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="leases"
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["mode", "position"]
        indexes = [
            models.Index(fields=["mode", "position"], name="queue_order"),
            models.Index(fields=["leased_by"], name="queue_held", condition=Q(leased_by__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="queue_lease_whole",
                condition=Q(lease__isnull=True, leased_until__isnull=True)
                | Q(lease__isnull=False, leased_until__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.position:g}: ticket {self.ticket_id}"

    @property
    def is_held(self) -> bool:
        return self.leased_until is not None and self.leased_until > timezone.now()

    @staticmethod
    def new_lease() -> uuid.UUID:
        return uuid.uuid4()


class Serving(models.Model):
    """One ticket put before one person: what was shown, under which lease. Written by every claim, never changed.

    It outlives the queue item, so that an answer that comes late still finds what it answers, and every ticket
    ever served has its lane and the probability with which it was drawn. ``ticket`` may be gone: that is how a
    late answer learns that its ticket was erased.
    """

    lease = models.UUIDField(primary_key=True)
    ticket = models.ForeignKey(
        Ticket, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=True
    )
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="servings")
    round = models.PositiveSmallIntegerField()
    mode = models.CharField(max_length=6, choices=Mode)
    lane = models.CharField(max_length=8, choices=Lane)
    uncertainty = models.FloatField(null=True, blank=True)
    outlier = models.FloatField(null=True, blank=True)
    sampling_probability = models.FloatField(null=True, blank=True)
    suggested_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    suggested_probability = models.FloatField(null=True, blank=True)
    candidates = models.JSONField(default=list, blank=True)
    generation = models.BigIntegerField(default=0)
    served_at = models.DateTimeField()

    class Meta:
        ordering = ["-served_at"]
        indexes = [models.Index(fields=["served_at"], name="serving_when")]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} to {self.annotator_id}"
