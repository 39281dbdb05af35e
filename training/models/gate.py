"""The gate: what is asked of a version, the verdict on it, and who overrode that."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from ml.certificate import MOST_GROUPS, Group, Promise
from ml.gate import Limits
from training.models.certificates import PrecisionCertificate
from training.models.versions import Evaluation, ModelVersion

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]
CHANCE = [MinValueValidator(0.001), MaxValueValidator(0.999)]
MOST_NAME = 60
MINUTES = [MinValueValidator(0.0), MaxValueValidator(10_000.0)]


def _limit(default: float, text: str) -> models.FloatField:
    return models.FloatField(
        null=True, blank=True, default=default, validators=SHARE, help_text=f"{text} Empty: not asked."
    )


class GateSettings(models.Model):
    """The one row that says what is promised of routed tickets, what a version must show, and what things cost.

    Shares in [0, 1]. ``precision`` and ``delta`` are the promise that certificates are asked for. Minutes are a
    person's: of a ticket they route themselves, and of one that went to the wrong service.
    """

    precision = models.FloatField(
        default=0.95, validators=CHANCE, help_text="At least this share of the routed tickets is to be right."
    )
    delta = models.FloatField(
        default=0.05, validators=CHANCE, help_text="The chance of being wrong about that, at most."
    )
    groups = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(MOST_GROUPS)],
        help_text="Groups of services, by size, each with its own threshold. 0: none; each needs labels of its own.",
    )
    service_groups = models.JSONField(
        default=list,
        blank=True,
        help_text="Groups named by a lead, instead of those by size: [{name, services, precision}], services by code.",
    )
    is_certificate_needed = models.BooleanField(
        default=True,
        help_text="Stop versions whose promise is not certified. Uncertified ones route nothing anyway.",
    )
    min_accuracy = _limit(0.8, "Of all control tickets of a service.")
    min_recall = _limit(0.6, "Routed and right, of all control tickets of a service.")
    min_coverage = _limit(0.6, "Of the control tickets, routed without a person.")
    max_calibration_error = _limit(
        0.1, "How far stated confidence may be from the accuracy seen, on average."
    )
    max_worse = _limit(0.05, "Accuracy a service may lose against the version in production.")
    max_latency_ms = models.PositiveIntegerField(
        null=True, blank=True, default=500, help_text="Of an answer, 95 of 100. Empty: not asked."
    )
    minutes_escalation = models.FloatField(
        default=2.0, validators=MINUTES, help_text="A person's minutes to route a ticket that is escalated."
    )
    minutes_misroute = models.FloatField(
        default=15.0, validators=MINUTES, help_text="A person's minutes lost by a ticket routed wrong."
    )
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "gate settings"
        constraints = [models.CheckConstraint(name="gate_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return f"{self.precision:.0%} of what is routed"

    @property
    def limits(self) -> Limits:
        """What the gate asks for."""
        return Limits(
            accuracy=self.min_accuracy,
            precision=self.precision if self.is_certificate_needed else None,
            recall=self.min_recall,
            coverage=self.min_coverage,
            calibration=self.max_calibration_error,
            worse_by=self.max_worse,
            latency_ms=self.max_latency_ms,
        )

    @property
    def promise(self) -> Promise:
        """What certificates are asked for, with the groups named by a lead. ``ValueError`` says what is wrong."""
        try:
            groups = tuple(
                Group(str(one["name"]).strip(), tuple(map(str, one["services"])), one.get("precision"))
                for one in self.service_groups
            )
            return Promise(precision=self.precision, delta=self.delta, groups=groups)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                "each group is {name, services, precision}, precision a number or null"
            ) from error

    def clean(self) -> None:
        """Refuse groups that cannot be promised anything."""
        try:
            promise = self.promise
        except ValueError as error:
            raise ValidationError({"service_groups": str(error)}) from error
        if any(len(group.name) > MOST_NAME for group in promise.groups):
            raise ValidationError({"service_groups": f"a name has at most {MOST_NAME} characters"})


class GateVerdict(models.Model):
    """What the gate said of a version, on which evaluation and certificate, under which limits. Never changed: when
    any of those changes, another is given, and the newest counts."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="verdicts")
    evaluation = models.ForeignKey(Evaluation, null=True, on_delete=models.CASCADE, related_name="+")
    certificate = models.ForeignKey(
        PrecisionCertificate, null=True, on_delete=models.CASCADE, related_name="+"
    )
    production = models.ForeignKey(
        ModelVersion,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="What it was compared with.",
    )
    passed = models.BooleanField()
    reasons = models.JSONField(default=list, help_text="[{code, params, stops}]")
    limits = models.JSONField(default=dict, help_text="ml.gate.Limits")
    figures = models.JSONField(default=dict, help_text="ml.gate.Figures")
    fingerprint = models.CharField(max_length=64, help_text="Of all it was given on.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.model_version}: {'passed' if self.passed else 'stopped'}"

    @property
    def stopping(self) -> list[str]:
        """The codes that stop the version, each once."""
        return list(dict.fromkeys(reason["code"] for reason in self.reasons if reason["stops"]))


class OverridePurpose(models.TextChoices):
    """What is allowed against the verdict."""

    OBSERVE = "observe", "Observe"
    PROMOTE = "promote", "Promote"


class GateOverride(models.Model):
    """A person's decision against a verdict, with the reason. Append-only.

    It holds while the gate finds nothing but the codes that this person saw. It never makes anything routed that is
    not certified: routing obeys the certificate.
    """

    verdict = models.ForeignKey(GateVerdict, on_delete=models.CASCADE, related_name="overrides")
    purpose = models.CharField(max_length=8, choices=OverridePurpose)
    codes = models.JSONField(default=list, help_text="What it overrides.")
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.by} on {self.verdict}"
