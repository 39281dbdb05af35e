"""A circuit breaker shared by all processes: an endpoint that keeps failing is left alone, and tried again by one.

Shut after OPEN_AFTER failures without a success between them. From then on nobody asks for OPEN_MS; then one caller
asks on trial while the others still escalate, and its success opens the way for all.
"""

from dataclasses import dataclass

from inference.routing.shared import client

OPEN_AFTER = 5
OPEN_MS = 1_000
TRIAL_MS = 5_000
"""Who asks on trial has so long before another may: it may have been killed."""
MEMORY_MS = 60_000
"""Failures are forgotten after so long without a new one."""


class Shut(Exception):
    """The endpoint failed too often a moment ago."""


@dataclass(frozen=True)
class Pass:
    """Leave to ask. ``is_marked``: failures are remembered, so a success has something to clear. ``is_trial``: for all
    the others, who do not ask meanwhile."""

    endpoint: str
    is_marked: bool
    is_trial: bool = False


def _keys(endpoint: str) -> tuple[str, str, str]:
    return f"route:{endpoint}:failures", f"route:{endpoint}:shut", f"route:{endpoint}:trial"


def enter(endpoint: str) -> Pass:
    """Leave to ask this endpoint. Raises ``Shut``, and ``RedisError`` when nobody knows."""
    failures, shut, trial = _keys(endpoint)
    counted, is_shut = client().mget(failures, shut)
    if is_shut:
        raise Shut
    is_trial = int(counted or 0) >= OPEN_AFTER
    if is_trial and not client().set(trial, 1, nx=True, px=TRIAL_MS):
        raise Shut
    return Pass(endpoint, bool(counted), is_trial)


def succeeded(leave: Pass) -> None:
    """It answered. Raises ``RedisError``."""
    if leave.is_marked:
        client().delete(*_keys(leave.endpoint))


def not_asked(leave: Pass) -> None:
    """Whoever had leave could not use it: another may try. Raises ``RedisError``."""
    if leave.is_trial:
        client().delete(_keys(leave.endpoint)[2])


def failed(leave: Pass) -> None:
    """It did not answer, or not in time. Raises ``RedisError``."""
    failures, shut, trial = _keys(leave.endpoint)
    told = client().pipeline()
    told.incr(failures)
    told.pexpire(failures, MEMORY_MS)
    if told.execute()[0] >= OPEN_AFTER:
        client().set(shut, 1, px=OPEN_MS)
        client().delete(trial)
