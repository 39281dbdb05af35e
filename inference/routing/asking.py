"""The model's answers within the deadline, or why there are none. Never raises anything else than ``Unavailable``.

Each web process asks with at most ROUTE_CONCURRENCY calls at a time, with fewer while answers come late. Whoever finds
them all taken escalates, so that a slow model makes no queue; a call that its caller has given up keeps its place until
the backend lets go of it. Whoever has stood in line for a fifth of the deadline does not ask any more.
"""

import logging
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import cache
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

from compute.port import ComputeBackend, ComputeError, Throttled
from inference.routing import breaker
from ml.schema import SchemaError, TransformOutput

log = logging.getLogger(__name__)

PLACE_SECONDS = 0.03
"""How long to wait for a place: calls come in bursts, and a place is free again within a few milliseconds."""
TOO_LITTLE = 0.6
"""Of the deadline: with less left nobody is asked. Calls that wait so long before they are decided say that the cores
are wanted elsewhere, and a late answer would not be the model's fault then. At half of it calls queued for longer than
the deadline, and fewer were answered by the model (docs/decisions/routing-under-load.md)."""
LET_GO_SECONDS = 0.1
"""So much later the backend gives a call up too: whoever asked was told before that it was too late."""


class Unavailable(Exception):
    """No answer. ``detail``: busy, too_late, breaker_open, no_shared_state, bad_answer, call_failed, or a code of
    ``compute.port``. ``is_failure``: the endpoint is to blame, and it is news; a full one is not broken."""

    def __init__(self, detail: str, is_failure: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_failure = is_failure


class Places:
    """The calls of this process that may be under way at a time: at most ``most``, fewer while answers come late.

    Halved by an answer that comes too late, one more for as many answers in time as there are places (additive
    increase, multiplicative decrease; Chiu and Jain 1989): what a model on busy cores can answer in time is asked of
    it, and the rest escalates at once, where all asked together would all be late.
    """

    def __init__(self, most: int) -> None:
        self._most = self._room = float(most)
        self._under_way = 0
        self._cut_at = -math.inf
        self._freed = threading.Condition()
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="route")

    def call(self, seconds: float, function: Any, *values: Any) -> Any:
        """The function's result within so many seconds; ``Unavailable`` without a place, ``Late`` without a result."""
        self._take(max(0.0, min(PLACE_SECONDS, seconds)))
        began = time.monotonic()
        running: Future[Any] = self._threads.submit(function, *values)
        running.add_done_callback(self._leave)
        try:
            found = running.result(max(0.0, seconds))
        except Late:
            raise Late(self._is_news(began)) from None
        with self._freed:
            self._room = min(self._most, self._room + 1 / self._room)
        return found

    def _take(self, seconds: float) -> None:
        with self._freed:
            if not self._freed.wait_for(lambda: self._under_way < int(self._room), seconds):
                raise Unavailable("busy")
            self._under_way += 1

    def _leave(self, _: Any) -> None:
        with self._freed:
            self._under_way -= 1
            self._freed.notify()

    def _is_news(self, began: float) -> bool:
        """Make room for fewer. False for a call that was under way when that was done last: it tells nothing new."""
        with self._freed:
            if began < self._cut_at:
                return False
            self._cut_at = time.monotonic()
            self._room = max(1.0, self._room / 2)
            return True


@cache
def _places(most: int) -> Places:
    return Places(most)  # made at the first call: threads do not survive gunicorn's fork


def ask(
    backend: ComputeBackend, endpoint: str, records: list[dict[str, Any]], until: float
) -> list[TransformOutput]:
    """One answer a record, in order, before ``until`` (``time.monotonic()``)."""
    try:
        leave = breaker.enter(endpoint)
    except breaker.Shut:
        raise Unavailable("breaker_open") from None
    except RedisError as error:
        log.warning("nobody is asked while Redis is away: %s", error)
        raise Unavailable("no_shared_state") from error
    try:
        answers = _invoke(backend, endpoint, records, until)
    except Unavailable as unavailable:
        _remember(breaker.failed if unavailable.is_failure else breaker.not_asked, leave)
        raise
    _remember(breaker.succeeded, leave)
    return answers


def _invoke(
    backend: ComputeBackend, endpoint: str, records: list[dict[str, Any]], until: float
) -> list[TransformOutput]:
    seconds = until - time.monotonic()
    share = 1000 * seconds / settings.ROUTE_DEADLINE_MS
    if share < TOO_LITTLE:
        raise Unavailable("too_late")
    try:
        answers = _places(settings.ROUTE_CONCURRENCY).call(
            seconds, backend.invoke, endpoint, records, seconds + LET_GO_SECONDS
        )
        return [TransformOutput.from_dict(answer) for answer in answers]
    except Late as late:
        raise Unavailable("too_late", is_failure=bool(late.args[0])) from None
    except ComputeError as error:
        raise Unavailable(error.code, is_failure=not isinstance(error, Throttled)) from error
    except SchemaError as error:
        raise Unavailable("bad_answer", is_failure=True) from error
    except Unavailable:
        raise
    except Exception as error:  # a bug of an adapter is no reason to leave a customer without an answer
        log.exception("endpoint %s: the call failed", endpoint)
        raise Unavailable("call_failed", is_failure=True) from error


def _remember(note: Any, leave: breaker.Pass) -> None:
    try:
        note(leave)
    except RedisError as error:
        log.warning("the breaker of %s was not told: %s", leave.endpoint, error)
