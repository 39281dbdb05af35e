"""The supervisor's loop: gives each job and endpoint of the spool a thread, beats its heart, goes away cleanly."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO, Protocol

from compute.port import NAME, JobState, TrainingSpec, TransformSpec
from compute.spool import Spool, read_json, socket_path
from compute.supervisor.endpoint import EndpointKeeper
from compute.supervisor.job import BadJob, Job
from compute.supervisor.program import Program
from compute.supervisor.serving import IDLE_SECONDS, ServePool
from compute.supervisor.training import Graces, TrainingRun
from compute.supervisor.transform import TransformRun

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.15
HEARTBEAT_EVERY_SECONDS = 2.0
LOCK_WAIT_SECONDS = 2.0
PAUSE_AFTER_FAULT_SECONDS = 5.0
NEW_FOLDER_KEPT_SECONDS = 3600.0
RECORD_KEPT_SECONDS = 90 * 86_400.0
SWEEP_EVERY_SECONDS = 600.0


class AlreadyRunning(Exception):
    """Another supervisor holds this spool."""


class Run(Protocol):
    def run(self) -> None: ...

    def wake(self) -> None: ...


@dataclass(frozen=True)
class Options:
    """`train` and `serve` are the programs' command lines; seconds elsewhere."""

    train: list[str] = field(default_factory=lambda: [sys.executable, "-m", "ml", "train"])
    serve: list[str] = field(default_factory=lambda: [sys.executable, "-m", "ml", "serve"])
    graces: Graces = field(default_factory=Graces)
    idle_seconds: float = IDLE_SECONDS


