"""Files that people brought in, and what became of each row."""

from django.conf import settings
from django.db import models


class ImportState(models.TextChoices):
    """Where an import stands."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class LabelUse(models.TextChoices):
    """What the label column means."""

    LABELS = "labels", "Existing labels"
    ANSWER_KEY = "answer_key", "Answer key for a replay"
    IGNORE = "ignore", "Nothing"


class ImportRun(models.Model):
    """One import with its options and its report. ``errors`` holds the first 200 rejected rows."""

    filename = models.CharField(max_length=255, blank=True)
    path = models.CharField(max_length=500, blank=True, help_text="Where the upload lies until it is read.")
    options = models.JSONField(default=dict, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="imports"
    )
    state = models.CharField(max_length=8, choices=ImportState, default=ImportState.WAITING)
    rows_read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(
        default=0, help_text="New tickets whose text equals an earlier one's."
    )
    rejected = models.PositiveIntegerField(default=0)
    masked = models.JSONField(default=dict, blank=True)
    errors = models.JSONField(default=list, blank=True)
    services_created = models.JSONField(default=list, blank=True)
    failure = models.JSONField(
        default=dict, blank=True, help_text="Code and parameters, if the whole file failed."
    )
    bytes_total = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import {self.pk}: {self.filename or 'API'}"

    @property
    def progress(self) -> float:
        """Share of the file read, 0..1."""
        return min(1.0, self.bytes_read / self.bytes_total) if self.bytes_total else 0.0
