"""Observing a candidate: starting, the observer's endpoint, the verdict after every judgement, the end."""

import logging
import secrets
from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from compute.port import ComputeBackend, ComputeError
from inference import nudges, selectors
from inference.actions import history, lookalikes, mirroring
from inference.actions.deployments import deployment_ensure, deployment_replace
from inference.actions.evaluations import certificate_try
from inference.actions.mirroring import OBSERVER
from inference.comparison import current, pairs
from inference.models import (
    BaselineKind,
    Deployment,
    DeploymentRole,
    HistoryKind,
    MirroredTicket,
    Observation,
    ObservationState,
    RoutingSettings,
)
from ml.verdict import Terms
from training import selectors as training
from training.models import ModelVersion

log = logging.getLogger(__name__)

UNDO_SECONDS = 60
"""An insufficient verdict stands for so long before it closes the observation: its last judgement may be a slip."""


def observation_start(
    *,
    candidate: ModelVersion,
    started_by: User | None,
    share: float = 0.1,
    slice: float = 0.1,
    terms: Terms | None = None,
    escalation_minutes: float | None = None,
    misroute_minutes: float | None = None,
) -> Observation:
    """Observe a candidate beside what the routing's settings call the baseline; minutes default to the gate's.

    Raises ``Refused``: not_a_classifier, is_production (it routes already), gate_in_the_way (the gate stopped it and
    nobody overrode that), observation_under_way, bad_terms.
    """
    terms, gate = terms or Terms(), training.gate_settings()
    escalation_minutes = gate.minutes_escalation if escalation_minutes is None else escalation_minutes
    misroute_minutes = gate.minutes_misroute if misroute_minutes is None else misroute_minutes
    if candidate.kind != "classifier":
        raise Refused("not_a_classifier", "Only a trained version can be observed.", status=400)
    if not (0.0 < share <= 1.0 and 0.0 < slice <= 1.0 and escalation_minutes >= 0.0 < misroute_minutes):
        raise Refused("bad_terms", "Shares lie between 0 and 1, and minutes are not negative.", status=400)
    production = selectors.production()
    if production is not None and production.model_version_id == candidate.pk:
        raise Refused("is_production", "This version routes already.", version=candidate.number)
    training.may_be_observed(candidate).require()
    certificate_try(model_version=candidate)
    baseline = RoutingSettings.objects.filter(pk=1).values_list("baseline", flat=True).first()
    kind = BaselineKind(baseline or BaselineKind.PEOPLE)
    try:
        with transaction.atomic():
            made = Observation.objects.create(
                candidate=candidate,
                certificate=training.certificate_on_trial(candidate),
                baseline=kind,
                baseline_version=production.model_version
                if production and kind == BaselineKind.MODEL
                else None,
                share=share,
                slice=slice,
                salt=secrets.token_hex(16),
                terms=asdict(terms),
                escalation_minutes=escalation_minutes,
                misroute_minutes=misroute_minutes,
                started_by=started_by,
            )
            history.note(
                HistoryKind.OBSERVATION_STARTED,
                by=started_by,
                version=candidate,
                observation=made,
                share=share,
            )
            transaction.on_commit(nudges.observer)
            return made
    except IntegrityError as error:
        raise Refused("observation_under_way", "Another candidate is being observed.") from error


@transaction.atomic
def observation_share(*, observation_id: int, share: float, by: User) -> Observation:
    """Mirror another share from now on. Raises ``Refused``: bad_terms, observation_over."""
    if not 0.0 <= share <= 1.0:
        raise Refused("bad_terms", "A share lies between 0 and 1.", status=400)
    observation = live_locked(observation_id)
    if observation.share != share:
        observation.share = share
        observation.save(update_fields=["share"])
        history.note(
            HistoryKind.SHARE_CHANGED,
            by=by,
            version=observation.candidate,
            observation=observation,
            share=share,
        )
    return observation


