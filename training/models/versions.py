"""Model versions and what was measured about them; both are immutable."""

from django.db import models

from ml.judging import Sheet
from training.models.runs import TrainingRun
from training.models.test_sets import TestSet


class ModelVersion(models.Model):
    """A verified artifact. ``number`` counts from 1; ``labels`` is the order of its probabilities.

    ``kind`` is ``encoder`` for the base model wrapped as an artifact (it embeds, it has no head; number 0),
    ``classifier`` for what a training produced. ``encoder`` names the embedding space (16 hex).
    """

    number = models.PositiveIntegerField(unique=True)
    kind = models.CharField(max_length=12, choices=[("encoder", "Encoder"), ("classifier", "Classifier")])
    run = models.OneToOneField(
        TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="model_version"
    )
    artifact_uri = models.CharField(max_length=500)
    manifest = models.JSONField(default=dict)
    manifest_hash = models.CharField(max_length=64)
    encoder = models.CharField(max_length=16)
    dim = models.PositiveIntegerField()
    labels = models.JSONField(default=list)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number}"


class Evaluation(models.Model):
    """What a model version did on labels that never trained it (``ml.judging.judge``). Rows are never changed."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="evaluations")
    data = models.CharField(max_length=16, choices=[("audit", "Audit labels"), ("test", "Test set")])
    test_set = models.ForeignKey(
        TestSet, null=True, blank=True, on_delete=models.CASCADE, related_name="evaluations"
    )
    fingerprint = models.CharField(max_length=64, help_text="Of the tickets and labels it was measured on.")
    n = models.PositiveIntegerField()
    accuracy = models.FloatField(null=True, blank=True)
    macro_f1 = models.FloatField(null=True, blank=True)
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["model_version", "data", "fingerprint"], name="evaluation_once")
        ]

    def __str__(self) -> str:
        return f"{self.model_version} on {self.n} {self.data} labels"


class EvaluationSheet(models.Model):
    """The answers an evaluation was counted from, kept so that each figure can be recounted and opened."""

    evaluation = models.OneToOneField(
        Evaluation, primary_key=True, on_delete=models.CASCADE, related_name="sheet"
    )
    columns = models.JSONField(
        help_text="ml.judging.Sheet; ids are of tickets, of a test set's rows for data=test."
    )

    def __str__(self) -> str:
        return f"sheet of evaluation {self.pk}"

    @property
    def sheet(self) -> Sheet:
        """The answers."""
        return Sheet(**self.columns)
