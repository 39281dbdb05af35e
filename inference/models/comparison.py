"""A candidate observed on live tickets beside the baseline, and what people said of the two answers."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotation.models import Annotation, Service, Ticket
from inference.models.routing import BaselineKind, RoutingDecision
from ml.certify import Costs
from ml.verdict import Terms
from training.models import ModelVersion, PrecisionCertificate


class ObservationState(models.TextChoices):
    """Where an observation stands. The last three are over."""

    RUNNING = "running", "Running"
    SUFFICIENT = "sufficient", "Sufficient: waits for its promotion"
    INSUFFICIENT = "insufficient", "Insufficient"
    PROMOTED = "promoted", "Promoted"
    STOPPED = "stopped", "Stopped by a person"


class Observation(models.Model):
    """One candidate beside one baseline. At most one is under way (``ended_at`` null).

    ``share`` of the routed tickets is mirrored, drawn by a hash of ``salt`` and the ticket's external id; audit tickets
    never are. Of the agreements ``slice`` is judged, drawn the same way. ``terms``, costs, slice and salt never change:
    what is looked for must not depend on what was seen. ``verdict`` is what ``inference.comparing`` last said.
    """

    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="observations")
    certificate = models.ForeignKey(
        PrecisionCertificate, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    baseline = models.CharField(max_length=8, choices=BaselineKind)
    baseline_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    share = models.FloatField(help_text="Of the routed tickets, mirrored to the candidate.")
    slice = models.FloatField(help_text="The chance with which an agreement is judged.")
    salt = models.CharField(max_length=64)
    terms = models.JSONField(default=dict, help_text="ml.verdict.Terms")
    escalation_minutes = models.FloatField(default=1.0)
    misroute_minutes = models.FloatField(default=10.0)
    state = models.CharField(max_length=12, choices=ObservationState, default=ObservationState.RUNNING)
    verdict = models.JSONField(default=dict, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(ended_at__isnull=True), name="observation_single_flight"
            ),
            models.CheckConstraint(
                name="observation_shares",
                condition=Q(share__gte=0, share__lte=1, slice__gt=0, slice__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} beside {self.get_baseline_display()}"

    @property
    def asked(self) -> Terms:
        """What is asked of the candidate."""
        return Terms(**self.terms)

    @property
    def costs(self) -> Costs:
        """Minutes of people."""
        return Costs(escalation=self.escalation_minutes, misroute=self.misroute_minutes)


class MirrorState(models.TextChoices):
    """What became of a mirrored ticket."""

    WAITING = "waiting", "Waits for the candidate's answer"
    COMPARED = "compared", "Both answers are here"
    FAILED = "failed", "The candidate did not answer: not compared"


class MirroredTicket(models.Model):
    """A routed ticket that the candidate is shown too. A service, or null: a person is asked.

    ``probability``: with which a ticket like this one is judged, 1 where the two differ. ``is_due``: it is to be.
    ``candidate_first``: the order in which a reviewer sees the answers, drawn once. ``candidate_is_right`` and
    the fields after it copy the standing judgement, written in its transaction.
    """

    observation = models.ForeignKey(Observation, on_delete=models.CASCADE, related_name="mirrored")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="mirrored")
    decision = models.ForeignKey(RoutingDecision, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=MirrorState, default=MirrorState.WAITING)
    baseline_service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    candidate_service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    candidate_suggested = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="+")
    candidate_reason = models.CharField(max_length=20, blank=True)
    candidate_confidence = models.FloatField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    compared_at = models.DateTimeField(null=True)

    probability = models.FloatField(default=0.0)
    is_due = models.BooleanField(default=False)
    candidate_first = models.BooleanField(default=False)
    lease = models.UUIDField(null=True, unique=True)
    leased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    leased_until = models.DateTimeField(null=True)

    candidate_is_right = models.BooleanField(null=True)
    baseline_is_right = models.BooleanField(null=True)
    truth = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["observation", "ticket"], name="mirrored_once"),
            models.CheckConstraint(
                name="mirrored_judged_whole",
                condition=Q(
                    judged_at__isnull=True, candidate_is_right__isnull=True, baseline_is_right__isnull=True
                )
                | Q(
                    judged_at__isnull=False, candidate_is_right__isnull=False, baseline_is_right__isnull=False
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["observation", "id"], name="mirrored_waiting", condition=Q(state="waiting")),
            models.Index(
                fields=["observation", "id"],
                name="mirrored_due",
                condition=Q(is_due=True, judged_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id}: {self.candidate_service_id} beside {self.baseline_service_id}"

    @property
    def agrees(self) -> bool:
        return self.candidate_service_id == self.baseline_service_id

    @property
    def answers(self) -> tuple[int | None, int | None]:
        """The two answers in the order in which they are shown: service ids, None for a person."""
        pair = (self.candidate_service_id, self.baseline_service_id)
        return pair if self.candidate_first else (pair[1], pair[0])


DIFFERENT = ~Q(candidate_service=F("baseline_service")) & ~Q(
    candidate_service__isnull=True, baseline_service__isnull=True
)
"""Where the two answers differ; for SQL, which does not call two nulls equal."""


class JudgementChoice(models.TextChoices):
    """Which of the two answers shown is right."""

    FIRST = "first", "The first"
    SECOND = "second", "The second"
    BOTH = "both", "Both"
    NEITHER = "neither", "Neither"
    UNCLEAR = "unclear", "Cannot be told"
    UNDO = "undo", "Undo"


class Judgement(models.Model):
    """One reviewer's blind decision about a pair. Rows are never changed; an undo is another row.

    ``service``: the right one as far as the decision names it. ``annotation``: the label it gave the ticket, which is
    marked by this link: it may train, and is no audit label.
    """

    mirrored = models.ForeignKey(MirroredTicket, on_delete=models.CASCADE, related_name="judgements")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="judgements"
    )
    choice = models.CharField(max_length=8, choices=JudgementChoice)
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField(null=True, unique=True, help_text="The client's idempotency key.")
    undoes = models.OneToOneField("self", null=True, on_delete=models.CASCADE, related_name="undone_by")
    annotation = models.OneToOneField(
        Annotation, null=True, on_delete=models.SET_NULL, related_name="judgement"
    )
    duration_ms = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["reviewer", "-id"], name="judgement_by_reviewer")]
        constraints = [
            models.CheckConstraint(
                name="judgement_undo_fits",
                condition=Q(choice="undo", undoes__isnull=False)
                | (~Q(choice="undo") & Q(undoes__isnull=True)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.choice} on {self.mirrored_id}"
