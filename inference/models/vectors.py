"""Embedding spaces and the vectors in them."""

from django.db import models
from pgvector.django import VectorField

from annotation.models import Ticket


class Encoder(models.Model):
    """One embedding space: the weights that made it are named by ``fingerprint`` (16 hex).

    Exactly one is current: the learner ranks in it. A new one becomes current when the whole pool has its
    vectors, and gets a partial HNSW expression index then.
    """

    fingerprint = models.CharField(max_length=16, unique=True)
    dim = models.PositiveIntegerField()
    model_version = models.ForeignKey(
        "training.ModelVersion", on_delete=models.PROTECT, related_name="encoders"
    )
    is_current = models.BooleanField(default=False)
    is_indexed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_current"], condition=models.Q(is_current=True), name="encoder_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.dim})"


class Embedding(models.Model):
    """The L2-normalised vector of one ticket in one space. No fixed dimension: it is the encoder's.

    ``id`` is drawn anew whenever the vector is written, so rows with a higher id than the last one seen are
    exactly what changed. A null ``vector`` says that the model refused this very text, with its ``error``.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="embeddings")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="embeddings")
    text_hash = models.CharField(max_length=32, help_text="Of the text that was embedded.")
    vector = VectorField(null=True)
    error = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encoder", "ticket"], name="embedding_once")]
        indexes = [models.Index(fields=["encoder", "id"], name="embedding_changes")]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} in {self.encoder_id}"
