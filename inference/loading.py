"""Loads a model's answers into embeddings and predictions: binary COPY into a temporary table, then upsert.

Every write of vectors goes through ``load``. Writers of one space take turns
(advisory lock), so that the ids of ``Embedding`` become visible in order and serve as a feed of changes.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from django.db import connection, transaction

from annotation.models import Service
from inference.models import Encoder
from ml.schema import TransformOutput
from training.models import ModelVersion

FEED_LOCK = 7_204
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_NULL = struct.pack(">i", -1)


class BadOutput(Exception):
    """The output is not of the model that was asked; ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Loaded:
    """How many lines were answers, and how many were refusals or not of our making."""

    answers: int
    refusals: int


def line_id(ticket_id: int, text_hash: str) -> str:
    """The id a ticket travels under: it carries the hash of the very text, so that stale answers show."""
    return f"{ticket_id}.{text_hash}"


def encoder_row(model_version: ModelVersion) -> Encoder:
    """The space of a version, made when its first vector comes."""
    return Encoder.objects.get_or_create(
        fingerprint=model_version.encoder,
        defaults={"dim": model_version.dim, "model_version": model_version},
    )[0]


@transaction.atomic
def load(model_version: ModelVersion, answers: Iterable[TransformOutput]) -> Loaded:
    """Upsert the answers of one version; memory is bounded by what the caller passes in at once.

    One transaction (the caller's, if there is one). Tickets erased meanwhile are left out. Raises
    ``BadOutput`` for the answer of another encoder or of another dimension.
    """
    encoder = encoder_row(model_version)
    services = dict(Service.objects.values_list("code", "pk"))
    buffer, good, bad = BytesIO(), 0, 0
    buffer.write(_HEADER)
    for answer in answers:
        ticket_id, _, text_hash = answer.id.partition(".")
        if not ticket_id.isdigit():
            bad += 1
            continue
        buffer.write(_row(model_version, encoder, services, answer, int(ticket_id), text_hash))
        good, bad = good + (answer.error is None), bad + (answer.error is not None)
    buffer.write(struct.pack(">h", -1))
    buffer.seek(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [FEED_LOCK, encoder.pk])
        cursor.execute(_INCOMING)
        cursor.copy_expert("COPY incoming FROM STDIN (FORMAT binary)", buffer)
        cursor.execute(_UPSERT_EMBEDDINGS, [encoder.pk])
        if model_version.kind == "classifier":
            cursor.execute(_UPSERT_PREDICTIONS, [model_version.pk])
        cursor.execute("DROP TABLE incoming")
    return Loaded(good, bad)


_INCOMING = """CREATE TEMP TABLE incoming (ticket_id bigint, text_hash text, vector vector, error text,
    service_id bigint, probability float8, probabilities bytea, outlier float8) ON COMMIT DROP"""

_UPSERT_EMBEDDINGS = """
INSERT INTO inference_embedding AS held (ticket_id, encoder_id, text_hash, vector, error)
SELECT i.ticket_id, %s, i.text_hash, i.vector, i.error
FROM (SELECT DISTINCT ON (ticket_id) * FROM incoming ORDER BY ticket_id) i
JOIN annotation_ticket t ON t.id = i.ticket_id FOR KEY SHARE OF t
ON CONFLICT (encoder_id, ticket_id) DO UPDATE
SET id = EXCLUDED.id, text_hash = EXCLUDED.text_hash, vector = EXCLUDED.vector, error = EXCLUDED.error
WHERE held.text_hash <> EXCLUDED.text_hash OR held.vector IS NULL"""

_UPSERT_PREDICTIONS = """
INSERT INTO inference_prediction
    (ticket_id, model_version_id, service_id, probability, probabilities, outlier, created_at)
SELECT i.ticket_id, %s, i.service_id, i.probability, i.probabilities, i.outlier, now()
FROM (SELECT DISTINCT ON (ticket_id) * FROM incoming WHERE probabilities IS NOT NULL ORDER BY ticket_id) i
JOIN annotation_ticket t ON t.id = i.ticket_id FOR KEY SHARE OF t
ON CONFLICT (model_version_id, ticket_id) DO UPDATE
SET service_id = EXCLUDED.service_id, probability = EXCLUDED.probability,
    probabilities = EXCLUDED.probabilities, outlier = EXCLUDED.outlier, created_at = EXCLUDED.created_at"""


def _row(
    model_version: ModelVersion,
    encoder: Encoder,
    services: dict[str, int],
    answer: TransformOutput,
    ticket_id: int,
    text_hash: str,
) -> bytes:
    fields: list[bytes | None] = [struct.pack(">q", ticket_id), text_hash[:32].encode()]
    if answer.error is not None or answer.embedding is None:
        code = answer.error.code if answer.error else "no_embedding"
        return _tuple([*fields, None, code[:64].encode(), None, None, None, None])
    if answer.encoder != encoder.fingerprint:
        raise BadOutput(
            "wrong_encoder", f"the answer is of encoder {answer.encoder}, not {encoder.fingerprint}"
        )
    if len(answer.embedding) != encoder.dim:
        raise BadOutput("wrong_dimension", f"{len(answer.embedding)} numbers, not {encoder.dim}")
    vector = struct.pack(">hh", encoder.dim, 0) + answer.embedding.astype(">f4").tobytes()
    fields += [vector, b""]
    chances = answer.probabilities
    if chances is None or model_version.kind != "classifier":
        return _tuple([*fields, None, None, None, None])
    if len(chances) != len(model_version.labels):
        raise BadOutput(
            "wrong_labels", f"{len(chances)} probabilities for {len(model_version.labels)} labels"
        )
    best = int(chances.argmax())
    service = services.get(model_version.labels[best])
    return _tuple(
        [
            *fields,
            None if service is None else struct.pack(">q", service),
            struct.pack(">d", float(chances[best])),
            chances.astype("<f4").tobytes(),
            None if answer.outlier is None else struct.pack(">d", answer.outlier),
        ]
    )


def _tuple(fields: list[bytes | None]) -> bytes:
    parts = [struct.pack(">h", len(fields))]
    for field in fields:
        parts.append(_NULL if field is None else struct.pack(">i", len(field)) + field)
    return b"".join(parts)
