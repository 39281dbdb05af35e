"""gunicorn's threads, told how long each call waited for one of them.

A deadline that counts from the first line of ours says nothing when calls queue before it: the caller waits from the
moment the call is there.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_here = threading.local()


class DoorWorker(ThreadWorker):  # type: ignore[misc]
    """The usual threads; ``waited()`` says in each how long its call stood before the door."""

    def enqueue_req(self, conn: Any) -> None:
        """A call is there, or a connection that is about to bring one."""
        conn.came = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """A thread is free for it."""
        _here.waited = time.monotonic() - conn.came
        return super().handle(conn)


def waited() -> float:
    """Seconds that the call of this thread waited for it; 0.0 under another server."""
    return float(getattr(_here, "waited", 0.0))
