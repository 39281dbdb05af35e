"""Embedding spaces: the base encoder, the swap to a new space, its index, and the end of old ones."""

import hashlib
import json
import logging
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from accounts.errors import Refused
from compute.port import ComputeBackend
from inference import loading, nudges, selectors
from inference.alone import alone
from inference.models import Embedding, Encoder, Prediction
from ml.artifact import encoder_fingerprint, encoder_folder
from ml.container import make_encoder_artifact
from ml.pooling import read_pooling
from training import actions as training
from training.models import ModelVersion

log = logging.getLogger(__name__)

SWAP_LOCK = 7_206
INDEX_LOCK = 7_209
HNSW_MOST_DIMENSIONS = 2000
PRUNE_ROWS = 20_000

_Signature = tuple[tuple[str, int, int], ...]
_known: dict[_Signature, str] = {}
"""Fingerprints of base folders already hashed by this process: hashing reads all the weights."""


def _signature(folder: Path) -> _Signature:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


def _base_folder(backend: ComputeBackend, scratch: Path) -> Path:
    """The base model as a folder here; an object URI is fetched first."""
    if settings.BASE_MODEL.startswith("s3://"):
        backend.get(settings.BASE_MODEL, scratch / "base")
        return scratch / "base"
    folder = Path(settings.BASE_MODEL.removeprefix("file://"))
    if not (encoder_folder(folder) / "config.json").is_file():
        raise Refused(
            "base_model_missing",
            f"BASE_MODEL={settings.BASE_MODEL}: no encoder folder (config.json) there.",
            status=503,
        )
    return folder


def encoder_ensure(*, backend: ComputeBackend) -> ModelVersion:
    """Return the version that wraps ``BASE_MODEL``, making artifact, version and space when they are new.

    Idempotent; another base model gives another version. The very first space becomes current at once, so
    that tickets can be ranked while the rest of the pool is embedded. Raises ``Refused("base_model_missing")``.
    """
    with tempfile.TemporaryDirectory() as scratch:
        is_remote = settings.BASE_MODEL.startswith("s3://")
        signature = ((settings.BASE_MODEL, 0, 0),) if is_remote else None
        if signature is None or signature not in _known:
            folder = _base_folder(backend, Path(scratch))
            signature = signature or _signature(folder)
            if signature not in _known:
                encoder = encoder_folder(folder)
                _known[signature] = encoder_fingerprint(encoder, read_pooling(encoder, None))
        version = ModelVersion.objects.filter(kind="encoder", encoder=_known[signature]).first()
        if version is None:
            version = _wrap(backend, _base_folder(backend, Path(scratch)), Path(scratch))
    row = loading.encoder_row(version)
    with transaction.atomic():
        _swap_lock()
        if not Encoder.objects.filter(is_current=True).exists():
            Encoder.objects.filter(pk=row.pk).update(is_current=True)
    return version


def _wrap(backend: ComputeBackend, folder: Path, scratch: Path) -> ModelVersion:
    tar = scratch / "model.tar.gz"
    manifest = make_encoder_artifact(folder, tar)
    content = json.dumps(manifest.to_dict(), sort_keys=True).encode()
    uri = f"{settings.ARTIFACTS_URI}/encoders/{manifest.encoder}/model.tar.gz"
    backend.put(tar, uri)
    return training.encoder_register(
        artifact_uri=uri, manifest=manifest, manifest_hash=hashlib.sha256(content).hexdigest()
    )


def _swap_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SWAP_LOCK])


def encoder_promote(*, model_version: ModelVersion) -> Encoder:
    """Make the space of this version current, in one transaction; the learner reloads.

    Raises ``Refused("pool_not_embedded")`` unless the whole pool has its vectors there.
    """
    if not selectors.pool_is_covered(model_version):
        raise Refused("pool_not_embedded", "Not every ticket has its vector in that space yet.")
    with transaction.atomic():
        _swap_lock()
        encoder = loading.encoder_row(model_version)
        Encoder.objects.filter(is_current=True).exclude(pk=encoder.pk).update(is_current=False)
        Encoder.objects.filter(pk=encoder.pk).update(is_current=True, model_version=model_version)
        encoder.refresh_from_db()
        transaction.on_commit(nudges.learner)
    return encoder


def index_name(encoder: Encoder) -> str:
    """The name of the partial index of a space."""
    return f"embedding_hnsw_{encoder.pk}"


def encoder_index(*, encoder: Encoder) -> bool:
    """Build the partial HNSW index of a space, concurrently; returns whether it is there.

    Not a transaction: the build locks nobody out. A build that was cut short leaves an invalid index, which
    is dropped first. A space of more than 2,000 dimensions gets none and is searched in full. While another process
    builds or drops an index nothing is done: two builds of one index wait for each other.
    """
    if encoder.is_indexed or encoder.dim > HNSW_MOST_DIMENSIONS or connection.in_atomic_block:
        return encoder.is_indexed
    with alone(INDEX_LOCK) as held:
        if held:
            _build_index(encoder)
    return encoder.is_indexed


def _build_index(encoder: Encoder) -> None:
    name = index_name(encoder)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = %s",
            [name],
        )
        found = cursor.fetchone()
        if found is None or not found[0]:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            cursor.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON inference_embedding USING hnsw "
                f"((vector::vector({int(encoder.dim)})) vector_cosine_ops) WHERE encoder_id = {int(encoder.pk)}"
            )
    Encoder.objects.filter(pk=encoder.pk).update(is_indexed=True)
    encoder.is_indexed = True


def _drop_index(encoder: Encoder) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(encoder)}")
    Encoder.objects.filter(pk=encoder.pk).update(is_indexed=False)


def encoders_prune() -> int:
    """Delete the vectors of spaces that nobody needs, a bounded number a call; returns how many went.

    The current space and the one before it stay, the latter to go back to. Predictions of versions that are
    neither deployed nor among the three newest go with it.
    """
    gone = 0
    for encoder in selectors.stale_encoders():
        rows = Embedding.objects.filter(encoder=encoder).values_list("pk")[:PRUNE_ROWS]
        gone += Embedding.objects.filter(pk__in=rows).delete()[0]
        if not Embedding.objects.filter(encoder=encoder).exists() and not connection.in_atomic_block:
            with alone(INDEX_LOCK) as held:
                if held:
                    _drop_index(encoder)
    newest = ModelVersion.objects.filter(kind="classifier").values_list("pk", flat=True)[:3]
    kept = [
        *newest,
        *ModelVersion.objects.filter(deployments__ended_at__isnull=True).values_list("pk", flat=True),
    ]
    rows = Prediction.objects.exclude(model_version__in=kept).values_list("pk")[:PRUNE_ROWS]
    return gone + Prediction.objects.filter(pk__in=rows).delete()[0]
