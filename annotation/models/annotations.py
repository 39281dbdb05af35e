"""The append-only record of what people decided."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.queue import Lane, Mode
from annotation.models.services import Service
from annotation.models.tickets import Ticket


class AnnotationKind(models.TextChoices):
    """One decision."""

    LABEL = "label", "Label"
    NONE = "none", "None of these"
    TWO = "two", "Two services"
    SKIP = "skip", "Skip"
    FLAG = "flag", "Flag"
    UNDO = "undo", "Undo"


class Annotation(models.Model):
    """One decision of one person on one ticket in one round. Rows are never changed; an undo is another row.

    What was served with the ticket is kept beside the decision (lane, scores, suggestion, the probability
    of having been drawn), so that any later estimate can be weighted. ``source_annotation`` marks a copy
    made because the text was the same. A null annotator is an import.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="annotations")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="annotations"
    )
    round = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=6, choices=AnnotationKind)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="annotations"
    )
    second_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=1000, blank=True)
    mode = models.CharField(max_length=6, choices=Mode)
    key = models.UUIDField(null=True, blank=True, unique=True, help_text="The client's idempotency key.")
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="undone_by"
    )
    source_annotation = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="copies"
    )

    lane = models.CharField(max_length=8, choices=Lane, blank=True)
    sampling_probability = models.FloatField(null=True, blank=True)
    uncertainty = models.FloatField(null=True, blank=True)
    outlier = models.FloatField(null=True, blank=True)
    suggested_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    suggested_probability = models.FloatField(null=True, blank=True)
    generation = models.BigIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "annotator", "round"],
                condition=~Q(kind="undo") & Q(source_annotation__isnull=True),
                name="annotation_once_a_round",
            ),
            models.CheckConstraint(
                name="annotation_kind_fits",
                condition=Q(
                    kind="label", service__isnull=False, second_service__isnull=True, undoes__isnull=True
                )
                | Q(kind="two", service__isnull=False, second_service__isnull=False, undoes__isnull=True)
                | Q(kind__in=["none", "skip", "flag"], service__isnull=True, undoes__isnull=True)
                | Q(kind="undo", undoes__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["annotator", "-id"], name="annotation_by_person"),
            models.Index(fields=["ticket", "-id"], name="annotation_by_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} on ticket {self.ticket_id}"