class Supervisor:
    """One training and one transform at a time, in order of submission; every endpoint always."""

    def __init__(self, spool: Spool, options: Options) -> None:
        self.spool = spool
        self.options = options
        self.shutdown = Event()
        self.finished: set[str] = set()
        self.lanes: dict[type, tuple[str, Run, Thread]] = {}
        self.keepers: dict[str, Thread] = {}
        self.paused_until: dict[str, float] = {}
        self.sweep_at = 0.0

    def run(self) -> None:
        """Until `shutdown` is set. AlreadyRunning when another supervisor has the spool."""
        self.spool.prepare()
        with self._take_lock():
            self.pool = ServePool(self.spool, self.options.serve, self.options.idle_seconds)
            logger.info("local compute: ready in %s", self.spool.root)
            beat = Thread(target=self._beat, daemon=True)
            beat.start()
            while not self.shutdown.is_set():
                try:
                    self._look()
                except OSError:
                    logger.exception("cannot work in the spool; trying again")
                    self.shutdown.wait(PAUSE_AFTER_FAULT_SECONDS)
                self.shutdown.wait(LOOK_SECONDS)
            self._go()
            beat.join()
            self.spool.heartbeat.unlink(missing_ok=True)

    def _take_lock(self) -> BinaryIO:
        stream = self.spool.lock.open("a+b")
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    stream.close()
                    raise AlreadyRunning(
                        f"another local-compute supervisor works in {self.spool.root}"
                    ) from None
                time.sleep(0.1)
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n".encode())
        stream.flush()
        return stream

    def _beat(self) -> None:
        while not self.shutdown.is_set():
            try:
                self.spool.heartbeat.touch()
            except OSError:
                logger.exception("no heartbeat")
            self.shutdown.wait(HEARTBEAT_EVERY_SECONDS)

    def _look(self) -> None:
        for kind, (name, run, thread) in list(self.lanes.items()):
            run.wake()
            if not thread.is_alive():
                del self.lanes[kind]
                logger.debug("job %s: its thread ended", name)
        for job in self._pending():
            self._consider(job)
        self._look_at_endpoints()
        self.pool.tick()
        if time.monotonic() >= self.sweep_at:
            self.sweep_at = time.monotonic() + SWEEP_EVERY_SECONDS
            self._sweep()

    def _pending(self) -> list[Job]:
        """Jobs without an end and without a thread: those already begun first, then in order of submission."""
        active = {name for name, _, _ in self.lanes.values()}
        found: list[tuple[bool, float, str, Job]] = []
        for entry in os.scandir(self.spool.jobs):
            name = entry.name
            if name in self.finished or name in active or self.paused_until.get(name, 0.0) > time.monotonic():
                continue
            if not entry.is_dir(follow_symlinks=False) or NAME.fullmatch(name) is None:
                self.finished.add(name)  # not ours: left alone
                continue
            job = Job(Path(entry.path))
            if job.state.is_final:
                job.tidy()
                self.finished.add(name)
                continue
            submitted = (read_json(job.folder / "spec.json") or {}).get("submitted_at", 0.0)
            found.append(("state" not in job.status, submitted, name, job))
        return [job for _, _, _, job in sorted(found, key=lambda item: item[:3])]

    def _consider(self, job: Job) -> None:
        try:
            spec = job.load()
        except BadJob as error:
            Program(job.folder).end(self.options.graces.shutdown)
            return job.finish(JobState.FAILED, str(error))
        if "state" not in job.status and job.stop_requested:
            return job.finish(JobState.STOPPED)
        if type(spec) in self.lanes:
            return None
        run: Run
        if isinstance(spec, TrainingSpec):
            run = TrainingRun(job, spec, self.options.train, self.options.graces, self.shutdown)
        else:
            assert isinstance(spec, TransformSpec)
            run = TransformRun(job, spec, self.pool, self.shutdown)
        thread = Thread(target=self._guard, args=(job, run), name=job.name, daemon=True)
        self.lanes[type(spec)] = (job.name, run, thread)
        thread.start()
        return None

    def _guard(self, job: Job, run: Run) -> None:
        """A fault of ours fails the job with its reason; if even that cannot be written, it is tried again later."""
        try:
            run.run()
        except Exception as error:
            logger.exception("job %s: the supervisor failed", job.name)
            self.paused_until[job.name] = time.monotonic() + PAUSE_AFTER_FAULT_SECONDS
            try:
                Program(job.folder).end(self.options.graces.shutdown)
                job.finish(
                    JobState.FAILED, f"the local-compute supervisor failed: {type(error).__name__}: {error}"
                )
            except OSError:
                logger.exception("job %s: its failure cannot be written", job.name)

    def _look_at_endpoints(self) -> None:
        for entry in os.scandir(self.spool.endpoints):
            name = entry.name
            thread = self.keepers.get(name)
            if thread is not None and thread.is_alive():
                continue
            if not entry.is_dir(follow_symlinks=False) or NAME.fullmatch(name) is None:
                continue
            if self.paused_until.get(f"endpoint {name}", 0.0) > time.monotonic():
                continue
            self.keepers[name] = Thread(target=self._keep, args=(Path(entry.path),), name=name, daemon=True)
            self.keepers[name].start()

    def _keep(self, folder: Path) -> None:
        try:
            EndpointKeeper(folder, self.pool, self.shutdown).run()
        except Exception:
            logger.exception("endpoint %s: the supervisor failed; trying again", folder.name)
            self.paused_until[f"endpoint {folder.name}"] = time.monotonic() + PAUSE_AFTER_FAULT_SECONDS

    def _sweep(self) -> None:
        """Remove folders whose writer died before their renaming into `jobs`, and records of jobs long ended."""
        for entry in os.scandir(self.spool.new):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > NEW_FOLDER_KEPT_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)
        for name in list(self.finished):
            status = read_json(self.spool.jobs / name / "status.json") or {}
            if time.time() - status.get("ended_at", time.time()) > RECORD_KEPT_SECONDS:
                shutil.rmtree(self.spool.jobs / name, ignore_errors=True)
                self.finished.discard(name)

    def _go(self) -> None:
        """Leave nothing running. Jobs stay RUNNING in their files and go on at the next start."""
        for _, run, _ in self.lanes.values():
            run.wake()
        stopping = threading.Thread(target=self.pool.stop_all, args=(self.options.graces.shutdown,))
        stopping.start()
        for _, _, thread in self.lanes.values():
            thread.join()
        for thread in self.keepers.values():
            thread.join()
        stopping.join()
        self.pool.stop_all(0.0)  # a server that a thread started meanwhile
        with contextlib.suppress(OSError):
            socket_path(self.spool, "none").parent.rmdir()
        logger.info("local compute: stopped")
