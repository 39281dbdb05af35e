"""The retrain policy: what people set, what it decides, and the advice it listens to."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from training import schedule, selectors
from training.actions.runs import run_start
from training.costs import month_cost
from training.models import ModelVersion, RetrainAdvice, RetrainDecision, RetrainPolicy

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
