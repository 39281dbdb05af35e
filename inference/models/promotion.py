"""Who let which version route, when and why: promotions, the history, and what a failure sends back to Teach."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models import Ticket
from inference.models.comparison import MirroredTicket, Observation
from inference.models.deployments import Deployment
from training.models import ModelVersion


class PromotionSettings(models.Model):
    """The one row: whether a promotion needs a second person."""

    four_eyes = models.BooleanField(
        default=True,
        help_text="A second person approves a promotion. Off: the one who asks may; it is recorded.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "promotion settings"
        constraints = [models.CheckConstraint(name="promotion_settings_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return "four eyes" if self.four_eyes else "one person"


class PromotionState(models.TextChoices):
    """How far a promotion is. The last three are over."""

    REHEARSING = "rehearsing", "The way back is rehearsed"
    READY = "ready", "Waits for approval"
    CANARY = "canary", "Approved: a share goes to it first"
    DEPLOYING = "deploying", "Approved: the endpoint takes it"
    DONE = "done", "In production"
    FAILED = "failed", "Failed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Promotion(models.Model):
    """One request to let a candidate route. At most one is under way (``ended_at`` null).

    ``former`` routes meanwhile, and is what a rollback goes back to (null: everything goes to people again). It is
    rehearsed before anybody may approve: ``rehearsed_at``, and ``trouble`` when that or the deployment failed.
    """

    observation = models.ForeignKey(Observation, on_delete=models.PROTECT, related_name="promotions")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    former = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=12, choices=PromotionState, default=PromotionState.REHEARSING)
    why = models.CharField(max_length=1000)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    was_four_eyes = models.BooleanField(null=True, blank=True, help_text="The setting when it was approved.")
    canary_share = models.FloatField(
        null=True, blank=True, help_text="Routed by it before it got all tickets; empty: it had no canary."
    )
    canary_passed_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=1024, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(ended_at__isnull=True), name="promotion_single_flight"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_state_display()}"


class HistoryKind(models.TextChoices):
    """What happened."""

    OBSERVATION_STARTED = "observation_started", "Observation started"
    SHARE_CHANGED = "share_changed", "Mirrored share changed"
    VERDICT = "verdict", "Verdict"
    BACK_TO_TEACH = "back_to_teach", "Failures sent back to Teach"
    OBSERVATION_STOPPED = "observation_stopped", "Observation stopped"
    PROMOTION_REQUESTED = "promotion_requested", "Promotion asked for"
    ROLLBACK_REHEARSED = "rollback_rehearsed", "Way back rehearsed"
    PROMOTION_APPROVED = "promotion_approved", "Promotion approved"
    CANARY_STARTED = "canary_started", "Routes a share first"
    PROMOTION_FAILED = "promotion_failed", "Promotion failed"
    PROMOTION_WITHDRAWN = "promotion_withdrawn", "Promotion withdrawn"
    PROMOTED = "promoted", "In production"
    ROLLED_BACK = "rolled_back", "Rolled back"
    HELD = "held", "Everything given to people"
    WATCH_ALARM = "watch_alarm", "Promise broken: leads told"


class HistoryEntry(models.Model):
    """One line of the history of what routes. Rows are never changed; ``by`` is null for what the machine did."""

    kind = models.CharField(max_length=20, choices=HistoryKind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=1000, blank=True)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    observation = models.ForeignKey(Observation, null=True, on_delete=models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, null=True, on_delete=models.PROTECT, related_name="+")
    params = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "history entries"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.version or ''}"


class LookAlike(models.Model):
    """An open ticket near one that a candidate sent to the wrong service: Teach asks about it before others.

    Never an audit ticket. ``similarity``: the cosine to ``like``, the nearest failure.
    """

    ticket = models.OneToOneField(Ticket, primary_key=True, on_delete=models.CASCADE, related_name="+")
    like = models.ForeignKey(MirroredTicket, on_delete=models.CASCADE, related_name="+")
    similarity = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-similarity", "ticket_id"]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} is like {self.like_id}"
