"""Batch transforms: rows that step through states, like training runs."""

from django.db import models

from training.models import ModelVersion, RunState, TestRow, TestSet


class TransformPurpose(models.TextChoices):
    """What the output is for."""

    POOL = "pool", "Embed and score the pool"
    EVALUATE = "evaluate", "Score the audit labels"
    TEST = "test", "Score an uploaded test set"


class TransformRun(models.Model):
    """One pass of one model version over a set of tickets, or over the rows of a test set.

    The input file lists masked texts; the output is loaded line by line into embeddings and predictions.
    Loading is idempotent, so that a killed worker's work is simply done again.
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="transforms")
    purpose = models.CharField(max_length=8, choices=TransformPurpose)
    test_set = models.ForeignKey(
        TestSet, null=True, blank=True, on_delete=models.CASCADE, related_name="transforms"
    )
    state = models.CharField(max_length=12, choices=RunState, default=RunState.PLANNED)
    sub_state = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    job_name = models.CharField(max_length=63, blank=True)
    spec_hash = models.CharField(max_length=64, blank=True)
    input_uri = models.CharField(max_length=500, blank=True)
    output_uri = models.CharField(max_length=500, blank=True)
    tickets = models.PositiveIntegerField(default=0)
    processed = models.PositiveIntegerField(default=0)
    loaded = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0, help_text="Lines the model answered with an error.")
    failure_code = models.CharField(max_length=64, blank=True)
    failure_reason = models.TextField(blank=True)
    output_offset = models.BigIntegerField(
        default=0, help_text="Bytes of the output that are loaded; moves with the rows, in one transaction."
    )
    retry_at = models.DateTimeField(null=True, blank=True, help_text="A failed attempt rests until then.")
    observed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "purpose"],
                condition=models.Q(state__in=["planned", "submitting", "running", "stopping"]),
                name="transform_single_flight",
            )
        ]

    def __str__(self) -> str:
        return f"transform {self.pk} ({self.purpose}, {self.state})"


class TestAnswer(models.Model):
    """One version's answer to one row of a test set; ``probabilities`` as a prediction's, None where it refused."""

    __test__ = False  # no test class, whatever pytest makes of the name

    row = models.ForeignKey(TestRow, on_delete=models.CASCADE, related_name="answers")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="test_answers")
    probabilities = models.BinaryField(null=True)
    outlier = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model_version", "row"], name="test_answer_once")]

    def __str__(self) -> str:
        return f"{self.model_version_id} on row {self.row_id}"
