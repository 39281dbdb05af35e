"""The learner's head as numbers, so that any process can apply it with numpy alone."""

from django.db import models

from inference.models.vectors import Encoder


class LearnerHead(models.Model):
    """The newest head of one embedding space: a softmax over ``classes`` and the outlier model beside it.

    ``weights`` is an ``.npz`` (written and read by ``inference.heads``): coef (k, d), intercept (k,), temperature,
    and the outlier model's centres, whitening and the pool's distances as quantiles.
    """

    encoder = models.OneToOneField(Encoder, on_delete=models.CASCADE, related_name="head")
    classes = models.JSONField(default=list, help_text="Service codes, in the order of the coefficients.")
    weights = models.BinaryField()
    labels_used = models.PositiveIntegerField(default=0)
    last_annotation_id = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0, help_text="The refit alone.")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"head on {self.labels_used} labels"
