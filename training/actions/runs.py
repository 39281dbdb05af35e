"""Plans, stops and repeats trainings."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from training import selectors
from training.models import DatasetSnapshot, RetrainPolicy, RunState, TrainingRun
from training.signals import run_changed

SEED = 13


def _nudge(run: TrainingRun) -> None:
    transaction.on_commit(lambda: run_changed.send(sender=TrainingRun, run_id=run.pk))


def hyperparameters_of(policy: RetrainPolicy) -> dict[str, str]:
    """What a run started under this policy hands to the program; every value a string, by contract."""
    told = {"epochs": str(policy.epochs), "max_seconds": str(policy.max_seconds), "seed": str(SEED)}
    # Only what the installation asks for: a container from before there was noise knows none of these.
    return told | {name: f"{value:g}" for name, value in settings.TRAIN_NOISE.items() if value}


def run_start(
    *, reason: dict[str, Any], requested_by: User | None = None, snapshot: DatasetSnapshot | None = None
) -> TrainingRun:
    """Plan a training, on the labels there are when it starts or on an earlier snapshot.

    Raises ``Refused``: run_live (single flight), too_few_services.
    """
    counts = selectors.label_counts()
    if snapshot is None and len(counts.per_service) < 2:
        raise Refused(
            "too_few_services",
            "A training needs labels of two services.",
            have=len(counts.per_service),
            needed=2,
        )
    policy = selectors.policy_current()
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                snapshot=snapshot,
                reason=reason,
                requested_by=requested_by,
                hyperparameters=hyperparameters_of(policy),
                base_model=settings.BASE_MODEL,
                is_demo=settings.DEMO,
            )
            _nudge(run)
    except IntegrityError as error:
        raise Refused("run_live", "A training is under way; only one runs at a time.") from error
    return run


@transaction.atomic
def run_cancel(*, run_id: int) -> TrainingRun:
    """Ask a run to stop; asking twice is the same. Raises ``Refused``: not_found, run_ended."""
    run = TrainingRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise Refused("not_found", "There is no such run.", status=404)
    if not run.is_live:
        raise Refused("run_ended", "This run has already ended.", state=run.state)
    if run.cancel_requested_at is None:
        run.cancel_requested_at = timezone.now()
        run.save(update_fields=["cancel_requested_at"])
    _nudge(run)
    return run


def run_retry(*, run_id: int, requested_by: User | None = None) -> TrainingRun:
    """Try an ended run again on the same snapshot: a new attempt, a new job name and prefix.

    The base model is the one set now: a wrong path may be why the last attempt failed.

    Raises ``Refused``: not_found, run_not_retryable, run_live.
    """
    try:
        with transaction.atomic():
            run = TrainingRun.objects.select_for_update().filter(pk=run_id).first()
            if run is None:
                raise Refused("not_found", "There is no such run.", status=404)
            if not run.can_retry:
                raise Refused(
                    "run_not_retryable", "Only a failed or stopped run can be tried again.", state=run.state
                )
            run.attempt += 1
            run.state = RunState.PLANNED
            run.base_model = settings.BASE_MODEL
            run.requested_by = requested_by or run.requested_by
            run.cancel_requested_at = run.started_at = run.ended_at = run.observed_at = run.progress = None
            run.job_name = run.spec_hash = run.failure_code = run.failure_reason = ""
            run.sub_state = run.phase = run.log_tail = run.log_url = run.artifact_uri = ""
            run.save()
            _nudge(run)
    except IntegrityError as error:
        raise Refused("run_live", "A training is under way; only one runs at a time.") from error
    return run