@transaction.atomic
def observation_stop(*, observation_id: int, by: User, why: str) -> Observation:
    """End an observation without a verdict. Raises ``Refused``: why_needed, observation_over."""
    if not why.strip():
        raise Refused("why_needed", "Say why: it is kept in the history.", status=400)
    observation = live_locked(observation_id)
    observation.state, observation.ended_at = ObservationState.STOPPED, timezone.now()
    observation.save(update_fields=["state", "ended_at"])
    history.note(
        HistoryKind.OBSERVATION_STOPPED,
        by=by,
        why=why,
        version=observation.candidate,
        observation=observation,
    )
    transaction.on_commit(nudges.observer)
    return observation


def live_locked(observation_id: int) -> Observation:
    """The observation, locked. Raises ``Refused``: observation_over, not_found."""
    observation = Observation.objects.select_for_update().filter(pk=observation_id).first()
    if observation is None:
        raise Refused("not_found", "There is no such observation.", status=404)
    if observation.ended_at is not None:
        raise Refused("observation_over", "This observation is over.")
    return observation


def verdict_refresh(*, observation: Observation, may_reopen: bool = False) -> None:
    """Judge a locked live observation anew from its rows, and say so in the history when the verdict changes.

    What was once declared stands, though later figures would leave it open: the chance that it is ever declared
    wrongly is what alpha bounds. Only a judgement taken back (``may_reopen``) opens it again.
    """
    found = pairs.verdict_of(observation)
    if found.state == "undecided" and observation.state != ObservationState.RUNNING and not may_reopen:
        return
    state = ObservationState.RUNNING if found.state == "undecided" else ObservationState(found.state)
    observation.verdict = pairs.verdict_record(found)
    if state != observation.state:
        observation.state = state
        observation.decided_at = None if state == ObservationState.RUNNING else timezone.now()
        history.note(
            HistoryKind.VERDICT,
            version=observation.candidate,
            observation=observation,
            state=state.value,
            reasons=[reason.code for reason in found.reasons],
        )
    observation.save(update_fields=["verdict", "state", "decided_at"])


@transaction.atomic
def observation_settle(*, observation: Observation) -> None:
    """What beat does: the verdict of tickets that came without a judgement, and the end of an insufficient one."""
    locked = Observation.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        pk=observation.pk, ended_at=None
    )
    found = locked.select_related("candidate", "certificate").first()
    if found is None:
        return
    if MirroredTicket.objects.filter(observation=found).exists():
        verdict_refresh(observation=found)
    if found.state != ObservationState.INSUFFICIENT or found.decided_at is None:
        return
    if (timezone.now() - found.decided_at).total_seconds() < UNDO_SECONDS:
        return
    sent = lookalikes.failures_teach(observation=found)
    found.ended_at = timezone.now()
    found.save(update_fields=["ended_at"])
    history.note(HistoryKind.BACK_TO_TEACH, version=found.candidate, observation=found, look_alikes=sent)


def observer_ensure(*, backend: ComputeBackend) -> Deployment | None:
    """Let the candidate under observation answer on the observer's endpoint; without one, take the endpoint away.

    Rows first, then the backend; both idempotent, so a crash between them heals here.
    """
    observation = current.observation()
    deployment = current.deployment(DeploymentRole.OBSERVER)
    if observation is None:
        if deployment is not None:
            backend.delete_endpoint(OBSERVER)
            Deployment.objects.filter(pk=deployment.pk).update(ended_at=timezone.now(), state="ended")
        return None
    if deployment is None or deployment.model_version_id != observation.candidate_id:
        deployment = deployment_replace(
            observation.candidate, DeploymentRole.OBSERVER, OBSERVER, observation.started_by
        )
    return deployment_ensure(deployment, backend)


def observer_drive(*, backend: ComputeBackend) -> bool:
    """One short look: the endpoint, new tickets, the candidate's answers, the verdict; whether tickets still wait.

    Trouble with the backend is only said: nothing else depends on the observer.
    """
    observation = current.observation()
    try:
        observer_ensure(backend=backend)
    except ComputeError as error:
        log.warning("the observer's endpoint: %s", error)
    if observation is None:
        return False
    mirroring.tickets_mirror(observation=observation)
    answered = mirroring.candidate_ask(observation=observation, backend=backend)
    observation_settle(observation=observation)
    return bool(answered) and MirroredTicket.objects.filter(observation=observation, state="waiting").exists()
