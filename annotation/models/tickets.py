"""Tickets and the truth about them."""

from django.db import models
from django.db.models import F, Q


class TicketStatus(models.TextChoices):
    """Where a ticket stands with people."""

    OPEN = "open", "Open"
    LABELLED = "labelled", "Labelled"
    FLAGGED = "flagged", "Flagged"
    SET_ASIDE = "set_aside", "Set aside"  # none of the services, or two of them


class LabelSource(models.TextChoices):
    """Who said so."""

    PERSON = "person", "A person"
    SIMILAR = "similar", "Same text as one a person labelled"
    IMPORT = "import", "Imported"
    OUTCOME = "outcome", "Moved by the desk"


WEAK_SOURCES = (LabelSource.IMPORT, LabelSource.OUTCOME)
"""Labels that nobody of the house gave: they weigh less in a training, and Check asks about them."""


class TicketOrigin(models.TextChoices):
    """Who wrote the text."""

    CUSTOMER = "customer", "A customer"
    WRITTEN = "written", "An expert, to teach with"


def excerpt(text: str) -> str:
    """The first 120 characters of a ticket's text on one line."""
    line = " ".join(text[:400].split())
    return line if len(line) <= 120 else line[:119] + "…"


class Ticket(models.Model):
    """One customer's message. ``text`` is masked; ``original_text`` is kept only if a setting says so.

    A ``written`` one is no customer's: an expert wrote it for a service. It trains, within a share, and is no more:
    never a control, never put to people, never counted as traffic.

    ``label`` is the resolved label: a copy of what the annotations say, written in the same transaction as
    the annotation. ``round`` counts how often the ticket was put to people anew (undo, relabel).
    ``group`` is the near-duplicate group; ``audit_rank`` is the hash order of the audit reserve (63 bit).
    """

    external_id = models.CharField(max_length=200, unique=True)
    text = models.TextField()
    original_text = models.TextField(blank=True)
    text_hash = models.CharField(max_length=32)
    group = models.CharField(max_length=32)
    language = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=32, blank=True)
    received_at = models.DateTimeField()
    metadata = models.JSONField(default=dict, blank=True)
    masked = models.JSONField(default=dict, blank=True, help_text="How many of each kind were masked.")

    is_audit = models.BooleanField(default=False)
    audit_rank = models.BigIntegerField()

    status = models.CharField(max_length=12, choices=TicketStatus, default=TicketStatus.OPEN)
    label = models.ForeignKey(
        "annotation.Service", null=True, blank=True, on_delete=models.PROTECT, related_name="tickets"
    )
    label_source = models.CharField(max_length=8, choices=LabelSource, blank=True)
    labelled_at = models.DateTimeField(null=True, blank=True)
    round = models.PositiveSmallIntegerField(default=0)
    reopened_at_round = models.PositiveSmallIntegerField(
        default=0, help_text="Decisions of earlier rounds no longer count."
    )

    origin = models.CharField(
        max_length=8, choices=TicketOrigin, default=TicketOrigin.CUSTOMER, db_default="customer"
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="ticket_written_is_no_control",
                condition=~Q(origin="written") | Q(is_audit=False) & ~Q(status="open"),
            ),
            models.CheckConstraint(
                name="ticket_labelled_has_label",
                condition=Q(status="labelled", label__isnull=False, labelled_at__isnull=False)
                | (~Q(status="labelled") & Q(label__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["group"], name="ticket_group"),
            models.Index(fields=["text_hash"], name="ticket_text_hash"),
            models.Index(fields=["received_at", "id"], name="ticket_received"),
            models.Index(fields=["status", "id"], name="ticket_status"),
            models.Index(fields=["label", "id"], name="ticket_written", condition=Q(origin="written")),
            models.Index(fields=["label", "id"], name="ticket_label", condition=Q(label__isnull=False)),
            models.Index(
                fields=["labelled_at"], name="ticket_labelled", condition=Q(labelled_at__isnull=False)
            ),
            models.Index(
                F("audit_rank"), name="ticket_audit_open", condition=Q(is_audit=True, status="open")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.excerpt}"

    @property
    def excerpt(self) -> str:
        """The first 120 characters on one line."""
        return excerpt(self.text)

    @property
    def is_written(self) -> bool:
        """Whether an expert wrote it, and no customer."""
        return self.origin == TicketOrigin.WRITTEN

    @property
    def trains(self) -> bool:
        """Whether this ticket's label may teach a model: audit labels never do."""
        return self.status == TicketStatus.LABELLED and not self.is_audit


class AnswerKey(models.Model):
    """The known service of a ticket of a replay or of the demo; never a label, never shown to annotators."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="answer_key")
    code = models.CharField(
        max_length=64, help_text="A service's code, or empty for none of them.", blank=True
    )

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.code}"
