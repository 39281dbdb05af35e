"""Hastens work by a message; a lost one only costs time, because beat finds the same work from the rows."""

import logging

from celery import current_app
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

HOLD_SECONDS = 10
is_silent = False
"""Replay sets this in its own process: it drives everything itself, in a database of its own."""
LEARNER = "inference.tasks.learner_refresh"
TRANSFORMS = "inference.tasks.transforms_drive"
WORK = "inference.tasks.work_find"
OBSERVER = "inference.tasks.observer_drive"
PROMOTIONS = "inference.tasks.promotions_drive"
ESCALATIONS = "inference.tasks.escalations_drive"
ALARMS = "inference.tasks.alarms_send"


def _send(task: str) -> None:
    """Send one message however many ask, until ``taken`` says that the work began (or ten seconds passed)."""
    if is_silent:
        return
    try:
        if cache.add(f"nudge:{task}", 1, timeout=HOLD_SECONDS):
            current_app.send_task(task, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no nudge for %s, beat will find the work: %s", task, error)


def taken(task: str) -> None:
    """Called when the work begins: whatever comes from now on sends a new message."""
    try:
        cache.delete(f"nudge:{task}")
    except (RedisError, OSError) as error:
        log.warning("nudge of %s not cleared: %s", task, error)


def learner() -> None:
    """Labels, services, vectors or the space changed."""
    _send(LEARNER)


def escalations() -> None:
    """A person answered a waiting customer, and the desk is to be told."""
    _send(ESCALATIONS)


def alarms() -> None:
    """Something is wrong, and people outside the pages are to be told."""
    _send(ALARMS)


def transforms() -> None:
    """A transform was planned."""
    _send(TRANSFORMS)


def work() -> None:
    """Tickets or model versions came."""
    _send(WORK)


def observer() -> None:
    """An observation began or ended, or tickets wait for the candidate."""
    _send(OBSERVER)


def promotions() -> None:
    """A promotion was asked for or approved, or production goes back."""
    _send(PROMOTIONS)
