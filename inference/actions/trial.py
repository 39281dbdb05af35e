"""Try a ticket: what would the house say about this text? Nothing is stored."""

import logging
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accounts.errors import Refused
from annotation import selectors as annotation
from annotation.models import Service
from compute.port import ComputeBackend, ComputeError
from inference import heads, selectors
from inference.models import Deployment, Encoder
from inference.selectors import Neighbour
from ml.policy import band
from ml.schema import SchemaError, TransformOutput
from ml.text import Masked, mask
from training.models import ModelVersion

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0
UNLIKE_FROM = 0.97
MOST_CHARACTERS = 100_000


@dataclass(frozen=True)
class Trial:
    """What came out. ``state``: ready, starting (the endpoint is not up yet), no_model (nothing to ask yet)."""

    state: str
    masked_text: str
    masked: dict[str, int] = field(default_factory=dict)
    model: dict[str, object] | None = None
    probabilities: list[tuple[int, float]] = field(default_factory=list)
    band: str | None = None
    uncertainty: float | None = None
    outlier: float | None = None
    unlike: bool = False
    nearest: list[Neighbour] = field(default_factory=list)


def ticket_try(*, text: str, backend: ComputeBackend) -> Trial:
    """Mask a text, ask the assistant, and compare it with the pool.

    The fine-tuned model's own probabilities are given when it has a head; before the first training the
    learner's head answers. Raises ``Refused``: empty_text, text_too_long, assistant_failed.
    """
    if not text.strip():
        raise Refused("empty_text", "Write or paste a ticket first.", status=400)
    if len(text) > MOST_CHARACTERS:
        raise Refused(
            "text_too_long", "This text is too long.", status=400, limit=MOST_CHARACTERS, length=len(text)
        )
    masked = mask(text.replace("\x00", ""))
    encoder, deployment = selectors.current_encoder(), selectors.assistant()
    if encoder is None:
        return Trial("no_model", masked.text, masked.counts)
    if deployment is None or deployment.model_version.encoder != encoder.fingerprint:
        return Trial("starting", masked.text, masked.counts)
    answer = _ask(deployment, masked.text, backend)
    if answer is None:
        return Trial("starting", masked.text, masked.counts)
    return _judge(encoder, deployment.model_version, masked, answer)


def _ask(deployment: Deployment, masked: str, backend: ComputeBackend) -> TransformOutput | None:
    """The endpoint's answer; None while it is not up."""
    try:
        record = backend.invoke(deployment.endpoint_name, [{"id": "try", "text": masked}], ANSWER_SECONDS)[0]
        answer = TransformOutput.from_dict(record)
    except (ComputeError, SchemaError) as error:
        if getattr(error, "retryable", False):
            log.info("the assistant is not ready: %s", error)
            return None
        raise Refused(
            "assistant_failed", "The model could not answer.", status=503, reason=error.code
        ) from error
    if answer.error is not None:
        raise Refused(answer.error.code, answer.error.message, status=400)
    return answer


def _judge(encoder: Encoder, version: ModelVersion, masked: Masked, answer: TransformOutput) -> Trial:
    vector = answer.embedding
    if (
        vector is None or answer.encoder != encoder.fingerprint
    ):  # the endpoint still serves the former version
        return Trial("starting", masked.text, masked.counts)
    row = selectors.head_of(encoder)
    head = heads.unpack(row) if row else None
    labels, chances = _chances(version, answer, head)
    services = {service.code: service for service in annotation.services_active()}
    ranked = _ranked(labels, chances, services)
    outlier = head.outlier(vector) if head else None
    p1, p2 = ([p for _, p in ranked] + [0.0, 0.0])[:2]
    return Trial(
        state="ready",
        masked_text=masked.text,
        masked=masked.counts,
        model={"version": version.number, "kind": version.kind},
        probabilities=ranked,
        band=band(p1, p2) if ranked else None,
        uncertainty=1.0 - (p1 - p2) if len(ranked) > 1 else None,
        outlier=outlier,
        unlike=outlier is not None and outlier >= UNLIKE_FROM,
        nearest=selectors.nearest_labelled(encoder, vector.tolist()),
    )


def _chances(
    version: ModelVersion, answer: TransformOutput, head: heads.Head | None
) -> tuple[list[str], NDArray[np.float32]]:
    """Codes and probabilities: the model's, or the learner's while the model has none."""
    if answer.probabilities is not None and len(answer.probabilities) == len(version.labels):
        return list(version.labels), answer.probabilities
    if head is None or answer.embedding is None or len(head.classes) < 2:
        return [], np.zeros(0, np.float32)
    return head.classes, head.probabilities(answer.embedding)


def _ranked(
    labels: list[str], chances: NDArray[np.float32], services: dict[str, Service]
) -> list[tuple[int, float]]:
    found = [
        (services[code].pk, float(min(max(chance, 0.0), 1.0)))
        for code, chance in zip(labels, chances, strict=True)
        if code in services
    ]
    return sorted(found, key=lambda pair: -pair[1])
