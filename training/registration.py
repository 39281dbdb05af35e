"""Makes model versions out of verified artifacts. Numbers count up; encoders share the sequence from 0."""

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from ml.schema import Manifest
from training.models import ModelVersion, TrainingRun
from training.signals import model_registered

NUMBER_LOCK = 7_203_002


def _register(
    kind: str, artifact_uri: str, manifest: Manifest, manifest_hash: str, **extra: object
) -> ModelVersion:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBER_LOCK])
    highest = ModelVersion.objects.aggregate(highest=Max("number"))["highest"]
    first = 0 if kind == "encoder" else 1
    version = ModelVersion.objects.create(
        number=first if highest is None else highest + 1,
        kind=kind,
        artifact_uri=artifact_uri,
        manifest=manifest.to_dict(),
        manifest_hash=manifest_hash,
        encoder=manifest.encoder,
        dim=manifest.dim,
        labels=manifest.labels,
        is_demo=settings.DEMO,
        **extra,
    )
    transaction.on_commit(lambda: model_registered.send(sender=ModelVersion, model_version_id=version.pk))
    return version


@transaction.atomic
def classifier_register(
    *, run: TrainingRun, artifact_uri: str, manifest: Manifest, manifest_hash: str
) -> ModelVersion:
    """Register what a run produced; once a run, however often it is called."""
    known = ModelVersion.objects.filter(run=run).first()
    return known or _register("classifier", artifact_uri, manifest, manifest_hash, run=run)


@transaction.atomic
def encoder_register(*, artifact_uri: str, manifest: Manifest, manifest_hash: str) -> ModelVersion:
    """Register a base model that embeds but has no head; once per artifact content."""
    known = ModelVersion.objects.filter(kind="encoder", manifest_hash=manifest_hash).first()
    return known or _register("encoder", artifact_uri, manifest, manifest_hash)
