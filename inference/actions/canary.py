"""A canary: an approved version routes a share of the tickets first, drawn by their external ids; the former the rest.

It has an endpoint and a deployment of its own, so what it did is told apart by its rows. It passes after so many
tickets, or after some minutes; then the endpoint of production takes it, and its share goes on until that is done. What
a watch would send back ends the promotion instead: what routed before never stopped, and takes the share again.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from inference import nudges
from inference.actions import history
from inference.actions.alarms import alarm_raise
from inference.actions.deployments import deployment_replace
from inference.actions.promotions import promotion_fail
from inference.comparison import current
from inference.models import AlarmKind, Deployment, DeploymentRole, HistoryKind, Promotion, PromotionState
from inference.watch import evidence, finding
from inference.watch.finding import Found
from inference.watch.watched import watch_settings
from training import selectors as training

log = logging.getLogger(__name__)

CANARY = "canary"
FEWEST_CALLS = 10


@transaction.atomic
def canary_step(promotion: Promotion, now: datetime | None = None) -> None:
    """Begin it, end it, or let it go on: the endpoint answers. One transaction under the promotion's lock."""
    now = now or timezone.now()
    locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
    if locked.state != PromotionState.CANARY:
        return
    live = current.deployment(DeploymentRole.CANARY)
    if live is None:
        _begin(locked)
    elif (found := _found(live, now)) is not None:
        promotion_fail(locked, found.why, found=found.to_dict())
        alarm_raise(AlarmKind.CANARY_STOPPED, version=locked.version.number, found=[found.to_dict()])
        log.warning("the canary of version %s: %s", locked.version.number, found.why)
    elif _is_enough(live, now):
        locked.state = PromotionState.DEPLOYING
        locked.canary_passed_at = now
        locked.save(update_fields=["state", "canary_passed_at"])
        transaction.on_commit(nudges.promotions)


def _begin(promotion: Promotion) -> None:
    made = deployment_replace(promotion.version, DeploymentRole.CANARY, CANARY, promotion.approved_by)
    Deployment.objects.filter(pk=made.pk).update(state="in_service")
    history.note(
        HistoryKind.CANARY_STARTED,
        by=promotion.approved_by,
        version=promotion.version,
        observation=promotion.observation,
        deployment=made,
        share=promotion.canary_share,
        promotion=promotion.pk,
    )


def _found(live: Deployment, now: datetime) -> Found | None:
    asked = watch_settings()
    calls = finding.in_calls(evidence.calls(live.pk, live.started_at, now), asked, FEWEST_CALLS)
    certificate = training.certificate_in_force(live.model_version)
    if calls is not None or certificate is None:
        return calls
    seen = evidence.seen(live.pk, live.started_at, now, asked.silence_hours)
    return finding.in_outcomes(seen, certificate.certificate.precision, asked.alpha, asked.fewest)


def _is_enough(live: Deployment, now: datetime) -> bool:
    asked = watch_settings()
    if now >= live.started_at + timedelta(minutes=asked.canary_minutes):
        return True
    return evidence.decided(live.pk) >= asked.canary_tickets
