"""Heads as they were along the way, so that the advisor can judge and compare them at any later time."""

from django.db import models

from inference.models.vectors import Encoder


class Panel(models.Model):
    """The one row with the tickets whose guesses are kept (``ml.marks``): ids as little-endian int64; it only grows."""

    tickets = models.BinaryField(default=b"")

    class Meta:
        constraints = [models.CheckConstraint(name="panel_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return f"{len(self.tickets) // 8} tickets"


class RoundMark(models.Model):
    """A head at a number of labels, one a round. ``guesses``: places in ``classes`` as little-endian int16 for the
    first tickets of the panel, -1 for none. A mark of more labels than there are is of a past that was taken back.
    """

    labels = models.PositiveIntegerField(unique=True)
    encoder = models.ForeignKey(Encoder, null=True, on_delete=models.SET_NULL, related_name="+")
    last_annotation_id = models.BigIntegerField(default=0)
    classes = models.JSONField(default=list)
    guesses = models.BinaryField()
    uncertain = models.FloatField(help_text="Share of unlabelled tickets the head was not sure of.")
    uncertain_tickets = models.PositiveIntegerField()
    coverage = models.FloatField(help_text="Share of audit tickets the head was sure of.")
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["labels"]

    def __str__(self) -> str:
        return f"{self.labels} labels"
