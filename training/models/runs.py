"""Training runs: rows that step through states; the row is the truth, tasks are nudges."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class RunState(models.TextChoices):
    """States of a job; the same words as ``compute.port.JobState``."""

    PLANNED = "planned", "Planned"
    SUBMITTING = "submitting", "Submitting"
    RUNNING = "running", "Running"
    STOPPING = "stopping", "Stopping"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"
    TIMED_OUT = "timed_out", "Timed out"


LIVE_STATES = (RunState.PLANNED, RunState.SUBMITTING, RunState.RUNNING, RunState.STOPPING)
ENDED_STATES = (RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED, RunState.TIMED_OUT)


class TrainingRun(models.Model):
    """One training: a snapshot, hyperparameters, a job on the compute backend, in the end a model version.

    A retry is a new attempt: same row, ``attempt`` + 1, a new job name and prefix. SUCCEEDED is reached only
    after the artifact was read whole and its hashes checked. At most one run is live (single flight).
    """

    snapshot = models.ForeignKey(
        "training.DatasetSnapshot", null=True, blank=True, on_delete=models.PROTECT, related_name="runs"
    )
    state = models.CharField(max_length=12, choices=RunState, default=RunState.PLANNED)
    sub_state = models.CharField(max_length=64, blank=True)
    phase = models.CharField(max_length=32, blank=True)
    progress = models.FloatField(null=True, blank=True, help_text="0..1")
    attempt = models.PositiveSmallIntegerField(default=1)
    job_name = models.CharField(max_length=63, blank=True)
    spec_hash = models.CharField(max_length=64, blank=True)
    hyperparameters = models.JSONField(default=dict, blank=True)
    base_model = models.CharField(max_length=500, blank=True)
    reason = models.JSONField(default=dict, blank=True, help_text="Why it was started: code and parameters.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="training_runs",
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_reason = models.TextField(blank=True)
    log_tail = models.TextField(blank=True)
    log_url = models.CharField(
        max_length=500, blank=True, help_text="Where the whole log is read in a browser."
    )
    artifact_uri = models.CharField(max_length=500, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(state__in=["planned", "submitting", "running", "stopping"]),
                name="run_single_flight",
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.state})"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def can_cancel(self) -> bool:
        return self.is_live and self.cancel_requested_at is None

    @property
    def can_retry(self) -> bool:
        return self.state in (RunState.FAILED, RunState.STOPPED, RunState.TIMED_OUT)


class RunMetric(models.Model):
    """One point of a run's live curves."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metrics")
    attempt = models.PositiveSmallIntegerField()
    step = models.PositiveIntegerField()
    name = models.CharField(max_length=40)
    value = models.FloatField()

    class Meta:
        ordering = ["step"]
        constraints = [
            models.UniqueConstraint(fields=["run", "attempt", "name", "step"], name="run_metric_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.step} = {self.value:g}"
