"""What a model version said about a ticket. Never an annotation."""

from django.db import models

from annotation.models import Service, Ticket


class Prediction(models.Model):
    """One model version's answer for one ticket; probabilities in the order of ``ModelVersion.labels``."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="predictions")
    model_version = models.ForeignKey(
        "training.ModelVersion", on_delete=models.CASCADE, related_name="predictions"
    )
    service = models.ForeignKey(Service, null=True, on_delete=models.CASCADE, related_name="+")
    probability = models.FloatField()
    probabilities = models.BinaryField(help_text="Little-endian float32, one per label of the version.")
    outlier = models.FloatField(
        null=True, help_text="How strange the ticket is to the version: 0 = ordinary, 1 = the strangest."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model_version", "ticket"], name="prediction_once")]
        indexes = [models.Index(fields=["ticket", "-id"], name="prediction_by_ticket")]

    def __str__(self) -> str:
        return f"{self.model_version_id} on ticket {self.ticket_id}: {self.probability:.2f}"
