"""What people decide about who routes: a lead asks, another approves, anyone of them goes back in one step.

What follows from it is done by ``inference.actions.deploying``, from the rows.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from inference import nudges, selectors
from inference.actions import history
from inference.actions.deployments import PRODUCTION, deployment_replace
from inference.actions.evaluations import certificate_spend
from inference.comparison import current
from inference.models import (
    Deployment,
    DeploymentRole,
    HistoryKind,
    Observation,
    ObservationState,
    Promotion,
    PromotionState,
)
from inference.watch.watched import watch_settings
from training import actions as training_actions
from training import selectors as training
from training.models import ModelVersion


def promotion_request(*, observation_id: int, by: User, why: str) -> Promotion:
    """Ask that a sufficient candidate routes. Raises ``Refused``: why_needed, not_found, not_sufficient,
    gate_in_the_way, promotion_under_way.
    """
    if not why.strip():
        raise Refused("why_needed", "Say why: it is kept in the history.", status=400)
    try:
        with transaction.atomic():
            observation = _sufficient(observation_id)
            training.may_be_promoted(observation.candidate).require()
            production = selectors.production()
            made = Promotion.objects.create(
                observation=observation,
                version=observation.candidate,
                former=production.model_version if production else None,
                why=why.strip()[:1000],
                requested_by=by,
            )
            history.note(
                HistoryKind.PROMOTION_REQUESTED,
                by=by,
                why=why,
                version=observation.candidate,
                observation=observation,
                promotion=made.pk,
            )
            transaction.on_commit(nudges.promotions)
            return made
    except IntegrityError as error:
        raise Refused("promotion_under_way", "A promotion is under way already.") from error


def _sufficient(observation_id: int) -> Observation:
    observation = Observation.objects.select_for_update().filter(pk=observation_id).first()
    if observation is None:
        raise Refused("not_found", "There is no such observation.", status=404)
    if observation.state != ObservationState.SUFFICIENT or observation.ended_at is not None:
        raise Refused("not_sufficient", "The verdict is not that this candidate is sufficient.")
    return observation


@transaction.atomic
def promotion_approve(*, promotion_id: int, by: User) -> Promotion:
    """Let it route. Raises ``Refused``: not_found, rollback_not_rehearsed, promotion_over, needs_second_person (four
    eyes are set, and this person asked for it), not_sufficient (the verdict was taken back meanwhile), gate_in_the_way.

    Its certificate is asked for now, which spends audit labels: if nothing is certified the promotion fails, and that
    is kept, so that nobody asks until the answer is yes.
    """
    promotion = _locked(promotion_id)
    if promotion.state in (PromotionState.CANARY, PromotionState.DEPLOYING):
        return promotion
    if promotion.state == PromotionState.REHEARSING:
        raise Refused("rollback_not_rehearsed", "The way back has not been rehearsed yet.")
    four_eyes = current.four_eyes()
    if four_eyes and promotion.requested_by_id == by.pk:
        raise Refused("needs_second_person", "Another lead has to approve what you asked for.", status=403)
    _sufficient(promotion.observation_id)
    training.may_be_promoted(promotion.version).require()
    if not _is_certified(promotion.version, by):
        promotion_fail(promotion, "not certified", by=by)
        return promotion
    share = _canary_share(promotion)
    promotion.state = PromotionState.DEPLOYING if share is None else PromotionState.CANARY
    promotion.canary_share, promotion.was_four_eyes = share, four_eyes
    promotion.approved_by, promotion.approved_at = by, timezone.now()
    promotion.save(update_fields=["state", "canary_share", "was_four_eyes", "approved_by", "approved_at"])
    history.note(
        HistoryKind.PROMOTION_APPROVED,
        by=by,
        version=promotion.version,
        observation=promotion.observation,
        four_eyes=four_eyes,
        promotion=promotion.pk,
    )
    asked = promotion.requested_by.username if promotion.requested_by else "somebody"
    training_actions.approval_note(
        version=promotion.version,
        approved=True,
        reason=f"promotion asked for by {asked}: {promotion.why}",
        by=by,
    )
    transaction.on_commit(nudges.promotions)
    return promotion


def _canary_share(promotion: Promotion) -> float | None:
    """What it routes first; None where no canary is wanted, or nothing else routes that could have the rest."""
    share = watch_settings().canary_share
    return share if 0.0 < share < 1.0 and selectors.production() is not None else None


def _is_certified(version: ModelVersion, by: User) -> bool:
    """Whether the certificate in force, asked for now unless there is one, lets this version route anything."""
    known = training.certificate_in_force(version) or certificate_spend(model_version=version, by=by)
    return known is not None and known.certificate.threshold is not None


@transaction.atomic
def promotion_withdraw(*, promotion_id: int, by: User, why: str = "") -> Promotion:
    """Take a request back, turn it down, or end its canary. Raises ``Refused``: not_found, promotion_over,
    promotion_deploying.
    """
    promotion = _locked(promotion_id)
    if promotion.state == PromotionState.DEPLOYING:
        raise Refused("promotion_deploying", "It was approved and is being deployed: roll back afterwards.")
    promotion_end(promotion, PromotionState.WITHDRAWN)
    history.note(
        HistoryKind.PROMOTION_WITHDRAWN,
        by=by,
        why=why,
        version=promotion.version,
        observation=promotion.observation,
        promotion=promotion.pk,
    )
    transaction.on_commit(nudges.promotions)
    return promotion


def _locked(promotion_id: int) -> Promotion:
    rows = Promotion.objects.select_for_update(of=("self",)).select_related("version", "observation")
    promotion = rows.filter(pk=promotion_id).first()
    if promotion is None:
        raise Refused("not_found", "There is no such promotion.", status=404)
    if promotion.ended_at is not None:
        raise Refused("promotion_over", "This promotion is over.")
    return promotion


def promotion_end(promotion: Promotion, state: PromotionState, trouble: str = "") -> None:
    """Close a locked promotion, and its canary with it."""
    Deployment.objects.filter(role=DeploymentRole.CANARY, ended_at=None).update(
        ended_at=timezone.now(), state="replaced"
    )
    promotion.state, promotion.trouble, promotion.ended_at = state, trouble[:1024], timezone.now()
    promotion.save(update_fields=["state", "trouble", "ended_at"])


def promotion_fail(promotion: Promotion, trouble: str, by: User | None = None, **params: Any) -> None:
    """Close a locked promotion that cannot be carried out, and say so in the history."""
    promotion_end(promotion, PromotionState.FAILED, trouble)
    history.note(
        HistoryKind.PROMOTION_FAILED,
        by=by,
        why=trouble,
        version=promotion.version,
        observation=promotion.observation,
        promotion=promotion.pk,
        **params,
    )


@transaction.atomic
def production_rollback(
    *, by: User | None, why: str, only: Deployment | None = None, found: dict[str, Any] | None = None
) -> Deployment | None:
    """Go back to the version that routed before, in one step; None when there is none: people get everything.

    It holds from this moment: until the endpoint has changed, answers of the version left behind escalate. A canary
    ends with it. ``only``:
    not if another deployment routes by now. ``found``: the code and figures of what a machine saw, for the history.
    Raises ``Refused``: why_needed, nothing_in_production, overtaken, promotion_deploying.
    """
    if not why.strip():
        raise Refused("why_needed", "Say why: it is kept in the history.", status=400)
    live = (
        Deployment.objects.select_for_update().filter(role=DeploymentRole.PRODUCTION, ended_at=None).first()
    )
    if live is None:
        raise Refused("nothing_in_production", "No version routes: everything goes to people.")
    if only is not None and live.pk != only.pk:
        raise Refused("overtaken", "Another version routes by now.")
    if Promotion.objects.filter(state=PromotionState.DEPLOYING).exists():
        raise Refused("promotion_deploying", "A promotion is being deployed: wait for its end.")
    canary = Promotion.objects.select_for_update().filter(state=PromotionState.CANARY).first()
    if canary is not None:
        promotion_fail(canary, "what routed beside it was rolled back", by=by)
    back = current.way_back()
    live.state, live.ended_at, live.reason = "rolled_back", timezone.now(), why.strip()
    live.save(update_fields=["state", "ended_at", "reason"])
    made = None
    if back is not None:
        made = deployment_replace(back, DeploymentRole.PRODUCTION, PRODUCTION, by)
    history.note(
        HistoryKind.ROLLED_BACK,
        by=by,
        why=why,
        version=live.model_version,
        deployment=made or live,
        back_to=back.number if back else None,
        **({"found": found} if found else {}),
    )
    training_actions.approval_note(
        version=live.model_version, approved=False, reason=f"rolled back: {why}", by=by
    )
    transaction.on_commit(nudges.promotions)
    return made
