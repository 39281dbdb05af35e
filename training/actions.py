"""Writes of training: runs, the policy, evaluations, advice. Each is one transaction."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from training import schedule, selectors
from training.costs import cost_record, month_cost  # noqa: F401  part of this app's public face
from training.models import (
    Evaluation,
    ModelVersion,
    RetrainAdvice,
    RetrainDecision,
    RetrainPolicy,
    RunState,
    TrainingRun,
)
from training.registration import encoder_register  # noqa: F401  part of this app's public face
from training.runs import advance as run_advance  # noqa: F401  for those who drive a run to its end themselves
from training.signals import run_changed

SEED = 13


def _nudge(run: TrainingRun) -> None:
    transaction.on_commit(lambda: run_changed.send(sender=TrainingRun, run_id=run.pk))


def hyperparameters_of(policy: RetrainPolicy) -> dict[str, str]:
    """What a run started under this policy hands to the program; every value a string, by contract."""
    return {
        "epochs": str(policy.epochs),
        "max_seconds": str(policy.max_seconds),
        "seed": str(SEED),
    }


def run_start(*, reason: dict[str, Any], requested_by: User | None = None) -> TrainingRun:
    """Plan a training. Raises ``Refused``: run_live (single flight), too_few_services, too_few_labels."""
    counts = selectors.label_counts()
    if len(counts.per_service) < 2:
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


POLICY_FIELDS = (
    "is_active",
    "min_new_labels",
    "minimum_labels",
    "max_age_hours",
    "cron",
    "cooldown_minutes",
    "max_seconds",
    "epochs",
    "max_failures",
    "monthly_cap",
    "advisor_may_veto",
    "audit_target",
)


@transaction.atomic
def policy_update(**changes: Any) -> RetrainPolicy:
    """Change the retrain policy. Raises ``Refused``: bad_schedule, bad_policy."""
    selectors.policy_current()
    policy = RetrainPolicy.objects.select_for_update().get(pk=1)
    for name, value in changes.items():
        if name not in POLICY_FIELDS:
            raise Refused("bad_policy", f"There is no setting {name}.", status=400, field=name)
        setattr(policy, name, value)
    policy_check_fields(policy)
    policy.save()
    return policy


def policy_check_fields(policy: RetrainPolicy) -> None:
    """Refuse a policy that cannot work, with the field at fault."""
    if policy.cron:
        now = timezone.now()
        try:
            schedule.cron_due_since(policy.cron, now, now, settings.INSTALLATION_TIME_ZONE)
        except schedule.BadSchedule as error:
            raise Refused("bad_schedule", str(error), status=400, cron=policy.cron) from error
    try:
        policy.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Refused("bad_policy", f"{field}: {' '.join(messages)}", status=400, field=field) from error


def _veto(advice: RetrainAdvice | None, model: ModelVersion | None) -> schedule.Veto | None:
    """The advice against a training, if it speaks of the model that is current now."""
    if advice is None or not advice.vetoes_training or model is None:
        return None
    figures = advice.params.get("training") or {}
    if figures.get("version") != model.number:
        return None
    shown = {name: figures[name] for name in ("gain", "noise", "worth_from") if figures.get(name) is not None}
    return schedule.Veto("gain_below_noise", figures.get("worth_from"), shown)


def _facts() -> schedule.Facts:
    # Read first: were it read last, a run ending in between would leave old counts and nothing under way.
    is_running = selectors.live_run() is not None
    policy, counts, success = selectors.policy_current(), selectors.label_counts(), selectors.last_success()
    last, model = selectors.last_run(), selectors.current_model()
    return schedule.Facts(
        now=timezone.now(),
        is_active=policy.is_active,
        is_running=is_running,
        labels=counts.total,
        new_labels=counts.since_last,
        services=len(counts.per_service),
        minimum_labels=policy.minimum_labels,
        min_new_labels=policy.min_new_labels,
        max_age_hours=policy.max_age_hours,
        cron=policy.cron,
        cooldown_minutes=policy.cooldown_minutes,
        failures=selectors.failures_in_a_row(),
        max_failures=policy.max_failures,
        last_ended_at=selectors.last_end(),
        last_started_at=last.created_at if last else None,
        last_success_at=success.created_at if success else None,
        veto=_veto(selectors.last_advice(), model) if policy.advisor_may_veto else None,
        unknown_services=len(set(counts.per_service) - set(model.labels)) if model else 0,
        zone=settings.INSTALLATION_TIME_ZONE,
        spent=month_cost(timezone.now()).amount if policy.monthly_cap else 0.0,
        monthly_cap=policy.monthly_cap,
    )


def policy_apply() -> RetrainDecision:
    """Ask the policy, start a training if it says so, and keep what it said when that changed."""
    decision = schedule.decide(_facts())
    run = None
    if decision.starts:
        try:
            run = run_start(reason={"code": decision.code, "params": decision.params})
        except Refused as error:  # somebody else was faster
            decision = schedule.Decision(False, error.code, error.params)
    last = selectors.last_decision()
    if (
        last is not None
        and (last.code, last.starts) == (decision.code, decision.starts)
        and not decision.starts
    ):
        if last.params != decision.params:
            last.params = decision.params
            last.save(update_fields=["params"])
        return last
    return RetrainDecision.objects.create(
        starts=decision.starts, code=decision.code, params=decision.params, run=run
    )


def evaluation_record(
    *, model_version_id: int, fingerprint: str, n: int, metrics: dict[str, Any], data: str = "audit"
) -> Evaluation:
    """Keep what was measured; the same version on the same data is recorded once."""
    evaluation, _ = Evaluation.objects.get_or_create(
        model_version_id=model_version_id,
        data=data,
        fingerprint=fingerprint,
        defaults={
            "n": n,
            "accuracy": metrics.get("accuracy"),
            "macro_f1": metrics.get("macro_f1"),
            "metrics": metrics,
        },
    )
    return evaluation


@transaction.atomic
def advice_push(*, code: str, params: dict[str, Any], vetoes_training: bool = False) -> RetrainAdvice:
    """Take advice from the layer that knows the pool; the same advice again only refreshes its figures.

    ``params["training"]`` says which version (``version``) the advice on training speaks of, what a training would
    gain, against which noise, and from how many new labels (``worth_from``) it is worth it.
    """
    selectors.policy_current()
    RetrainPolicy.objects.select_for_update().get(pk=1)  # two at once: the second sees what the first wrote
    last = selectors.last_advice()
    if last is not None and (last.code, last.vetoes_training) == (code, vetoes_training):
        last.params = params
        last.save(update_fields=["params"])
        return last
    return RetrainAdvice.objects.create(code=code, params=params, vetoes_training=vetoes_training)
