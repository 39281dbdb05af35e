"""Dataset snapshots: exactly what a model was trained on, for ever."""

from django.db import models

from annotation.models import Ticket


class DatasetSnapshot(models.Model):
    """An immutable set of labelled, masked, non-audit tickets.

    The rows lie in one JSONL file (``uri``, contract in ``ml/schema.py``). ``fingerprint`` is the hash of the
    sorted row hashes (``ml.dataset.fingerprint``), so an erased row can become a tombstone.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    uri = models.CharField(max_length=500)
    rows = models.PositiveIntegerField()
    services = models.JSONField(default=dict, help_text="Rows per service code.")
    last_annotation_id = models.BigIntegerField(help_text="Newest annotation it takes into account.")
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.fingerprint[:12]} ({self.rows} rows)"


class SnapshotRow(models.Model):
    """Which ticket is in which snapshot under which label: lineage for erasure and comparison.

    ``origin`` says where the label came from (``annotation.selectors.TrainingLabel``), ``text_hash`` names the text as
    it was learnt. Erasing the ticket empties all but ``row_hash``.
    """

    snapshot = models.ForeignKey(DatasetSnapshot, on_delete=models.CASCADE, related_name="members")
    ticket = models.ForeignKey(Ticket, null=True, on_delete=models.SET_NULL, related_name="+")
    row_hash = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    origin = models.CharField(max_length=12, blank=True)
    text_hash = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["snapshot", "ticket"], name="snapshot_ticket_once")]

    def __str__(self) -> str:
        return f"{self.snapshot_id}: ticket {self.ticket_id} = {self.code}"
