"""The candidate is shown a share of the routed tickets, after their caller has the answer.

Nothing here is called by the routing: what was decided is read from its rows, so neither failure nor slowness of the
candidate can reach a caller. The rows that wait are the queue: bounded, and what finds it full is passed over.
"""

import logging
import time

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from compute.port import ComputeBackend, ComputeError
from inference import loading
from inference.alone import alone
from inference.comparison.drawing import MIRROR, ORDER, SLICE, drawn, in_sql
from inference.models import (
    BaselineKind,
    EscalationReason,
    MirroredTicket,
    MirrorState,
    Observation,
    ObservationState,
)
from inference.routing.dispatching import Dispatch, dispatch
from inference.routing.standing import routing_with, standing
from ml.schema import SchemaError, TransformOutput

log = logging.getLogger(__name__)

OBSERVER = "observer"
ASK_LOCK = 7_210
ASK_SECONDS = 3.0
"""A call of the task asks for so long, then lets others work."""
ATTEMPTS = 3
RECENT = "15 minutes"
"""A decision older than this is not mirrored any more: the queue was full, or nobody worked."""

# Which tickets: a hash of the external id, never an audit ticket, and only decisions of the baseline observed. One that
# the baseline could not answer says nothing about it.
MIRRORED = f"""
INSERT INTO inference_mirroredticket (observation_id, ticket_id, decision_id, state, baseline_service_id,
    candidate_reason, attempts, error, created_at, probability, is_due, candidate_first)
SELECT %(observation)s, d.ticket_id, d.id, 'waiting', d.baseline_service_id, '', 0, '', now(), 0, false,
    {in_sql(ORDER, "t.external_id")} < 0.5
FROM inference_routingdecision d JOIN annotation_ticket t ON t.id = d.ticket_id
WHERE d.decided_at >= greatest(%(since)s, now() - %(recent)s::interval) AND NOT t.is_audit
  AND d.baseline = %(baseline)s AND (NOT %(is_model)s OR d.model_version_id IS NOT DISTINCT FROM %(version)s)
  AND NOT (%(is_model)s AND d.reason = %(unavailable)s)
  AND {in_sql(MIRROR, "t.external_id")} < %(share)s
  AND NOT EXISTS (SELECT 1 FROM inference_mirroredticket m
                  WHERE m.observation_id = %(observation)s AND m.ticket_id = d.ticket_id)
ORDER BY d.id LIMIT %(room)s
FOR KEY SHARE OF t
ON CONFLICT DO NOTHING"""  # noqa: S608 - our own expressions


@transaction.atomic
def tickets_mirror(*, observation: Observation) -> int:
    """Put what was routed lately into the candidate's queue, as far as there is room; returns how many."""
    waiting = MirroredTicket.objects.filter(observation=observation, state=MirrorState.WAITING).count()
    room = settings.OBSERVER_QUEUE - waiting
    if room <= 0 or observation.state != ObservationState.RUNNING:
        return 0
    values = {
        "observation": observation.pk,
        "salt": observation.salt,
        "share": observation.share,
        "since": observation.started_at,
        "recent": RECENT,
        "baseline": observation.baseline,
        "is_model": observation.baseline == BaselineKind.MODEL,
        "version": observation.baseline_version_id,
        "unavailable": EscalationReason.MODEL_UNAVAILABLE.value,
        "room": room,
    }
    with connection.cursor() as cursor:
        cursor.execute(MIRRORED, values)
        return int(cursor.rowcount)


def candidate_ask(*, observation: Observation, backend: ComputeBackend) -> int:
    """Ask the candidate about the tickets that wait, one by one, for ASK_SECONDS; returns how many were settled.

    One process asks at a time. An endpoint that is not up is not asked; any failure after that is an attempt, so that a
    ticket that brings the endpoint down is not asked about for ever: after ATTEMPTS it is not compared. An answer is
    written only while its row still waits.
    """
    with alone(ASK_LOCK, observation.pk) as held:
        return _ask_waiting(observation, backend) if held else 0


def _ask_waiting(observation: Observation, backend: ComputeBackend) -> int:
    if not _is_up(backend):
        return 0
    until, settled = time.monotonic() + ASK_SECONDS, 0
    now = standing()
    candidate = routing_with(observation.candidate, observation.certificate, 0, OBSERVER)
    rows = MirroredTicket.objects.filter(observation=observation, state=MirrorState.WAITING)
    for row in rows.select_related("ticket").order_by("pk")[: settings.OBSERVER_QUEUE]:
        if time.monotonic() >= until:
            break
        started = time.monotonic()
        record = {"id": loading.line_id(row.ticket_id, row.ticket.text_hash), "text": row.ticket.text}
        try:
            answer = backend.invoke(OBSERVER, [record], settings.OBSERVER_SECONDS)[0]
            said = dispatch(now, candidate, TransformOutput.from_dict(answer))
        except (ComputeError, SchemaError, IndexError) as error:
            settled += _failed(row, str(getattr(error, "code", "bad_answer")))
            if isinstance(error, ComputeError):
                break  # slow or troubled: others may work meanwhile
            continue
        if said.detail == "other_model":
            break  # the endpoint has not taken the candidate yet
        settled += _answered(observation, row, said, round(1000 * (time.monotonic() - started)))
    return settled


def _is_up(backend: ComputeBackend) -> bool:
    try:
        return backend.observe_endpoint(OBSERVER).state == "in_service"
    except ComputeError:
        return False


def _failed(row: MirroredTicket, code: str) -> int:
    """Note a failed attempt; 1 when it was the last."""
    is_last = row.attempts + 1 >= ATTEMPTS
    MirroredTicket.objects.filter(pk=row.pk, state=MirrorState.WAITING).update(
        attempts=row.attempts + 1,
        error=code[:40],
        state=MirrorState.FAILED if is_last else MirrorState.WAITING,
    )
    log.info("the observer on ticket %s: %s, attempt %s", row.ticket_id, code, row.attempts + 1)
    return int(is_last)


def _answered(observation: Observation, row: MirroredTicket, said: Dispatch, latency_ms: int) -> int:
    """Keep the candidate's answer beside the baseline's, and whether the pair is to be judged."""
    if said.detail:  # the model refused this very text: the routing would have given it to a person
        log.info("the observer on ticket %s: %s", row.ticket_id, said.detail)
    agrees = said.service_id == row.baseline_service_id
    is_drawn = drawn(observation.salt, SLICE, row.ticket.external_id) < observation.slice
    return MirroredTicket.objects.filter(pk=row.pk, state=MirrorState.WAITING).update(
        state=MirrorState.COMPARED,
        candidate_service=said.service_id,
        candidate_suggested=said.suggested_id,
        candidate_confidence=said.confidence,
        candidate_reason=said.reason,
        latency_ms=latency_ms,
        compared_at=timezone.now(),
        error=said.detail[:40],
        probability=observation.slice if agrees else 1.0,
        is_due=is_drawn or not agrees,
    )
