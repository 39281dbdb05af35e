"""Work that goes on behind the turns: one piece at a time, in a thread of its own with its own database connection."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.db import connection

GIVES_WAY = 5
"""Added to the niceness of the thread: the depth waits for turns, pages and live tickets on a machine of few cores."""
Work = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Step:
    """One piece of the depth. ``is_apart``: it may run while turns go on; else it runs between two of them."""

    work: Work
    is_apart: bool = True


class Behind:
    """Runs steps. Not thread-safe itself: one thread asks, and another works."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="depth", initializer=_give_way)
        self._under_way: tuple[Step, Future[None]] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a step is under way or its end has not been looked at."""
        return self._under_way is not None

    def run(self, step: Step, seconds: float) -> bool:
        """Begin the step unless it was begun, wait for at most ``seconds``; whether it is done. Its error is raised
        here, and the step may then be begun again. One that was begun and is no longer wanted is waited for first.
        """
        if self._under_way is None:
            if not step.is_apart:
                step.work()
                return True
            self._under_way = (step, self._threads.submit(_with_own_connection, step.work))
        begun, future = self._under_way
        if not wait([future], seconds).done:
            return False
        self._under_way = None
        if begun is not step:
            return False
        future.result()
        return True


def _give_way() -> None:
    """Linux knows a niceness of each thread (sched(7)); elsewhere there is one of the process, and it is left alone."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + GIVES_WAY)


def _with_own_connection(work: Work) -> None:
    try:
        work()
    finally:
        connection.close()
