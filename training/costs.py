"""What jobs cost, recorded as it is observed and summed by the month."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, FloatField, Q, Sum
from django.db.models.functions import Cast, Greatest

from compute.port import Observation
from training.models import JobCost, TrainingRun


@dataclass(frozen=True)
class MonthCost:
    """``amount`` is in the account's money and leaves out ``unpriced_seconds``, of machines without a price."""

    amount: float
    seconds: int
    unpriced_seconds: int


def cost_record(*, job_name: str, purpose: str, seen: Observation, run: TrainingRun | None = None) -> None:
    """Keep what was billed so far; safe to repeat and in any order, because seconds never go down."""
    if not seen.instance_type or seen.billable_seconds is None:
        return
    row, _ = JobCost.objects.get_or_create(
        job_name=job_name,
        defaults={"purpose": purpose, "run": run, "instance_type": seen.instance_type[:32]},
    )
    JobCost.objects.filter(pk=row.pk).update(
        seconds=Greatest(F("seconds"), seen.billable_seconds), price_per_hour=seen.price_per_hour
    )


def month_cost(now: datetime) -> MonthCost:
    """Jobs begun in this month, in the installation's zone."""
    first = now.astimezone(ZoneInfo(settings.INSTALLATION_TIME_ZONE)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    money = Cast(F("seconds"), FloatField()) * F("price_per_hour") / 3600.0
    found = JobCost.objects.filter(at__gte=first).aggregate(
        amount=Sum(money),
        all=Sum("seconds"),
        unpriced=Sum("seconds", filter=Q(price_per_hour__isnull=True)),
    )
    return MonthCost(found["amount"] or 0.0, found["all"] or 0, found["unpriced"] or 0)
