"""Decisions as the desk gets them: one statement, plain values. The desk asks at every call, so no row is built."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.prepared import Prepared

STORED = Prepared(
    """
SELECT t.external_id, e.state, s.code, d.confidence, d.band, d.reason, d.reasons, v.number, d.decided_at,
    e.kind, first.code, second.code, e.opened_at, e.answered_at, e.revision
FROM inference_routingdecision d
JOIN annotation_ticket t ON t.id = d.ticket_id
LEFT JOIN annotation_service s ON s.id = d.service_id
LEFT JOIN training_modelversion v ON v.id = d.model_version_id
LEFT JOIN inference_escalation e ON e.decision_id = d.id
LEFT JOIN annotation_service first ON first.id = e.service_id
LEFT JOIN annotation_service second ON second.id = e.second_service_id
WHERE t.external_id = ANY(%(names)s)""",
    names="text[]",
)
ROUTED = "routed"


@dataclass(frozen=True)
class PersonsAnswer:
    """What a person decided: ``kind`` label, two or none, services by code. ``seconds`` since the escalation."""

    kind: str
    service: str | None
    second_service: str | None
    answered_at: datetime
    seconds: float
    revision: int


@dataclass(frozen=True)
class Decision:
    """One decision. ``state``: routed, or that of its escalation; ``service`` by code, None: a person has to decide.

    ``reason`` is then the first of ``reasons``. ``model_version``: its number, None where no version was asked.
    """

    external_id: str
    state: str
    service: str | None
    confidence: float | None
    band: str
    reason: str
    reasons: tuple[str, ...]
    model_version: int | None
    decided_at: datetime
    answer: PersonsAnswer | None = None


def stored(external_ids: Sequence[str]) -> dict[str, Decision]:
    """The decisions about these tickets, by external id."""
    if not external_ids:
        return {}
    with connection.cursor() as cursor:
        STORED.run(cursor, {"names": list(external_ids)})
        rows = cursor.fetchall()
    return {
        row[0]: Decision(
            row[0], row[1] or ROUTED, *row[2:6], tuple(json.loads(row[6])), *row[7:9], _persons(*row[9:])
        )
        for row in rows
    }


def _persons(
    kind: str | None,
    service: str | None,
    second: str | None,
    opened_at: datetime | None,
    answered_at: datetime | None,
    revision: int | None,
) -> PersonsAnswer | None:
    if opened_at is None or answered_at is None:
        return None
    seconds = round((answered_at - opened_at).total_seconds(), 1)
    return PersonsAnswer(kind or "", service, second, answered_at, seconds, revision or 0)
