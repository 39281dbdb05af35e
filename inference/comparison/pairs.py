"""An observation's rows as pairs of answers, and what follows from them."""

from dataclasses import asdict
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet

from inference.models import DIFFERENT, MirroredTicket, MirrorState, Observation
from ml.paired import Judged, Pair
from ml.verdict import Verdict, verdict

KINDS = (
    "candidate_service__code",
    "baseline_service__code",
    "probability",
    "candidate_is_right",
    "baseline_is_right",
    "truth__code",
)


def compared(observation: Observation) -> QuerySet[MirroredTicket]:
    """Tickets that have both answers."""
    return MirroredTicket.objects.filter(observation=observation, state=MirrorState.COMPARED)


def mirrored_pairs(observation: Observation) -> list[Pair]:
    """All of them."""
    return _pairs(compared(observation))


def settled_pairs(observation: Observation) -> list[Pair]:
    """Up to the first disagreement that waits for its judgement: what the cost may be computed from."""
    return _pairs(_before(observation, DIFFERENT))


def weighed_pairs(observation: Observation) -> list[Pair]:
    """Up to the first that waits for its judgement, drawn agreements included: what precision may be computed from."""
    return _pairs(_before(observation, Q()))


def _before(observation: Observation, which: Q) -> QuerySet[MirroredTicket]:
    rows = compared(observation)
    first = rows.filter(which, is_due=True, judged_at=None).aggregate(at=Min("pk"))["at"]
    return rows if first is None else rows.filter(pk__lt=first)


def _pairs(rows: QuerySet[MirroredTicket]) -> list[Pair]:
    """Counted in the database: a month of traffic is a few dozen kinds of pairs."""
    counted = rows.order_by().values_list(*KINDS).annotate(n=Count("pk"))
    return [
        Pair(
            candidate,
            baseline,
            probability,
            None if mine is None else Judged(mine, theirs, truth),
            count,
        )
        for candidate, baseline, probability, mine, theirs, truth, count in counted
    ]


def certified_precision(observation: Observation) -> float | None:
    """What the candidate's certificate promises; None without one that certifies."""
    return observation.certificate.certificate.lower_bound if observation.certificate else None


def verdict_of(observation: Observation) -> Verdict:
    """The verdict as of now."""
    return verdict(
        settled_pairs(observation),
        mirrored_pairs(observation),
        observation.costs,
        certified_precision(observation),
        observation.asked,
    )


def verdict_record(found: Verdict) -> dict[str, Any]:
    """The verdict as JSON."""
    return asdict(found) | {"reasons": [asdict(reason) for reason in found.reasons]}


def due_counts(observation: Observation) -> dict[str, int]:
    """How many are to be judged, and how many of these were, by disagreements and drawn agreements."""
    due = Q(is_due=True)
    agrees = Q(candidate_service=F("baseline_service")) | Q(
        candidate_service__isnull=True, baseline_service__isnull=True
    )
    judged = Q(judged_at__isnull=False)
    return compared(observation).aggregate(
        disagreements=Count("pk", filter=due & DIFFERENT),
        disagreements_judged=Count("pk", filter=due & DIFFERENT & judged),
        agreements=Count("pk", filter=due & agrees),
        agreements_judged=Count("pk", filter=due & agrees & judged),
    )


def pending_count(observation: Observation) -> int:
    """How many pairs wait to be judged."""
    return compared(observation).filter(is_due=True, judged_at=None).count()
