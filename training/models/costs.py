"""What jobs cost: one row a job, kept when its run is gone."""

from django.db import models


class JobCost(models.Model):
    """Seconds billed for a machine, by the backend's own count; money only where the installation gave a price.

    A retried run has a row for each attempt. Jobs on this machine cost nothing and have none.
    """

    job_name = models.CharField(max_length=63, unique=True)
    purpose = models.CharField(max_length=12, help_text="training or transform")
    run = models.ForeignKey(
        "training.TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="costs"
    )
    instance_type = models.CharField(max_length=32)
    seconds = models.PositiveIntegerField(default=0)
    price_per_hour = models.FloatField(null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.job_name}: {self.seconds} s of {self.instance_type}"

    @property
    def amount(self) -> float | None:
        """In the account's money; None without a price."""
        return None if self.price_per_hour is None else self.seconds * self.price_per_hour / 3600
