"""Keeps the pool seen by the right versions: finds what is missing and starts what brings it."""

import logging

from django.db import IntegrityError, transaction

from compute.port import ComputeBackend
from inference import nudges, rush, selectors, testing
from inference.actions import deployments, encoders
from inference.actions.evaluations import test_evaluate, verdict_refresh
from inference.alone import alone
from inference.models import TransformPurpose, TransformRun
from training.models import ModelVersion, TestSet

log = logging.getLogger(__name__)

FIND_LOCK = 7_207


def transform_plan(
    *, model_version: ModelVersion, purpose: str, test_set: TestSet | None = None
) -> TransformRun | None:
    """Plan a transform unless one of this kind is live or failed a moment ago."""
    if not selectors.may_plan(model_version, purpose):
        return None
    try:
        with transaction.atomic():
            run = TransformRun.objects.create(model_version=model_version, purpose=purpose, test_set=test_set)
            transaction.on_commit(nudges.transforms)
            return run
    except IntegrityError:  # somebody else was faster
        return None


def work_find(*, backend: ComputeBackend, live: bool = True) -> bool:
    """Look at the rows and start whatever is missing; returns whether anything was started.

    1. The base encoder, once. 2. New tickets get their vectors in the current space, through the endpoint when they are
    few; those of routed ones are loaded by `decisions_load`, and the other routed ones wait for the end of a rush. 3. A
    version nobody has looked through yet sees the audit labels first, is evaluated, then sees the pool, and is judged;
    versions at work are judged again as audit labels come. Each of these is measured on every test set. 4. When the
    whole pool has its vectors in the new space, that space becomes current. 5. Index, assistant, and the end of old
    spaces. Each step is found again from the rows after a crash.
    ``live=False`` leaves endpoints alone (replay).
    """
    with alone(FIND_LOCK) as held:
        if not held:
            return False
        encoders.encoder_ensure(backend=backend)
        current, target = selectors.current_encoder(), selectors.target_model()
        assert current is not None and target is not None
        assistant = deployments.assistant_ensure(backend=backend) if live else None
        if live:
            deployments.production_ensure(backend=backend)
        serving = selectors.serving_model(current)
        started = False
        if rush.cannot_wait(selectors.tickets_without_vector(serving)).exists() and deployments.embed_live(
            backend=backend, deployment=assistant, model_version=serving
        ):
            nudges.learner()
        if target.encoder != current.fingerprint:
            started |= _approach(target)
            if started and selectors.current_encoder() != current and live:
                deployments.assistant_ensure(backend=backend)
        else:
            started |= _judge(target)
        for version in selectors.versions_at_work():
            if version.pk != target.pk:
                started |= _judge(version)
        for version in {target.pk: target, **{one.pk: one for one in selectors.versions_at_work()}}.values():
            started |= _test(version)
        if rush.cannot_wait(selectors.tickets_missing(serving)).exists():
            started |= transform_plan(model_version=serving, purpose=TransformPurpose.POOL) is not None
    if live:
        _tidy()
    return started


def _judge(version: ModelVersion) -> bool:
    """Judge a version, after it has seen the audit labels; returns whether a transform was started."""
    if version.kind != "classifier":
        return False
    unseen = selectors.tickets_missing(version).filter(pk__in=selectors.audit_decided().order_by())
    if unseen.exists() and transform_plan(model_version=version, purpose=TransformPurpose.EVALUATE):
        return True
    verdict_refresh(model_version=version)
    return False


def _test(version: ModelVersion) -> bool:
    """Bring a version through the test sets it was not measured on; returns whether a transform was started."""
    if version.kind != "classifier":
        return False
    for test_set in TestSet.objects.exclude(evaluations__model_version=version).order_by("pk"):
        if not testing.rows_unanswered(version, test_set).exists():
            test_evaluate(model_version=version, test_set=test_set)
        else:
            purpose = TransformPurpose.TEST
            return transform_plan(model_version=version, purpose=purpose, test_set=test_set) is not None
    return False


def _approach(version: ModelVersion) -> bool:
    """Bring a version with a new space towards the swap; returns whether anything was started or swapped."""
    live = selectors.live_transforms().filter(model_version=version)
    if live.exists():
        return False
    if _judge(version):
        return True
    if not selectors.pool_is_covered(version):
        return transform_plan(model_version=version, purpose=TransformPurpose.POOL) is not None
    encoders.encoder_promote(model_version=version)
    log.info("version %s: its space is current now", version.number)
    return True


def _tidy() -> None:
    current = selectors.current_encoder()
    if current is not None and not selectors.live_transforms().exists():
        encoders.encoder_index(encoder=current)
        encoders.encoders_prune()
