"""What a promotion was decided on, gathered from the rows as they stood when it was: one sheet to keep. Reads only.

``moment``: when it was approved, else when it ended, else now. Nothing later is looked at, but what came of it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone

from inference.models import Deployment, DriftReading, HistoryEntry, HistoryKind, Promotion, Watch
from training.models import (
    DatasetSnapshot,
    Evaluation,
    GateOverride,
    GateVerdict,
    JobCost,
    PrecisionCertificate,
    RegistryEntry,
    TrainingRun,
)


@dataclass(frozen=True)
class Cost:
    """Of the training: seconds it took, seconds billed for a machine, and money where a price is set (None: none)."""

    seconds: int | None
    billed_seconds: int
    amount: float | None


@dataclass(frozen=True)
class Dossier:
    """The rows of it; None where there was nothing then. ``drift`` are the readings of the last check."""

    promotion: Promotion
    moment: datetime
    verdict: GateVerdict | None
    override: GateOverride | None
    certificate: PrecisionCertificate | None
    evaluation: Evaluation | None
    snapshot: DatasetSnapshot | None
    run: TrainingRun | None
    registry: RegistryEntry | None
    drift: list[DriftReading]
    cost: Cost
    deployment: Deployment | None
    watches: list[Watch]


def dossier(promotion_id: int) -> Dossier | None:
    """Gather it; None if there is no such promotion."""
    rows = Promotion.objects.select_related(
        "version__run__snapshot", "former", "observation__candidate", "observation__baseline_version",
        "requested_by", "approved_by",
    )  # fmt: skip
    promotion = rows.filter(pk=promotion_id).first()
    if promotion is None:
        return None
    version, moment = promotion.version, promotion.approved_at or promotion.ended_at or timezone.now()
    deployment = _deployment(promotion)
    before = {"model_version": version, "created_at__lte": moment}
    verdict = GateVerdict.objects.filter(**before).first()
    return Dossier(
        promotion=promotion,
        moment=moment,
        verdict=verdict,
        override=_override(promotion, verdict, moment),
        certificate=PrecisionCertificate.objects.filter(**before).first(),
        evaluation=Evaluation.objects.filter(data="audit", **before).first(),
        snapshot=version.run.snapshot if version.run else None,
        run=version.run,
        registry=RegistryEntry.objects.filter(model_version=version).first(),
        drift=_drift(moment),
        cost=_cost(version.run),
        deployment=deployment,
        watches=list(Watch.objects.filter(deployment=deployment).select_related("back_to", "hold"))
        if deployment
        else [],
    )


def _deployment(promotion: Promotion) -> Deployment | None:
    """Where the version came to route by this promotion."""
    lines = HistoryEntry.objects.filter(
        kind=HistoryKind.PROMOTED, observation=promotion.observation_id, version=promotion.version_id
    )
    line = lines.filter(at__gte=promotion.requested_at).select_related("deployment").last()
    return line.deployment if line is not None and promotion.approved_at is not None else None


def _override(promotion: Promotion, verdict: GateVerdict | None, moment: datetime) -> GateOverride | None:
    """Who let it go on against the gate, where the gate had stopped it."""
    if verdict is None or verdict.passed:
        return None
    rows = GateOverride.objects.filter(
        verdict__model_version=promotion.version_id, purpose="promote", created_at__lte=moment
    )
    return rows.select_related("by").first()


def _drift(moment: datetime) -> list[DriftReading]:
    newest = DriftReading.objects.filter(read_at__lte=moment).first()
    return list(DriftReading.objects.filter(read_at=newest.read_at)) if newest else []


def _cost(run: TrainingRun | None) -> Cost:
    if run is None:
        return Cost(None, 0, None)
    billed = JobCost.objects.filter(run=run)
    amounts = [row.amount for row in billed]
    has_time = run.started_at is not None and run.ended_at is not None
    return Cost(
        seconds=round((run.ended_at - run.started_at).total_seconds()) if has_time else None,  # type: ignore[operator]
        billed_seconds=billed.aggregate(all=Sum("seconds"))["all"] or 0,
        amount=sum(one for one in amounts if one is not None)
        if any(one is not None for one in amounts)
        else None,
    )
