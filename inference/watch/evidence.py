"""What became of the tickets a deployment routed, and how well its endpoint answered. Reads only.

A route is judged by the best word there is: people's on a control ticket; else a person's label where the desk had told
an outcome (Check asks about moved tickets); else the desk's. A person's label alone does not make a ticket count:
which tickets people are shown depends on the model. Of near-duplicates one counts: a circular is one mistake.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from inference.models import EscalationReason, RoutingDecision
from ml.watch import Seen

WINDOW = timedelta(minutes=10)
FEWEST_CALLS = 30
NOT_ITS_FAULT = ("busy", "throttled", "no_shared_state", "no_production", "other_model")
"""Why nobody answered although the version did nothing wrong: too many callers, Redis away, an endpoint changing."""

KNOWN = """
WITH known AS (
    SELECT DISTINCT ON (t."group") d.service_id, CASE
        WHEN t.is_audit AND t.status IN ('labelled', 'set_aside') OR t.label_source = 'person' THEN t.label_id
        WHEN o.id IS NOT NULL THEN o.service_id
        ELSE d.service_id END AS truth
    FROM inference_routingdecision d
    JOIN annotation_ticket t ON t.id = d.ticket_id
    LEFT JOIN inference_outcome o ON o.ticket_id = d.ticket_id
    WHERE d.deployment_id = %(deployment)s AND d.service_id IS NOT NULL
      AND d.decided_at >= %(since)s AND d.decided_at <= %(until)s
      AND (o.id IS NOT NULL OR %(is_silence_right)s
           OR t.is_audit AND t.status IN ('labelled', 'set_aside'))
    ORDER BY t."group", d.id)
SELECT count(*) FILTER (WHERE truth IS NOT DISTINCT FROM service_id), count(*) FROM known"""

CALLS = """
SELECT count(*), count(*) FILTER (WHERE reasons ? %(unavailable)s AND NOT detail = ANY(%(excused)s)),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)
FROM inference_routingdecision WHERE deployment_id = %(deployment)s AND decided_at > %(since)s"""


@dataclass(frozen=True)
class Calls:
    """Decisions lately: all, those without an answer by the model's fault, the time 95 of 100 took (None: none)."""

    total: int
    failed: int
    p95_ms: float | None


def seen(deployment_id: int, since: datetime, now: datetime, silence_hours: int | None) -> Seen:
    """How many of the tickets it routed are known, and right. With ``silence_hours`` only those old enough that the
    desk would have moved them by now.
    """
    values = {
        "deployment": deployment_id,
        "since": since,
        "until": now if silence_hours is None else now - timedelta(hours=silence_hours),
        "is_silence_right": silence_hours is not None,
    }
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, values)
        right, known = cursor.fetchone()
    return Seen(right, known)


def calls(deployment_id: int, since: datetime, now: datetime) -> Calls:
    """How its endpoint answered in the last ten minutes, from ``since`` on."""
    values = {
        "deployment": deployment_id,
        "since": max(since, now - WINDOW),
        "unavailable": EscalationReason.MODEL_UNAVAILABLE.value,
        "excused": list(NOT_ITS_FAULT),
    }
    with connection.cursor() as cursor:
        cursor.execute(CALLS, values)
        return Calls(*cursor.fetchone())


def decided(deployment_id: int) -> int:
    """How many tickets it was asked about."""
    return RoutingDecision.objects.filter(deployment=deployment_id).count()
