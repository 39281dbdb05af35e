"""Which model version serves where. Rows are never changed but for their end."""

from django.conf import settings
from django.db import models

from training.models import ModelVersion


class DeploymentRole(models.TextChoices):
    """What a deployed version does."""

    ASSISTANT = "assistant", "Assistant"  # answers Try a ticket; routes nothing
    OBSERVER = "observer", "Observer"
    PRODUCTION = "production", "Production"
    CANARY = "canary", "Canary"  # routes a share before it gets all of them


class Deployment(models.Model):
    """A version on an endpoint in a role, from a moment until another takes its place."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    role = models.CharField(max_length=12, choices=DeploymentRole)
    endpoint_name = models.CharField(max_length=63)
    state = models.CharField(max_length=16, default="creating")
    reason = models.TextField(blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["role"], condition=models.Q(ended_at__isnull=True), name="deployment_one_live_a_role"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_version} as {self.role}"
