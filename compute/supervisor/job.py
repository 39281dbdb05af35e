"""One job's folder as the supervisor sees it: its immutable spec, its status, the wish to stop it."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from compute.metrics import figures, phase
from compute.port import FAILURE_REASON_AT_MOST, ComputeError, JobState, TrainingSpec, TransformSpec
from compute.spool import read_json, tail, write_bytes, write_json

logger = logging.getLogger(__name__)
KEPT_LOG_BYTES = 200_000
KINDS: dict[str, type[TrainingSpec] | type[TransformSpec]] = {
    "training": TrainingSpec,
    "transform": TransformSpec,
}
SEEN_EVERY_SECONDS = 5.0


class BadJob(Exception):
    """The folder holds no spec that can be run."""


class Job:
    """`status` is the supervisor's memory between two crashes; `save` is the only writer of status.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.status: dict[str, Any] = read_json(folder / "status.json") or {}
        self._saved_at = 0.0
        self._log = LogReader(folder / "log.txt")

    def load(self) -> TrainingSpec | TransformSpec:
        """The spec. BadJob when spec.json is missing, damaged, or about another name."""
        record = read_json(self.folder / "spec.json")
        if record is None:
            raise BadJob("the job's spec on disk is unreadable")
        try:
            spec = KINDS[record["kind"]](**record["spec"])
        except (KeyError, TypeError, ValueError, AttributeError, ComputeError) as error:
            raise BadJob(f"the job's spec on disk is not valid: {error}") from error
        if spec.name != self.name:
            raise BadJob("the job's spec on disk is about another job")
        return spec

    @property
    def state(self) -> JobState:
        try:
            return JobState(self.status.get("state", JobState.SUBMITTING))
        except ValueError:
            return JobState.SUBMITTING

    @property
    def stop_requested(self) -> bool:
        return (self.folder / "stop").exists()

    def save(self, **changes: Any) -> None:
        self.status |= changes | {"seen_at": time.time()}
        write_json(self.folder / "status.json", self.status)
        self._saved_at = time.monotonic()

    def report(self, **changes: Any) -> None:
        """Save what changed, and at least every few seconds that the job was seen alive."""
        changed = {name: value for name, value in changes.items() if self.status.get(name) != value}
        if changed or time.monotonic() - self._saved_at > SEEN_EVERY_SECONDS:
            self.save(**changed)

    def begin(self, sub_state: str) -> None:
        self.save(
            state=JobState.RUNNING,
            sub_state=sub_state,
            started_at=self.status.get("started_at") or time.time(),
        )

    def finish(self, state: JobState, reason: str = "", **changes: Any) -> None:
        """Write the end, then let go of everything but the record: the artifact is where it belongs already."""
        self.save(
            state=state,
            sub_state="",
            failure_reason=reason[:FAILURE_REASON_AT_MOST],
            ended_at=time.time(),
            **changes,
        )
        logger.info("job %s: %s%s", self.name, state, f": {reason.splitlines()[0]}" if reason else "")
        self.tidy()

    def tidy(self) -> None:
        """Remove a finished job's scratch and shorten its log. Safe to repeat."""
        shutil.rmtree(self.folder / "ml", ignore_errors=True)
        log = self.folder / "log.txt"
        former = self.folder / "log.1.txt"
        if former.exists() or (log.exists() and log.stat().st_size > KEPT_LOG_BYTES):
            text = tail(former, KEPT_LOG_BYTES) + tail(log, KEPT_LOG_BYTES)
            write_bytes(log, text.encode()[-KEPT_LOG_BYTES:])
            former.unlink(missing_ok=True)
        for name in ("command.json", "process.json", "exit.json", "runner.txt"):
            (self.folder / name).unlink(missing_ok=True)

    def read_log(self) -> None:
        """Bring metrics, phase and progress up to date with the program's log."""
        self._log.read()
        metrics = {**self.status.get("metrics", {}), **self._log.metrics}
        self.report(
            metrics=metrics, phase=self._log.phase or self.status.get("phase", ""),
            progress=metrics.get("progress", self.status.get("progress")),
        )  # fmt: skip

    # A job's time is the time its program ran, over all its attempts: being down costs it nothing.

    def seconds_used(self, attempt_started_at: float | None) -> float:
        running = 0.0 if attempt_started_at is None else max(0.0, time.time() - attempt_started_at)
        return float(self.status.get("used_before", 0.0)) + running

    def close_attempt(self) -> dict[str, Any]:
        """Changes that book the time of an attempt which was last seen at `seen_at`."""
        started, seen = self.status.get("attempt_started_at"), self.status.get("seen_at")
        used = max(0.0, seen - started) if started and seen else 0.0
        return {"used_before": float(self.status.get("used_before", 0.0)) + used, "attempt_started_at": None}


class LogReader:
    """Reads a growing log that is sometimes put aside and begun again; keeps the last value of each metric."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics: dict[str, float] = {}
        self.phase: str | None = None
        self._inode = 0
        self._offset = 0
        self._rest = b""

    def read(self) -> None:
        former = self.path.with_name("log.1.txt")
        try:
            found = self.path.stat()
            if self._inode and found.st_ino != self._inode:
                if former.exists() and former.stat().st_ino == self._inode:
                    self._take(former)
                self._offset = 0
            self._inode = found.st_ino
            self._take(self.path)
        except FileNotFoundError:
            return

    def _take(self, path: Path) -> None:
        with path.open("rb") as stream:
            stream.seek(self._offset)
            while chunk := stream.read(1 << 20):
                self._offset += len(chunk)
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                self._rest = self._rest[-10_000:]
                for line in lines:
                    text = line[:10_000].decode("utf-8", "replace")
                    self.metrics.update(figures(text))
                    self.phase = phase(text) or self.phase
