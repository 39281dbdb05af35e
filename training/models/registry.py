"""What the account's model registry holds of our versions, and what people decided about them."""

from django.conf import settings
from django.db import models

from training.models.versions import ModelVersion


class Approval(models.TextChoices):
    """A person's word on a version, as registries know it."""

    PENDING = "pending", "Waiting for a decision"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class RegistryEntry(models.Model):
    """One version in the registry of the place where jobs run.

    ``approval`` is what a person decided here; ``told`` is what the registry was last told of it, so the two differ
    while it has to be told. ``status`` is the registry's own word when it was last asked. ``problem`` says why
    the last try failed; it is tried again.
    """

    model_version = models.OneToOneField(
        ModelVersion, on_delete=models.CASCADE, related_name="registry_entry"
    )
    address = models.CharField(
        max_length=500, blank=True, help_text="The version's ARN; empty until registered."
    )
    approval = models.CharField(max_length=8, choices=Approval, default=Approval.PENDING)
    told = models.CharField(max_length=8, choices=Approval, default=Approval.PENDING)
    status = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "registry entries"

    def __str__(self) -> str:
        return f"{self.model_version}: {self.approval}"
