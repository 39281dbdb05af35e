"""Keeps one named endpoint as its spec wishes.

Started, answering pings, replaced without a gap, started again after a crash.
"""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from threading import Event
from typing import Any

from compute.port import EndpointSpec, InvalidSpec
from compute.spool import locked, read_json, serving_key, write_json
from compute.supervisor.serving import STARTUP_SECONDS, ServeFailed, ServePool, Server

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.15
PING_EVERY_SECONDS = 5.0
SILENT_AT_MOST_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 60.0
FAILED_AFTER = 3


class Candidate:
    """A server that answers, or is on its way to answer, under the endpoint's name."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.running = False
        self.ready = False
        self.failures = 0
        self.reason = ""
        self.retry_at = 0.0
        self.pinged_at = 0.0
        self.answered_at = time.monotonic()
        self.patience = STARTUP_SECONDS

    def look(self) -> None:
        """One short step: start it, ping it, or note that it failed and when to try again."""
        now = time.monotonic()
        if self.server.is_alive():
            self.running = True
            self._ping(now)
        elif self.running:
            self.running = self.ready = False
            self._failed(now, self.server.reason())
        elif now >= self.retry_at:
            self._start(now)

    def _ping(self, now: float) -> None:
        if self.ready and now - self.pinged_at < PING_EVERY_SECONDS:
            return
        self.pinged_at = now
        if self.server.is_ready():
            self.ready, self.answered_at, self.failures, self.reason = True, now, 0, ""
            self.patience = SILENT_AT_MOST_SECONDS
        elif now - self.answered_at > self.patience:
            self.server.stop()  # the next look finds it gone and starts it again

    def _start(self, now: float) -> None:
        try:
            self.server.ensure_started()
        except (ServeFailed, OSError) as error:
            self._failed(now, str(error))
        else:
            self.running = True
            self.answered_at, self.patience = now, STARTUP_SECONDS

    def _failed(self, now: float, reason: str) -> None:
        self.failures += 1
        self.reason = reason[:1024]
        self.retry_at = now + min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(self.failures, 10))
        logger.warning("serve for %s: failure %s: %s", self.server.artifact_uri, self.failures, reason)


class EndpointKeeper:
    """One endpoint in one thread.

    `current` answers callers; `wanted` is what the spec asks for and takes over once ready.
    """

    def __init__(self, folder: Path, pool: ServePool, shutdown: Event) -> None:
        self.folder = folder
        self.pool = pool
        self.shutdown = shutdown
        self.current: Candidate | None = None
        self.wanted: Candidate | None = None
        self.status: dict[str, Any] = {}

    def run(self) -> None:
        try:
            self._adopt()
            while not self.shutdown.is_set() and self._look():
                self.shutdown.wait(LOOK_SECONDS)
            if self.shutdown.is_set() and self.folder.is_dir():
                self._write(state="creating", reason="the local-compute supervisor is stopped")
        finally:
            self._let_go()

    def _adopt(self) -> None:
        """Go on with what a former supervisor had in service."""
        record = read_json(self.folder / "status.json") or {}
        if record.get("artifact_uri"):
            server = self.pool.acquire(record["artifact_uri"], record.get("environment") or {})
            self.current = Candidate(server)
            if not server.is_alive():
                self._release(self.current)
                self.current = None

    def _look(self) -> bool:
        """One step; False when the endpoint was deleted."""
        path = self.folder / "spec.json"
        if not path.exists():
            return True  # its writer has only made the folder so far
        record = read_json(path) or {}
        if record.get("deleted"):
            return not self._remove()
        try:
            spec = EndpointSpec(**record["spec"])
        except (KeyError, TypeError, InvalidSpec) as error:
            self._step_current()
            self._report(f"the endpoint's spec on disk is unreadable: {error}", broken=True)
            return True
        self._want(spec)
        assert self.wanted is not None
        self.wanted.look()
        if self.wanted.ready and self.current is not self.wanted:
            former, self.current = self.current, self.wanted
            self._report("")  # callers are told of the new one before the old one goes
            self._release(former)
        self._step_current()
        self._report(self.wanted.reason)
        return True

    def _step_current(self) -> None:
        if self.current is not None and self.current is not self.wanted:
            self.current.look()

    def _want(self, spec: EndpointSpec) -> None:
        key = serving_key(spec.artifact_uri, spec.environment)
        if self.wanted is not None and self.wanted.server.key == key:
            return
        if self.wanted is not self.current:
            self._release(self.wanted)
        if self.current is not None and self.current.server.key == key:
            self.wanted = self.current
        else:
            self.wanted = Candidate(self.pool.acquire(spec.artifact_uri, spec.environment))

    def _report(self, reason: str, *, broken: bool = False) -> None:
        answering = self.current if self.current is not None and self.current.ready else None
        if answering is not None:
            server = answering.server
            return self._write(
                state="in_service", artifact_uri=server.artifact_uri, environment=server.environment,
                socket=str(server.socket), reason="" if answering is self.wanted else reason or "updating",
            )  # fmt: skip
        hopeless = broken or (self.wanted is not None and self.wanted.failures >= FAILED_AFTER)
        return self._write(state="failed" if hopeless else "creating", reason=reason)

    def _write(self, **status: Any) -> None:
        if status != self.status:
            write_json(self.folder / "status.json", status)
            logger.info("endpoint %s: %s %s", self.folder.name, status["state"], status.get("reason", ""))
            self.status = status

    def _remove(self) -> bool:
        """Remove the folder, unless the endpoint was wished for again meanwhile."""
        with locked(self.folder.parent / ".lock"):
            if not (read_json(self.folder / "spec.json") or {}).get("deleted"):
                return False
            shutil.rmtree(self.folder)
        logger.info("endpoint %s: deleted", self.folder.name)
        return True

    def _release(self, candidate: Candidate | None) -> None:
        if candidate is not None:
            self.pool.release(candidate.server, discard=True)

    def _let_go(self) -> None:
        if self.shutdown.is_set():
            return  # the pool ends every server itself, and keeps what they unpacked
        if self.wanted is not self.current:
            self._release(self.wanted)
        self._release(self.current)
