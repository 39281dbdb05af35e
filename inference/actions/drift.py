"""Reads drift and keeps it; a service whose promise is broken is held back until a lead has looked."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from inference.actions.alarms import alarm_raise
from inference.actions.holds import hold_start
from inference.drift import readings
from inference.drift.readings import Finding
from inference.models import AlarmKind, DriftReading, RoutingHold

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
        known = _alarmed(last)
        rows = [_keep(finding, model.pk if model else None, now) for finding in found]
        _tell([row for row in rows if row.is_alarm and (row.code, row.service_id) not in known])
        return rows


def _alarmed(last: datetime | None) -> set[tuple[str, int | None]]:
    """(code, service) of the alarms at the last check: people were told of them then."""
    return set(DriftReading.objects.filter(read_at=last, is_alarm=True).values_list("code", "service_id"))


def _tell(rows: list[DriftReading]) -> None:
    """One alarm for all that is new at this check."""
    if rows:
        alarm_raise(AlarmKind.DRIFT, found=[_told(row) for row in rows])


def _told(row: DriftReading) -> dict[str, Any]:
    service = {"service": row.service.name} if row.service else {}
    figures = {"value": row.value, "reference": row.reference, **row.params, **service}
    held = "" if row.hold is None else "all" if row.hold.service_id is None else "one"
    return {"code": row.code, "params": figures, "held": held}


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
