"""Reads about runs, labels, the current version and the retrain policy."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, Max, OuterRef, QuerySet

from annotation.models import Ticket, TicketStatus
from annotation.written import real_labelled
from training.models import (
    DatasetSnapshot,
    ModelVersion,
    RetrainAdvice,
    RetrainDecision,
    RetrainPolicy,
    RunState,
    SnapshotRow,
    TrainingRun,
)
from training.models.runs import ENDED_STATES, LIVE_STATES
from training.selectors.evaluations import latest_evaluation


@dataclass(frozen=True)
class LabelCounts:
    """Labels that may train (audit labels never do).

    ``since_last`` is exact: labels that the last successful run's snapshot does not hold with the same
    service. ``needed`` is how many of them start a training: the policy's figure, or the minimum before the
    first training.
    """

    total: int
    since_last: int
    needed: int
    per_service: dict[str, int]


def policy_current() -> RetrainPolicy:
    """The one policy row; made with the defaults the first time it is asked for."""
    return RetrainPolicy.objects.get_or_create(pk=1)[0]


def live_run() -> TrainingRun | None:
    """The run under way: there is at most one."""
    return TrainingRun.objects.filter(state__in=LIVE_STATES).select_related("snapshot").first()


def is_at_work(run_id: int) -> bool:
    """Whether this run's job is on the backend, so that there is something to watch."""
    return TrainingRun.objects.filter(pk=run_id, state__in=(RunState.RUNNING, RunState.STOPPING)).exists()


def last_run() -> TrainingRun | None:
    """The newest run, whatever its state."""
    return TrainingRun.objects.select_related("snapshot").first()


def last_success() -> TrainingRun | None:
    """The newest run that gave a model."""
    return TrainingRun.objects.filter(state=RunState.SUCCEEDED).select_related("snapshot").first()


def last_end() -> datetime | None:
    """When a run last ended; a retried one may be older than the newest."""
    return TrainingRun.objects.aggregate(at=Max("ended_at"))["at"]


def failures_in_a_row() -> int:
    """How many runs ended badly since the last one that gave a model; a person's stop does not count."""
    count = 0
    for state in TrainingRun.objects.filter(state__in=ENDED_STATES).values_list("state", flat=True)[:50]:
        if state == RunState.SUCCEEDED:
            break
        count += state in (RunState.FAILED, RunState.TIMED_OUT)
    return count


def trainable_tickets() -> QuerySet[Ticket]:
    """Customers' tickets whose label may teach a model.

    Written ones may too, within a share of these (``annotation.written``), but never bring a training about.
    """
    return real_labelled()


def _held_by(snapshot: DatasetSnapshot) -> Exists:
    same = SnapshotRow.objects.filter(snapshot=snapshot, ticket=OuterRef("pk"), code=OuterRef("label__code"))
    return Exists(same)


def label_counts() -> LabelCounts:
    """Count what a training now would learn from, and how much of it is new."""
    policy = policy_current()
    tickets = trainable_tickets()
    per_service = Counter(tickets.order_by().values_list(F("label__code"), flat=True))
    total = sum(per_service.values())
    success = last_success()
    if success is None or success.snapshot is None:
        return LabelCounts(total, total, policy.minimum_labels, dict(per_service))
    new = tickets.exclude(_held_by(success.snapshot)).count()
    return LabelCounts(total, new, policy.min_new_labels, dict(per_service))


def runs() -> QuerySet[TrainingRun]:
    """All runs, newest first, with what a list shows."""
    return TrainingRun.objects.select_related("snapshot", "model_version", "requested_by")


def current_model() -> ModelVersion | None:
    """The newest classifier."""
    return ModelVersion.objects.filter(kind="classifier").first()


@dataclass(frozen=True)
class AuditStanding:
    """Control tickets: how many have their label, how many there are, and what the current model got right of them."""

    labelled: int
    reserve: int
    accuracy: float | None


def audit_standing() -> AuditStanding:
    """Read it: two counts and the newest evaluation."""
    reserve = Ticket.objects.filter(is_audit=True)
    model = current_model()
    evaluation = latest_evaluation(model) if model else None
    return AuditStanding(
        reserve.filter(status=TicketStatus.LABELLED).count(),
        reserve.count(),
        evaluation.accuracy if evaluation else None,
    )


def last_decision() -> RetrainDecision | None:
    """What the policy last said."""
    return RetrainDecision.objects.first()


def last_advice() -> RetrainAdvice | None:
    """What the layer that knows the pool last advised."""
    return RetrainAdvice.objects.first()
