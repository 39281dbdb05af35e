"""Promotions and production, step by step. Each step is found again from the rows after a crash.

1. A promotion that was asked for: what routes now is started anew on an endpoint of its own, and has to answer. 2. An
approved one may route a share first (``inference.actions.canary``). 3. The endpoint takes the candidate while the
former still routes by its row. 4. The row changes when the endpoint answers with the new version. Until both say the
same, the routing escalates what the wrong version answers.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from compute.port import ComputeBackend, ComputeError, EndpointObservation, EndpointSpec
from inference import nudges
from inference.actions import history
from inference.actions.canary import CANARY, canary_step
from inference.actions.deployments import PRODUCTION, deployment_replace, production_ensure
from inference.actions.promotions import promotion_end, promotion_fail
from inference.comparison import current
from inference.models import (
    DeploymentRole,
    HistoryKind,
    Observation,
    ObservationState,
    Promotion,
    PromotionState,
)
from ml.schema import SchemaError, TransformOutput
from training.models import ModelVersion

log = logging.getLogger(__name__)

REHEARSAL = "rehearsal"
REHEARSAL_TEXT = "Where is my parcel?"
REHEARSAL_SECONDS = 20.0
GIVE_UP_SECONDS = 1800
SETTLE_SECONDS = 3
"""What an endpoint says so soon after a wish may still be about the wish before it."""
UPDATING = "updating"
"""What a backend says of an endpoint that still serves the former artifact while it takes the new one."""


def promotions_drive(*, backend: ComputeBackend) -> None:
    """What beat does. Trouble with the backend is said and tried again at the next look."""
    promotion = current.promotion()
    try:
        if promotion is None or promotion.state != PromotionState.REHEARSING:
            backend.delete_endpoint(REHEARSAL)
        if promotion is None or promotion.state not in (PromotionState.CANARY, PromotionState.DEPLOYING):
            backend.delete_endpoint(CANARY)
        if promotion is not None and promotion.state == PromotionState.REHEARSING:
            _rehearse(promotion, backend)
        elif promotion is not None and promotion.state == PromotionState.DEPLOYING:
            _deploy(promotion, backend)
        elif promotion is not None and promotion.state == PromotionState.CANARY:
            production_ensure(backend=backend)
            _canary(promotion, backend)
        else:
            production_ensure(backend=backend)
    except ComputeError as error:
        log.warning("promotion: %s", error)


def _wish(endpoint: str, version: ModelVersion, backend: ComputeBackend) -> tuple[EndpointObservation, bool]:
    """Wish that an endpoint takes a version; what is seen of it, and whether it answers with the version."""
    backend.put_endpoint(EndpointSpec(name=endpoint, artifact_uri=version.artifact_uri))
    seen = backend.observe_endpoint(endpoint)
    return seen, seen.state == "in_service" and seen.artifact_uri == version.artifact_uri


def _rehearse(promotion: Promotion, backend: ComputeBackend) -> None:
    """Start what routes now anew, and let it answer; a first version goes back to people, which needs no machine."""
    former = promotion.former
    if former is not None:
        seen, is_up = _wish(REHEARSAL, former, backend)
        if not is_up:
            if _has_failed(seen, promotion.requested_at):
                _give_up(promotion, f"the way back cannot start: {seen.reason or seen.state}")
            return
        trouble = _answers_wrongly(former, backend)
        if trouble:
            _give_up(promotion, f"the way back does not answer: {trouble}")
            return
    with transaction.atomic():
        moved = Promotion.objects.filter(pk=promotion.pk, state=PromotionState.REHEARSING).update(
            state=PromotionState.READY, rehearsed_at=timezone.now()
        )
        if moved:
            history.note(
                HistoryKind.ROLLBACK_REHEARSED,
                version=promotion.version,
                observation=promotion.observation,
                back_to=former.number if former else None,
                promotion=promotion.pk,
            )


def _answers_wrongly(version: ModelVersion, backend: ComputeBackend) -> str:
    """Why the rehearsed endpoint's answer is not the version's; empty when it is."""
    try:
        said = backend.invoke(REHEARSAL, [{"id": "rehearsal", "text": REHEARSAL_TEXT}], REHEARSAL_SECONDS)
        answer = TransformOutput.from_dict(said[0])
    except (ComputeError, SchemaError, IndexError) as error:
        return str(error) or "no answer"
    if answer.error is not None:
        return answer.error.message
    if answer.model != version.manifest_hash[:16]:
        return f"it is another model, {answer.model}"
    has_all = answer.probabilities is not None and len(answer.probabilities) == len(version.labels)
    return "" if has_all else "it gives no probabilities"


def _canary(promotion: Promotion, backend: ComputeBackend) -> None:
    """Let it route its share once it answers; one that cannot start ends the promotion."""
    seen, is_up = _wish(CANARY, promotion.version, backend)
    if is_up or current.deployment(DeploymentRole.CANARY) is not None:
        canary_step(promotion)  # if it went away meanwhile, its tickets say so
    elif _has_failed(seen, promotion.approved_at):
        _give_up(promotion, f"the canary cannot start: {seen.reason or seen.state}")


def _deploy(promotion: Promotion, backend: ComputeBackend) -> None:
    """Let the endpoint take the version; when it answers with it, let the row say so."""
    seen, is_up = _wish(PRODUCTION, promotion.version, backend)
    if is_up:
        _take_over(promotion)
        return
    if _has_failed(seen, promotion.approved_at):
        _give_up(promotion, seen.reason or seen.state)
        production_ensure(backend=backend)


@transaction.atomic
def _take_over(promotion: Promotion) -> None:
    locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
    if locked.state != PromotionState.DEPLOYING:
        return
    made = deployment_replace(locked.version, DeploymentRole.PRODUCTION, PRODUCTION, locked.approved_by)
    promotion_end(locked, PromotionState.DONE)
    Observation.objects.filter(pk=locked.observation_id, ended_at=None).update(
        state=ObservationState.PROMOTED, ended_at=timezone.now()
    )
    history.note(
        HistoryKind.PROMOTED,
        by=locked.approved_by,
        why=locked.why,
        version=locked.version,
        observation=locked.observation,
        deployment=made,
        former=locked.former.number if locked.former else None,
        promotion=locked.pk,
    )
    transaction.on_commit(nudges.observer)


@transaction.atomic
def _give_up(promotion: Promotion, trouble: str) -> None:
    locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
    if locked.ended_at is None:
        promotion_fail(locked, trouble)


def _has_failed(seen: EndpointObservation, since: datetime | None) -> bool:
    """Whether an endpoint that does not serve what was wished for will not: it says so, went back, or took too long."""
    age = (timezone.now() - since).total_seconds() if since is not None else 0.0
    if age < SETTLE_SECONDS:
        return False
    went_back = seen.state == "in_service" and seen.reason not in ("", UPDATING)
    return seen.state == "failed" or went_back or age > GIVE_UP_SECONDS
