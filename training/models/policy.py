"""When to train again: the policy people edit, and the record of what it decided and why."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


def audit_target_at_first() -> int:
    """What the installation's settings ask for until a lead sets the figure."""
    return int(settings.AUDIT_TARGET)


class RetrainPolicy(models.Model):
    """The one row that says when a training starts by itself: enough new labels OR too old OR the clock.

    Single flight always holds; ``cooldown_minutes`` after the last end; ``minimum_labels`` in all before the
    first. All counts are of labels that may train (audit labels do not count).
    """

    is_active = models.BooleanField(default=True)
    min_new_labels = models.PositiveIntegerField(default=50, validators=[MinValueValidator(1)])
    minimum_labels = models.PositiveIntegerField(default=40, validators=[MinValueValidator(2)])
    max_age_hours = models.PositiveIntegerField(default=168, help_text="0: age never starts a training.")
    cron = models.CharField(
        max_length=100, blank=True, help_text="Five fields, in the installation's zone; empty: none."
    )
    cooldown_minutes = models.PositiveIntegerField(default=10)
    max_seconds = models.PositiveIntegerField(default=900, help_text="Time box of one training.")
    epochs = models.PositiveSmallIntegerField(default=6)
    max_failures = models.PositiveSmallIntegerField(
        default=3, help_text="After so many failures in a row it waits for a person."
    )
    monthly_cap = models.PositiveIntegerField(
        default=0,
        help_text="No training starts by itself once this month's jobs cost so much, in the account's money. 0: none.",
    )
    advisor_may_veto = models.BooleanField(
        default=True, help_text="Hold back a training that would gain less than the noise of the controls."
    )
    audit_target = models.PositiveIntegerField(
        default=audit_target_at_first,
        validators=[MaxValueValidator(1_000_000)],
        help_text="Control tickets to label; until then Teach mixes them in. 0: none.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "retrain policy"
        constraints = [models.CheckConstraint(name="policy_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return f"after {self.min_new_labels} new labels"


class RetrainDecision(models.Model):
    """What the policy last said, kept when it changes: start or wait, with the reason in code and figures."""

    starts = models.BooleanField()
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    run = models.ForeignKey(
        "training.TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.code


class RetrainAdvice(models.Model):
    """Pushed by the layer that knows the pool: label on, ask for new tickets, or stop; figures beside it."""

    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    vetoes_training = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.code
