"""Production under watch: whether the version that routes keeps its promise, and what was done when it did not."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from inference.models.deployments import Deployment
from inference.models.routing import RoutingHold
from training.models import ModelVersion

CHANCE = [MinValueValidator(0.0001), MaxValueValidator(0.5)]
SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class WatchSettings(models.Model):
    """The one row: how closely production is watched. A watch keeps what it began with."""

    is_automatic = models.BooleanField(
        default=True,
        help_text="Go back to the version before, or give everything to people, without asking. Off: only tell leads.",
    )
    alpha = models.FloatField(
        default=0.01,
        validators=CHANCE,
        help_text="The chance that one watch sends back a version which keeps its promise, at most.",
    )
    fewest = models.PositiveIntegerField(
        default=20,
        validators=[MinValueValidator(1)],
        help_text="Routed tickets whose right service must be known before anything is done.",
    )
    days = models.PositiveIntegerField(
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="A watch lasts so long; then the next begins anew, so that old good days hide nothing.",
    )
    silence_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="For a desk that tells only of tickets it moved: after so many hours without a word a route counts "
        "as right, and nothing counts earlier. Empty: the desk tells how every ticket ended, or a share of them.",
    )
    most_unavailable = models.FloatField(
        null=True,
        blank=True,
        default=0.2,
        validators=SHARE,
        help_text="Share of unanswered calls in ten minutes that sends a new version back. Empty: not watched.",
    )
    most_latency_ms = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=None,
        help_text="95 of 100 decisions of a new version in ten minutes take at most so long. Empty: not watched.",
    )
    canary_share = models.FloatField(
        default=0.0,
        validators=SHARE,
        help_text="Of the tickets, routed by an approved version before it gets all of them. 0: no canary.",
    )
    canary_tickets = models.PositiveIntegerField(
        default=50, validators=[MinValueValidator(1)], help_text="After so many tickets a canary has passed."
    )
    canary_minutes = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1)], help_text="Or after so long, if nothing was wrong."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "watch settings"
        constraints = [models.CheckConstraint(name="watch_settings_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return "rolls back by itself" if self.is_automatic else "tells leads"


class WatchState(models.TextChoices):
    """What became of a watch. All but the first are over."""

    WATCHING = "watching", "Watching"
    KEPT = "kept", "The promise was not refuted"
    ROLLED_BACK = "rolled_back", "Rolled back"
    HELD = "held", "Everything goes to people: there was nothing to go back to"
    ALARMED = "alarmed", "Leads were told"
    OVER = "over", "Another version took over"


class Watch(models.Model):
    """One period in which a version in production is held to its promise. At most one is under way in the house.

    What is looked for (``promised``, ``alpha``, ``fewest``, ``days``, ``silence_hours``) is fixed when it begins.
    ``is_new``: the first watch after a promotion, in which errors and latency count too. ``known``, ``right`` and
    ``log_wealth`` are what the last look saw; ``found`` is {code, params} of what ended it. Codes: precision_below,
    unavailable, slow. A lead who has read that it did something sets ``seen_at``.
    """

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="watches")
    state = models.CharField(max_length=12, choices=WatchState, default=WatchState.WATCHING)
    is_new = models.BooleanField(default=False)
    promised = models.FloatField(null=True, help_text="Empty: no certificate is in force, nothing is routed.")
    alpha = models.FloatField()
    fewest = models.PositiveIntegerField()
    days = models.PositiveIntegerField()
    silence_hours = models.PositiveIntegerField(null=True)
    known = models.PositiveIntegerField(default=0)
    right = models.PositiveIntegerField(default=0)
    log_wealth = models.FloatField(default=0.0, help_text="Of the bet against the promise.")
    found = models.JSONField(default=dict, blank=True)
    back_to = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="+")
    hold = models.ForeignKey(RoutingHold, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "watches"
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(ended_at__isnull=True), name="watch_single_flight"
            )
        ]

    def __str__(self) -> str:
        return f"{self.deployment.model_version}: {self.get_state_display()}"
