"""Which version serves where: the assistant (Try a ticket, small live batches) and production (live routing)."""

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from compute.port import ComputeBackend, ComputeError, EndpointSpec
from inference import loading, selectors
from inference.models import Deployment, DeploymentRole, Promotion, PromotionState
from ml.machine import background
from ml.schema import SchemaError, TransformOutput
from training.models import ModelVersion

log = logging.getLogger(__name__)

ASSISTANT = "assistant"
PRODUCTION = "production"
LIVE_AT_MOST = 200
LIVE_BATCH = 16
LIVE_SECONDS = 60.0


def assistant_ensure(*, backend: ComputeBackend) -> Deployment | None:
    """Let the version that serves the current space answer as the assistant, and note how the endpoint is.

    The row is written before the backend is called; both are idempotent, so a crash between them heals here.
    """
    encoder = selectors.current_encoder()
    if encoder is None:
        return None
    wanted = selectors.serving_model(encoder)
    deployment = selectors.assistant()
    if deployment is None or deployment.model_version_id != wanted.pk:
        deployment = deployment_replace(wanted, DeploymentRole.ASSISTANT, ASSISTANT)
    return deployment_ensure(deployment, backend)


def production_ensure(*, backend: ComputeBackend) -> Deployment | None:
    """Wish again for the endpoint of the version that routes, and note how it is; None while nothing routes.

    Left alone while it takes a version that was approved (``inference.actions.deploying``); taken away without a row.
    """
    deployment = selectors.production()
    if Promotion.objects.filter(state=PromotionState.DEPLOYING).exists():
        return deployment
    if deployment is None:
        if backend.observe_endpoint(PRODUCTION).state != "absent":
            backend.delete_endpoint(PRODUCTION)
        return None
    return deployment_ensure(deployment, backend)


def deployment_ensure(deployment: Deployment, backend: ComputeBackend) -> Deployment:
    """Wish for the endpoint of a row, and note how it is."""
    name, artifact = deployment.endpoint_name, deployment.model_version.artifact_uri
    try:
        backend.put_endpoint(EndpointSpec(name, artifact, _environment(deployment)))
    except ComputeError as error:
        if not error.retryable:
            raise
        log.info("endpoint %s is wished for again at the next look: %s", name, error)
    seen = backend.observe_endpoint(name)
    is_ours = seen.state != "in_service" or seen.artifact_uri == artifact
    state = seen.state if is_ours else "creating"
    if (deployment.state, deployment.reason) != (state, seen.reason):
        deployment.state, deployment.reason = state, seen.reason
        deployment.save(update_fields=["state", "reason"])
    return deployment


def _environment(deployment: Deployment) -> dict[str, str]:
    """The assistant, which shares its program with the transforms of its version, and the observer give way to what
    customers wait for."""
    gives_way = deployment.role in (DeploymentRole.ASSISTANT, DeploymentRole.OBSERVER)
    return background(settings.BACKGROUND_NICE) if gives_way else {}


@transaction.atomic
def deployment_replace(
    wanted: ModelVersion, role: str, endpoint_name: str, started_by: User | None = None
) -> Deployment:
    """Let a version have a role from now on; whoever had it has not."""
    Deployment.objects.select_for_update().filter(role=role, ended_at__isnull=True).update(
        ended_at=timezone.now(), state="replaced"
    )
    return Deployment.objects.create(
        model_version=wanted, role=role, endpoint_name=endpoint_name, started_by=started_by
    )


def embed_live(
    *, backend: ComputeBackend, deployment: Deployment | None, model_version: ModelVersion
) -> bool:
    """Embed the few tickets that lack a vector through the endpoint; False when that is no way for them now.

    A batch is loaded whole or not at all; what fails is simply still missing, and a transform takes it.
    """
    if (
        deployment is None
        or deployment.state != "in_service"
        or deployment.model_version_id != model_version.pk
    ):
        return False
    waiting = list(
        selectors.tickets_without_vector(model_version).values_list("pk", "text_hash", "text")[
            : LIVE_AT_MOST + 1
        ]
    )
    if len(waiting) > LIVE_AT_MOST:
        return False
    for at in range(0, len(waiting), LIVE_BATCH):
        batch = waiting[at : at + LIVE_BATCH]
        records = [{"id": loading.line_id(pk, hashed), "text": text} for pk, hashed, text in batch]
        try:
            answers = [
                TransformOutput.from_dict(a)
                for a in backend.invoke(deployment.endpoint_name, records, LIVE_SECONDS)
            ]
            with transaction.atomic():
                loading.load(model_version, answers)
        except (ComputeError, SchemaError, loading.BadOutput) as error:
            log.warning("live embedding left to a transform: %s", error)
            return False
    return True
