"""Route or escalate one ticket: the model's answer held against what is in force. Pure but for what it is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inference.models import BaselineKind, EscalationReason
from inference.routing import rules
from inference.routing.standing import Production, Standing
from ml.policy import EVERY_SERVICE, band, decide
from ml.schema import TransformOutput

CANDIDATES = 5


@dataclass(frozen=True)
class Dispatch:
    """What is decided about one ticket; the fields are those of ``RoutingDecision``."""

    service_id: int | None
    reasons: tuple[str, ...]
    detail: str = ""
    suggested_id: int | None = None
    confidence: float | None = None
    band: str = ""
    score: float | None = None
    threshold: float | None = None
    outlier: float | None = None
    candidates: tuple[tuple[int, float], ...] = ()
    vector: bytes | None = None
    probabilities: bytes | None = None

    @property
    def reason(self) -> str:
        return self.reasons[0] if self.reasons else ""


def unavailable(standing: Standing, detail: str) -> Dispatch:
    """Nobody answered: a person decides. A hold comes first, as it would with an answer."""
    held = (EscalationReason.HELD.value,) if EVERY_SERVICE in standing.held else ()
    return Dispatch(None, (*held, EscalationReason.MODEL_UNAVAILABLE.value), detail)


def dispatch(standing: Standing, production: Production, answer: TransformOutput) -> Dispatch:
    """Hold an answer against certificate, holds and services; an answer of another model counts as none."""
    if answer.error is not None:
        return unavailable(standing, answer.error.code[:40])
    if answer.model != production.model_name:
        return unavailable(standing, "other_model")
    chances = answer.probabilities
    if chances is None or len(chances) != len(production.labels):
        return unavailable(standing, "no_probabilities")
    decision = decide(
        production.labels,
        chances.tolist(),
        answer.outlier,
        production.certificate,
        services=tuple(standing.services),
        held=standing.held,
    )
    ranked = _ranked(production.labels, chances.tolist(), standing.services)
    return Dispatch(
        service_id=standing.services[decision.service] if decision.service else None,
        reasons=decision.reasons,
        suggested_id=standing.services.get(decision.suggested or ""),
        confidence=decision.confidence,
        band=_band(chances.tolist()) if decision.confidence is not None else "",
        score=decision.score,
        threshold=decision.threshold,
        outlier=answer.outlier,
        candidates=ranked,
        vector=_vector(production, answer),
        probabilities=chances.astype("<f4").tobytes(),
    )


def _vector(production: Production, answer: TransformOutput) -> bytes | None:
    """The vector, if it lies in the space of the version: a machine that cannot run its form answers in another."""
    if answer.embedding is None or answer.encoder != production.encoder:
        return None
    return bytes(answer.embedding.astype("<f4").tobytes())


def _ranked(
    labels: Sequence[str], chances: Sequence[float], services: dict[str, int]
) -> tuple[tuple[int, float], ...]:
    found = [
        (services[code], round(min(max(chance, 0.0), 1.0), 4))
        for code, chance in zip(labels, chances, strict=True)
        if code in services and math.isfinite(chance)
    ]
    return tuple(sorted(found, key=lambda pair: -pair[1])[:CANDIDATES])


def _band(chances: Sequence[float]) -> str:
    first, second, *_ = sorted([*(min(max(p, 0.0), 1.0) for p in chances), 0.0], reverse=True)
    return band(first, second)


def baseline_of(standing: Standing, said: Dispatch, text: str, external: str | None) -> int | None:
    """The service the baseline sends a ticket to; None where it leaves the ticket to people."""
    if standing.baseline == BaselineKind.MODEL:
        return said.service_id
    if standing.baseline == BaselineKind.RULES:
        return rules.decide(standing.rules, text)
    if standing.baseline == BaselineKind.EXTERNAL and external:
        return standing.services.get(external)
    return None
