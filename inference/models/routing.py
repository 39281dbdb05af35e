"""Live tickets: what was decided about each, who is still waited for, and what the desk made of it in the end."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models import Annotation, Service, Ticket
from inference.models.deployments import Deployment
from training.models import ModelVersion, PrecisionCertificate


class EscalationReason(models.TextChoices):
    """Why a ticket was given to a person."""

    HELD = "held", "Held back"
    NOT_CERTIFIED = "not_certified", "Not certified"
    OUT_OF_SCOPE = "out_of_scope", "Unlike anything known"
    UNCERTAIN = "uncertain", "Uncertain"
    MODEL_UNAVAILABLE = "model_unavailable", "The model did not answer in time"


class BaselineKind(models.TextChoices):
    """What routes today, and is compared with."""

    PEOPLE = "people", "People"
    RULES = "rules", "Keyword rules"
    EXTERNAL = "external", "Another router, whose decision comes with the call"
    MODEL = "model", "The model in production"


class RoutingSettings(models.Model):
    """The one row of settings of the routing."""

    baseline = models.CharField(max_length=8, choices=BaselineKind, default=BaselineKind.PEOPLE)

    class Meta:
        verbose_name = verbose_name_plural = "routing settings"
        constraints = [models.CheckConstraint(name="routing_settings_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"baseline: {self.get_baseline_display()}"


class KeywordRule(models.Model):
    """Words that send a ticket to a service; the first rule by ``position`` that hits decides.

    A rule hits when one of ``words`` is in the masked text and none of ``unless`` is: whole words or phrases, without
    regard to case or accents (``inference.routing.rules``).
    """

    position = models.PositiveIntegerField(default=0)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+")
    words = models.JSONField(default=list, help_text='A list: ["refund", "money back"].')
    unless = models.JSONField(default=list, blank=True, help_text="Not if one of these is there.")
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.words))[:60]} → {self.service}"


class RoutingHold(models.Model):
    """While it lasts, everything for a service (null: for all of them) is escalated. Rows are kept as history."""

    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(
        max_length=300, help_text="Shown to leads: drift, a rollback, a change of the range…"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="routing_hold_one_a_service",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service or 'everything'}: {self.reason}"


class RoutingDecision(models.Model):
    """What the routing answered about one ticket. Written once, never changed but for ``vector``.

    ``service`` is null when a person has to decide; ``reason`` is then the first of ``reasons``, and ``detail`` says
    more about a model that did not answer. ``score`` was held against ``threshold``, both of the certificate in force.
    ``baseline_service``: what ``baseline`` would have done, null where it leaves the ticket to people.
    ``vector`` and ``probabilities`` (little-endian float32) wait to be loaded beside those of the pool.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="routing")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=20, choices=EscalationReason, blank=True)
    reasons = models.JSONField(default=list)
    detail = models.CharField(max_length=40, blank=True)
    suggested = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="+")
    confidence = models.FloatField(null=True)
    band = models.CharField(max_length=10, blank=True)
    score = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    outlier = models.FloatField(null=True)
    candidates = models.JSONField(default=list, help_text="[[service id, probability], …], best first.")
    deployment = models.ForeignKey(Deployment, null=True, on_delete=models.SET_NULL, related_name="+")
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="+")
    certificate = models.ForeignKey(
        PrecisionCertificate, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    baseline = models.CharField(max_length=8, choices=BaselineKind, default=BaselineKind.PEOPLE)
    baseline_service = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="+")
    text_hash = models.CharField(max_length=32, help_text="Of the masked text that was decided about.")
    vector = models.BinaryField(null=True)
    probabilities = models.BinaryField(null=True)
    latency_ms = models.PositiveIntegerField(help_text="From the call's arrival to the decision.")
    decided_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="routing_routed_or_escalated",
                condition=Q(service__isnull=False, reason="") | (Q(service__isnull=True) & ~Q(reason="")),
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="routing_vector_waits", condition=Q(vector__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id}: {self.service_id or self.reason}"

    @property
    def is_routed(self) -> bool:
        return self.service_id is not None


class EscalationState(models.TextChoices):
    """Whether somebody still waits."""

    WAITING = "waiting", "A customer is waiting"
    ANSWERED = "answered", "Answered by a person"
    CLOSED = "closed", "The desk decided by itself"


class Escalation(models.Model):
    """A live ticket that a person has to decide about, until somebody has.

    Answered from the annotations (``annotation.selectors.decisions_on``): ``kind`` is label, two or none. A corrected
    answer raises ``revision``. ``webhook_due_at`` is when the answer is to be sent next; null: nothing is to be sent.
    """

    decision = models.OneToOneField(
        RoutingDecision, primary_key=True, on_delete=models.CASCADE, related_name="escalation"
    )
    state = models.CharField(max_length=8, choices=EscalationState, default=EscalationState.WAITING)
    opened_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=6, blank=True)
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    second_service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    annotation = models.ForeignKey(
        Annotation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revision = models.PositiveSmallIntegerField(default=0)
    webhook_due_at = models.DateTimeField(null=True, blank=True)
    webhook_attempts = models.PositiveSmallIntegerField(default=0)
    webhook_said = models.CharField(
        max_length=200, blank=True, help_text="How the last try to send it ended."
    )

    class Meta:
        ordering = ["opened_at"]
        indexes = [
            models.Index(fields=["opened_at"], name="escalation_waiting", condition=Q(state="waiting")),
            models.Index(
                fields=["webhook_due_at"], name="escalation_due", condition=Q(webhook_due_at__isnull=False)
            ),
            models.Index(fields=["-answered_at"], name="escalation_answered", condition=Q(state="answered")),
        ]

    def __str__(self) -> str:
        return f"ticket {self.decision.ticket_id}: {self.state}"


class Outcome(models.Model):
    """Where the desk says a ticket ended up. ``is_moved``: elsewhere than it had been sent to."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="outcome")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    sent_to = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="+")
    is_moved = models.BooleanField()
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(help_text="When the desk says it was so.")
    told_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id}: {self.service}"
