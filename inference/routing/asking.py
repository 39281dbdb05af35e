"""The model's answers within the deadline, or why there are none. Never raises anything else than ``Unavailable``.

Each web process asks with at most ROUTE_CONCURRENCY calls at a time. Whoever finds them all taken escalates, so that a
slow model makes no queue; a call that its caller has given up keeps its place until the backend lets go of it.
"""

import logging
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
LET_GO_SECONDS = 0.1
"""So much later the backend gives a call up too: whoever asked was told before that it was too late."""


class Unavailable(Exception):
    """No answer. ``detail``: busy, too_late, breaker_open, no_shared_state, bad_answer, call_failed, or a code of
    ``compute.port``."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Places:
    """The calls of this process that may be under way at a time."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="route")

    def call(self, seconds: float, function: Any, *values: Any) -> Any:
        """The function's result within so many seconds; ``Unavailable`` without a place, ``Late`` without a result."""
        if not self._free.acquire(timeout=max(0.0, min(PLACE_SECONDS, seconds))):
            raise Unavailable("busy")
        running: Future[Any] = self._threads.submit(function, *values)
        running.add_done_callback(lambda _: self._free.release())
        return running.result(max(0.0, seconds))


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
        if unavailable.detail not in ("busy", Throttled.code):  # full is not broken
            _remember(breaker.failed, leave)
        raise
    _remember(breaker.succeeded, leave)
    return answers


def _invoke(
    backend: ComputeBackend, endpoint: str, records: list[dict[str, Any]], until: float
) -> list[TransformOutput]:
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise Unavailable("too_late")
    try:
        answers = _places(settings.ROUTE_CONCURRENCY).call(
            seconds, backend.invoke, endpoint, records, seconds + LET_GO_SECONDS
        )
        return [TransformOutput.from_dict(answer) for answer in answers]
    except Late:
        raise Unavailable("too_late") from None
    except ComputeError as error:
        raise Unavailable(error.code) from error
    except SchemaError as error:
        raise Unavailable("bad_answer") from error
    except Unavailable:
        raise
    except Exception as error:  # a bug of an adapter is no reason to leave a customer without an answer
        log.exception("endpoint %s: the call failed", endpoint)
        raise Unavailable("call_failed") from error


def _remember(note: Any, leave: breaker.Pass) -> None:
    try:
        note(leave)
    except RedisError as error:
        log.warning("the breaker of %s was not told: %s", leave.endpoint, error)
