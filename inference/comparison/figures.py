"""What the live page of an observation shows: agreement, coverage, latency, errors, and which services differ."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q

from inference.comparison import pairs
from inference.models import DIFFERENT, MirroredTicket, MirrorState, Observation
from ml.paired import Estimate, Pair, coverage, precision

MOST_DIFFERENCES = 12


@dataclass(frozen=True)
class Side:
    """One of the two: how much it routes, and how much of that is right."""

    coverage: Estimate
    precision: Estimate


@dataclass(frozen=True)
class Figures:
    """Counts of mirrored tickets by state; ``agreement`` of those compared (None: none yet); latency in ms."""

    waiting: int
    compared: int
    failed: int
    agreement: float | None
    candidate: Side
    baseline: Side
    latency_p50: float | None
    latency_p95: float | None
    errors: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    due: dict[str, int]


LATENCY = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms), percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)
FROM inference_mirroredticket WHERE observation_id = %s AND state = 'compared'"""


def figures(observation: Observation) -> Figures:
    """Read them; a few grouped counts, whatever the traffic."""
    every = MirroredTicket.objects.filter(observation=observation)
    counted = dict(every.order_by().values_list("state").annotate(n=Count("pk")))
    mirrored, weighed = pairs.mirrored_pairs(observation), pairs.weighed_pairs(observation)
    compared = counted.get(MirrorState.COMPARED, 0)
    agreeing = sum(pair.count for pair in mirrored if pair.agrees)
    with connection.cursor() as cursor:
        cursor.execute(LATENCY, [observation.pk])
        p50, p95 = cursor.fetchone()
    errors = every.exclude(error="").order_by().values("error").annotate(n=Count("pk")).order_by("-n")
    return Figures(
        waiting=counted.get(MirrorState.WAITING, 0),
        compared=compared,
        failed=counted.get(MirrorState.FAILED, 0),
        agreement=agreeing / compared if compared else None,
        candidate=_side(observation, mirrored, weighed, True),
        baseline=_side(observation, mirrored, weighed, False),
        latency_p50=p50,
        latency_p95=p95,
        errors=[{"code": one["error"], "count": one["n"]} for one in errors],
        differences=_differences(observation),
        due=pairs.due_counts(observation),
    )


def _side(observation: Observation, mirrored: list[Pair], weighed: list[Pair], is_candidate: bool) -> Side:
    alpha = observation.asked.alpha
    return Side(
        coverage(mirrored, is_candidate, alpha),
        precision(weighed, is_candidate, observation.slice, alpha),
    )


def _differences(observation: Observation) -> list[dict[str, Any]]:
    """The commonest disagreements: what each says, how often, and who was right as far as people have said."""
    rows = pairs.compared(observation).filter(DIFFERENT).order_by()
    counted = rows.values("baseline_service", "candidate_service").annotate(
        n=Count("pk"),
        judged=Count("pk", filter=Q(judged_at__isnull=False)),
        candidate_right=Count("pk", filter=Q(candidate_is_right=True)),
        baseline_right=Count("pk", filter=Q(baseline_is_right=True)),
    )
    return [
        {
            "baseline_service_id": one["baseline_service"],
            "candidate_service_id": one["candidate_service"],
            "count": one["n"],
            "judged": one["judged"],
            "candidate_right": one["candidate_right"],
            "baseline_right": one["baseline_right"],
        }
        for one in counted.order_by("-n", F("baseline_service"), F("candidate_service"))[:MOST_DIFFERENCES]
    ]
