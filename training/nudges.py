"""Hastens work by a message; a lost one only costs time, because beat finds the same work from the rows."""

import logging
from typing import Any

from celery import current_app
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

POLICY = "training.tasks.policy_check"
ADVANCE = "training.tasks.run_advance"
REGISTRY = "training.tasks.registry_tell"
FORGET = "training.tasks.snapshots_forget"
POLICY_SECONDS = 1.0
STEP_SECONDS = 0.2
WATCH_SECONDS = 2
HOLD_SECONDS = 10
is_silent = False
"""Replay sets this in its own process: its runs are rows of a database that the workers do not know."""
_ASKED = "training:policy-asked"


def policy() -> None:
    """Labels came or went: ask the policy soon, once for however many came before it is asked."""
    if is_silent:
        return
    try:
        if cache.add(_ASKED, 1, timeout=HOLD_SECONDS):
            _send(POLICY, [], POLICY_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("the policy is asked at the next beat: %s", error)


def policy_taken() -> None:
    """Called when the policy is asked: whatever comes from now on has it asked again."""
    try:
        cache.delete(_ASKED)
    except (RedisError, OSError) as error:
        log.warning("nudge of the policy not cleared: %s", error)


def forget() -> None:
    """Tickets were erased: snapshots let their text go at once rather than at the next beat."""
    _send(FORGET, [], STEP_SECONDS)


def registry() -> None:
    """A version came, or a person decided about one: the model registry hears of it soon."""
    _send(REGISTRY, [], STEP_SECONDS)


def advance(run_id: int) -> None:
    """A run changed its state: take its next step at once rather than at the next beat."""
    _send(ADVANCE, [run_id], STEP_SECONDS)


def watch(run_id: int) -> None:
    """A job is at work: look again soon, so that its bar moves. One look at a time, however many ask."""
    try:
        if cache.add(f"training:watched:{run_id}", 1, timeout=WATCH_SECONDS):
            _send(ADVANCE, [run_id], WATCH_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("run %s is looked at again at the next beat: %s", run_id, error)


def _send(task: str, args: list[Any], countdown: float) -> None:
    """Whoever labels or starts a run must not be told of an error because the broker is away."""
    if is_silent:
        return
    try:
        current_app.send_task(task, args=args, countdown=countdown, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no nudge for %s, beat will find the work: %s", task, error)
