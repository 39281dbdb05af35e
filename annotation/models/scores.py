"""What the ranking layer pushed about each ticket of the pool: two scores and the head's two best services.

There are two slots; the writer fills the one nobody reads and then moves the pointer
(``annotation.actions.scores_replace``), so a page never sees half a generation.
"""

from django.db import models

from annotation.models.services import Service
from annotation.models.tickets import Ticket


class ScoreGeneration(models.Model):
    """One ranking of the whole pool. The newest row with ``is_current`` is the pointer."""

    slot = models.PositiveSmallIntegerField()
    is_current = models.BooleanField(default=False)
    tickets = models.PositiveIntegerField(default=0)
    labels_used = models.PositiveIntegerField(default=0)
    last_annotation_id = models.BigIntegerField(default=0, help_text="Newest annotation the head has seen.")
    encoder = models.CharField(max_length=16, blank=True)
    seconds = models.FloatField(default=0, help_text="Refit and ranking together.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_current"],
                condition=models.Q(is_current=True),
                name="score_generation_one_current",
            )
        ]

    def __str__(self) -> str:
        return f"generation {self.pk} (slot {self.slot})"


class TicketScore(models.Model):
    """Scores of one ticket in one slot. Both scores lie in [0, 1]; higher = more uncertain, more unusual.

    The table is partitioned by slot, so that emptying the idle slot is a TRUNCATE, and not logged, since it is
    written anew after every few labels (after a crash it is empty until the next ranking). For the same
    reason nothing in it is a foreign key: rows of erased tickets are never read, as readers start from tickets.
    Readers name the slot as a constant (``annotation.selectors.scores_slot``), so only its partition is touched.
    """

    pk = models.CompositePrimaryKey("slot", "ticket_id")
    slot = models.PositiveSmallIntegerField()
    ticket = models.ForeignKey(
        Ticket, on_delete=models.DO_NOTHING, related_name="scores", db_constraint=False, db_index=False
    )
    uncertainty = models.FloatField()
    outlier = models.FloatField()
    service = models.ForeignKey(
        Service, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    probability = models.FloatField(null=True)
    second_service = models.ForeignKey(
        Service, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    second_probability = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["slot", "uncertainty", "ticket"], name="score_uncertainty"),
            models.Index(fields=["slot", "outlier", "ticket"], name="score_outlier"),
            models.Index(fields=["slot", "service", "ticket"], name="score_service"),
        ]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id}: {self.uncertainty:.2f} / {self.outlier:.2f}"
