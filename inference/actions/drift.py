"""Reads drift and keeps it; a service whose promise is broken is held back until a lead has looked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from inference.actions.holds import hold_start
from inference.drift import readings
from inference.drift.readings import Finding
from inference.models import DriftReading, RoutingHold

LOCK_CLASS = 7_231
HOLDS = {"precision_broken", "service_precision_broken"}


def drift_check(*, now: datetime | None = None, is_due: bool = False) -> list[DriftReading]:
    """Read every kind and keep what was found, in one transaction; returns the rows.

    ``is_due``: only if the last check is old enough. Empty when it is not, or when another worker is at it.
    """
    now = now or timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK_CLASS])
            if not cursor.fetchone()[0]:
                return []
        last = DriftReading.objects.order_by("-read_at").values_list("read_at", flat=True).first()
        if is_due and last is not None and last > now - timedelta(hours=settings.DRIFT_CHECK_HOURS):
            return []
        compared, found = readings.read_all(now)
        model = compared.model if compared else None
        return [_keep(finding, model.pk if model else None, now) for finding in found]


def _keep(finding: Finding, model_id: int | None, now: datetime) -> DriftReading:
    change = finding.change
    return DriftReading.objects.create(
        kind=finding.kind,
        service_id=finding.service_id,
        model_version_id=model_id,
        value=change.value if change else None,
        reference=change.reference if change else None,
        p=change.p if change else None,
        n=finding.n,
        n_reference=finding.n_reference,
        is_alarm=finding.is_alarm,
        code=finding.code,
        params=finding.params,
        hold=_hold(finding) if finding.is_alarm and settings.DRIFT_HOLDS and finding.code in HOLDS else None,
        read_at=now,
    )


def _hold(finding: Finding) -> RoutingHold | None:
    """The hold this alarm asks for: the one there is already, or a new one."""
    right, total = finding.params["right"], finding.params["total"]
    reason = f"Drift: only {right} of {total} control tickets routed lately were routed right."
    try:
        return hold_start(service_id=finding.service_id, reason=reason)
    except Refused:
        return RoutingHold.objects.filter(service=finding.service_id, ended_at=None).first()
