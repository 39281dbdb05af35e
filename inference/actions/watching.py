"""Production under watch: a version that breaks its promise is sent back by itself, and only once.

Each look is one transaction that holds the row of the watch: what is done and that it was done are written together,
so a worker killed at any moment leaves both or neither, and the next look finds the same from the rows. A rollback is
``production_rollback``, the one a lead has too, and only of the deployment that was watched.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from inference import selectors
from inference.actions import history
from inference.actions.alarms import alarm_raise
from inference.actions.holds import hold_start
from inference.actions.promotions import production_rollback
from inference.comparison import current
from inference.models import (
    AlarmKind,
    Deployment,
    HistoryEntry,
    HistoryKind,
    RoutingHold,
    Watch,
    WatchSettings,
    WatchState,
)
from inference.watch import evidence, finding
from inference.watch.finding import Found
from inference.watch.watched import watch_settings
from ml.watch import log_evidence
from training import selectors as training

log = logging.getLogger(__name__)

SETTLE = timedelta(seconds=30)
"""So long after a new version took over its calls do not count: the last of them may have met the change."""


def production_watch(*, now: datetime | None = None) -> Watch | None:
    """What beat does: look at the version that routes, and act on what is seen. The watch under way, if any.

    Whoever finds another worker at it returns; a promotion being deployed is waited for.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            watch = _under_way(now)
            if watch is not None:
                _look(watch, now)
            return watch
    except Refused as refused:  # what routes is changing this moment: the next look sees what it became
        log.info("the watch waits: %s", refused.code)
    except IntegrityError:
        log.info("another worker began the watch")
    return None


def _under_way(now: datetime) -> Watch | None:
    """The watch of what routes now, locked; begun if there is none. Those of others are over."""
    live = selectors.production()
    mine = live.pk if live else None
    rows = Watch.objects.select_for_update(skip_locked=True, of=("self",)).select_related("deployment")
    watch = rows.filter(ended_at=None).first()
    if watch is not None and watch.deployment_id != mine:
        _end(watch, WatchState.OVER, now)
        watch = None
    if watch is None and live is not None and _may_begin(live):
        watch = _begin(live, now)
    return watch


def _may_begin(live: Deployment) -> bool:
    """Not while another worker is at it, nor after an alarm until a lead has read it and routing is not held."""
    if Watch.objects.filter(ended_at=None).exists():
        return False
    last = Watch.objects.filter(deployment=live).select_related("hold").first()
    if last is None or last.state == WatchState.KEPT:
        return True
    if last.hold is not None and last.hold.ended_at is None:
        return False
    return last.state == WatchState.HELD or last.seen_at is not None


def _begin(live: Deployment, now: datetime) -> Watch:
    asked = watch_settings()
    certificate = training.certificate_in_force(live.model_version)
    is_first = not Watch.objects.filter(deployment=live).exists()
    promoted = HistoryEntry.objects.filter(kind=HistoryKind.PROMOTED, deployment=live)
    return Watch.objects.create(
        deployment=live,
        is_new=is_first and promoted.exists(),
        promised=certificate.certificate.precision if certificate else None,
        alpha=asked.alpha,
        fewest=asked.fewest,
        days=asked.days,
        silence_hours=asked.silence_hours,
        started_at=live.started_at if is_first else now,
    )


def _look(watch: Watch, now: datetime) -> None:
    asked = watch_settings()
    found = _precision(watch, now) or _calls(watch, asked, now)
    watch.looked_at = now
    watch.save(update_fields=["looked_at", "known", "right", "log_wealth"])
    if found is not None:
        _act(watch, found, now, is_automatic=asked.is_automatic)
    elif now >= watch.started_at + timedelta(days=watch.days):
        _end(watch, WatchState.KEPT, now)


def _precision(watch: Watch, now: datetime) -> Found | None:
    """What became of the tickets; the figures are left on the row."""
    if watch.promised is None:
        return None
    seen = evidence.seen(watch.deployment_id, watch.started_at, now, watch.silence_hours)
    watch.known, watch.right = seen.known, seen.right
    watch.log_wealth = log_evidence(seen, watch.promised)
    return finding.in_outcomes(seen, watch.promised, watch.alpha, watch.fewest)


def _calls(watch: Watch, asked: WatchSettings, now: datetime) -> Found | None:
    """Errors and slowness of a new version that has one before it; without one people get these tickets already."""
    if not watch.is_new or now < watch.started_at + SETTLE or current.way_back() is None:
        return None
    calls = evidence.calls(watch.deployment_id, watch.started_at, now)
    return finding.in_calls(calls, asked, evidence.FEWEST_CALLS)


def _act(watch: Watch, found: Found, now: datetime, *, is_automatic: bool) -> None:
    """Go back, or give everything to people where there is nothing to go back to, or only tell leads. Alarms tell."""
    watch.found = found.to_dict()
    told: dict[str, Any] = {"version": watch.deployment.model_version.number, "found": [watch.found]}
    if not is_automatic:
        history.note(
            HistoryKind.WATCH_ALARM,
            why=found.why,
            version=watch.deployment.model_version,
            deployment=watch.deployment,
            found=watch.found,
        )
        alarm_raise(AlarmKind.REFUTED, **told)
        _end(watch, WatchState.ALARMED, now)
    elif current.way_back() is None:
        watch.hold = _hold_everything(watch, found)
        alarm_raise(AlarmKind.HELD, **told)
        _end(watch, WatchState.HELD, now)
    else:
        made = production_rollback(by=None, why=found.why, only=watch.deployment, found=watch.found)
        watch.back_to = made.model_version if made else None
        alarm_raise(AlarmKind.ROLLED_BACK, **told, back_to=made.model_version.number if made else None)
        _end(watch, WatchState.ROLLED_BACK, now)
    log.warning("version %s: %s", watch.deployment.model_version.number, found.why)


def _hold_everything(watch: Watch, found: Found) -> RoutingHold:
    """Everything to people; the hold there is already, or a new one, with the reason."""
    history.note(
        HistoryKind.HELD,
        why=found.why,
        version=watch.deployment.model_version,
        deployment=watch.deployment,
        found=watch.found,
    )
    try:
        return hold_start(service_id=None, reason=f"{found.why} No version routed before this one.")
    except Refused:
        return RoutingHold.objects.get(service=None, ended_at=None)


def _end(watch: Watch, state: WatchState, now: datetime) -> None:
    watch.state, watch.ended_at = state, now
    watch.save(update_fields=["state", "ended_at", "found", "back_to", "hold"])


@transaction.atomic
def watch_read(*, watch_id: int, by: User) -> Watch:
    """A lead has read what the watch did; reading twice is the same. Raises ``Refused``: not_found."""
    watch = Watch.objects.select_for_update().filter(pk=watch_id).first()
    if watch is None or not watch.found:
        raise Refused("not_found", "There is no such alarm.", status=404)
    if watch.seen_at is None:
        watch.seen_by, watch.seen_at = by, timezone.now()
        watch.save(update_fields=["seen_by", "seen_at"])
    return watch
