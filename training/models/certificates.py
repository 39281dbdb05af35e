"""Certificates of precision, as they were given: one row a certification."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from ml.certificate import Certificate, State, from_dict
from training.models.versions import ModelVersion

STATES: dict[State, str] = {
    "certified": "Certified",
    "no_audit_labels": "No audit labels",
    "one_service": "One service only",
    "unusable_probabilities": "Unusable probabilities",
    "nothing_routable": "Nothing routable",
    "too_few_labels": "Too few audit labels",
    "too_many_errors": "Too many errors",
}


class PrecisionCertificate(models.Model):
    """What the audit labels said of a promise about one version (``ml.certify``). Rows are never changed.

    A *trial* (``is_spent`` false) shows what a certificate would say now: looking spends nothing, and nothing is
    routed by it. A *spent* one was asked at a promotion: it is in force, its audit labels count as asked, and the
    next certificate that asks any of them again is tested at less than delta (``use``, ``level``).
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="certificates")
    is_spent = models.BooleanField(
        default=False, help_text="Asked at a promotion: in force, and its labels count."
    )
    state = models.CharField(max_length=24, choices=list(STATES.items()))
    precision = models.FloatField(help_text="What was promised of the tickets that are routed.")
    delta = models.FloatField(help_text="The chance of being wrong that the promise allows.")
    level = models.FloatField(help_text="The chance of being wrong it was tested at.")
    use = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How manyth asking of these labels; empty: they were fresh, tested at delta.",
    )
    threshold = models.FloatField(null=True, blank=True)
    audit_labels = models.PositiveIntegerField()
    tickets = models.JSONField(default=list, help_text="Ids of the audit tickets whose labels were asked.")
    window_from = models.DateField(null=True, blank=True)
    window_to = models.DateField(null=True, blank=True)
    promise = models.JSONField(default=dict, help_text="ml.certificate.Promise")
    payload = models.JSONField(help_text="ml.certificate.Certificate")
    fingerprint = models.CharField(
        max_length=64, help_text="Of the tickets, labels and answers, and the promise."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "fingerprint"],
                condition=Q(is_spent=True),
                name="certificate_spent_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.get_state_display()}"

    @property
    def is_fresh(self) -> bool:
        """Whether no spent certificate had asked any of its labels before."""
        return self.use is None

    @property
    def certificate(self) -> Certificate:
        """What ``ml.policy.decide`` obeys."""
        return from_dict(self.payload)
