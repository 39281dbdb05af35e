"""When to train: the decision, apart from the database. The rows go in, one reason comes out."""

import itertools
import zoneinfo
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cronsim import CronSim, CronSimError

MOST_VETO = timedelta(days=14)
"""No advice holds trainings back for longer than this."""


@dataclass(frozen=True)
class Facts:
    """All that the decision looks at. Times are aware; counts are of labels that may train."""

    now: datetime
    is_active: bool
    is_running: bool
    labels: int
    new_labels: int
    services: int
    minimum_labels: int
    min_new_labels: int
    max_age_hours: int
    cron: str
    cooldown_minutes: int
    failures: int
    max_failures: int
    last_ended_at: datetime | None
    last_started_at: datetime | None
    last_success_at: datetime | None
    veto: "Veto | None" = None
    unknown_services: int = 0
    zone: str = "UTC"
    spent: float = 0.0
    monthly_cap: int = 0


@dataclass(frozen=True)
class Veto:
    """Advice against a training of the labels that are new since the current model: a code and the figures behind
    it. From ``worth_from`` new labels on it no longer holds; None: not before the labels have doubled.
    """

    code: str
    worth_from: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """Start or wait, and why: a code the pages translate, with figures."""

    starts: bool
    code: str
    params: dict[str, Any] = field(default_factory=dict)


class BadSchedule(ValueError):
    """A crontab line that cannot be read."""


def cron_due_since(cron: str, since: datetime, now: datetime, zone: str) -> bool:
    """Say whether the crontab line (five fields, in ``zone``) fell due between two moments.

    Raises BadSchedule.
    """
    following = cron_next(cron, since, zone, 1)
    return bool(following) and following[0] <= now


def cron_next(cron: str, since: datetime, zone: str, count: int) -> list[datetime]:
    """The next moments, at most ``count``, at which the line falls due after ``since``.

    Raises BadSchedule, also for a day that never comes.
    """
    local = since.astimezone(zoneinfo.ZoneInfo(zone))
    try:
        return list(itertools.islice(CronSim(cron, local), count))
    except CronSimError as error:
        raise BadSchedule(
            f"{cron!r} is not a crontab line of five fields, or its day never comes."
        ) from error


def decide(facts: Facts) -> Decision:
    """Enough new labels OR too old OR the clock; never twice at once, never right after the last one.

    Advice may hold a training back that the labels or the clock ask for.
    """
    return (
        _hindrance(facts)
        or _reason_to_start(facts)
        or Decision(False, "counting", {"new": facts.new_labels, "needed": facts.min_new_labels})
    )


def _hindrance(facts: Facts) -> Decision | None:
    """What forbids a training now, whatever the reasons for one."""
    if not facts.is_active:
        return Decision(False, "policy_off")
    if facts.is_running:
        return Decision(False, "running")
    if facts.labels < facts.minimum_labels:
        return Decision(False, "too_few_labels", {"have": facts.labels, "needed": facts.minimum_labels})
    if facts.services < 2:
        return Decision(False, "too_few_services", {"have": facts.services, "needed": 2})
    if facts.failures >= facts.max_failures:
        return Decision(False, "waiting_for_a_person", {"failures": facts.failures})
    if facts.monthly_cap and facts.spent >= facts.monthly_cap:
        return Decision(False, "cost_cap", {"spent": round(facts.spent, 2), "cap": facts.monthly_cap})
    if facts.new_labels == 0:
        return Decision(False, "nothing_new")
    if facts.last_ended_at is not None:
        until = facts.last_ended_at + timedelta(minutes=facts.cooldown_minutes)
        if facts.now < until:
            return Decision(False, "cooling_down", {"until": until.isoformat()})
    return None


def _reason_to_start(facts: Facts) -> Decision | None:
    """Why a training is due, or the advice that holds it back. No advice holds against the first model or its age."""
    figures = {"new": facts.new_labels, "needed": facts.min_new_labels}
    if facts.last_success_at is None:
        return Decision(True, "first_training", {"have": facts.labels, "needed": facts.minimum_labels})
    since = facts.last_started_at or facts.last_success_at
    due = None
    if facts.new_labels >= facts.min_new_labels:
        due = Decision(True, "enough_labels", figures)
    elif facts.cron and cron_due_since(facts.cron, since, facts.now, facts.zone):
        due = Decision(True, "schedule", {**figures, "cron": facts.cron})
    veto = facts.veto if due is not None and _holds(facts) else None
    if due is not None and veto is None:
        return due
    if facts.max_age_hours and facts.now - facts.last_success_at >= timedelta(hours=facts.max_age_hours):
        return Decision(True, "too_old", {**figures, "hours": facts.max_age_hours})
    if veto is None:
        return None
    return Decision(False, "advised_against", {**veto.params, **figures, "advice": veto.code})


def _holds(facts: Facts) -> bool:
    """Whether the advice against a training may hold it back: not for a service the model does not know, not once
    the labels have doubled since the model or are worth it by the advice's own figures, and not for ever.
    """
    if facts.veto is None or facts.unknown_services or facts.last_success_at is None:
        return False
    worth = facts.veto.worth_from
    return (
        facts.new_labels < facts.labels - facts.new_labels
        and (worth is None or facts.new_labels < worth)
        and facts.now - facts.last_success_at < MOST_VETO
    )
