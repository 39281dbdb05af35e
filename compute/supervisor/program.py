"""One program under `compute.runner` in a folder: started once, found after a crash, ended politely, then by force.

Liveness is a file lock, not a process id: the supervisor locks `run.lock`, and the runner and its program inherit the
open file. The lock is therefore held from before the start until both are gone, whatever happens to the supervisor,
and no reused process id can deceive.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import compute
from compute.spool import read_json, tail, write_json

ROOT = Path(compute.__file__).resolve().parents[1]
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM", "CUDA_VISIBLE_DEVICES", "USER", "LOGNAME",
)  # fmt: skip
POLL_SECONDS = 0.05
KILLED_WITHIN_SECONDS = 10.0


def program_environment(extra: dict[str, str]) -> dict[str, str]:
    """What a program sees: no secrets or addresses of the platform, no model hub, its own variables last."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    fixed = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    return kept | fixed | extra


@dataclass(frozen=True)
class Exit:
    """How a program ended: `code` as subprocess gives it, negative for a signal."""

    code: int
    ended_at: float

    def sentence(self) -> str:
        if self.code >= 0:
            return f"the program ended with exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            name = f"signal {-self.code}"
        hint = " (out of memory?)" if self.code == -signal.SIGKILL else ""
        return f"the program was killed by {name}{hint}"


class Program:
    """The program of one folder. Used by one supervisor thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def _try_lock(self) -> int | None:
        descriptor = os.open(self.folder / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_alive(self) -> bool:
        """Whether the runner or the program still runs; a program that lost its runner is put to an end."""
        if not self.folder.is_dir():
            return False
        descriptor = self._try_lock()
        if descriptor is not None:
            os.close(descriptor)
            self._reap()
            return False
        self._end_orphan()
        return True

    def exit(self) -> Exit | None:
        """How it ended; None while it runs, and for ever when its runner was killed with it."""
        record = read_json(self.folder / "exit.json")
        if record is None:
            return None
        return Exit(int(record.get("code", 1)), float(record.get("ended_at", 0.0)))

    def started_at(self) -> float | None:
        record = read_json(self.folder / "process.json")
        return float(record["started_at"]) if record else None

    def start(
        self, argv: list[str], environment: dict[str, str], working_folder: Path, *, nice: int = 0
    ) -> bool:
        """Start it; False, and nothing happens, when it runs already."""
        descriptor = self._try_lock()
        if descriptor is None:
            return False
        try:
            self._reap()
            self.forget()
            environment = program_environment(environment)
            command = {"argv": argv, "env": environment, "cwd": str(working_folder), "nice": nice}
            write_json(self.folder / "command.json", command)
            with (self.folder / "runner.txt").open("wb") as errors:
                self._runner = subprocess.Popen(
                    [sys.executable, "-m", "compute.runner", str(self.folder.resolve()), str(descriptor)],
                    env=environment, cwd=working_folder, start_new_session=True, pass_fds=[descriptor],
                    stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                )  # fmt: skip
        finally:
            os.close(descriptor)
        return True

    def end(self, grace_seconds: float, hurry: Event | None = None, hurry_seconds: float = 0.0) -> None:
        """SIGTERM, then SIGKILL to all of its group after the grace; `hurry`, once set, shortens the grace."""
        deadline = time.monotonic() + grace_seconds
        asked = False
        while self.is_alive() and time.monotonic() < deadline:
            asked = asked or self._signal(signal.SIGTERM)
            if hurry is not None and hurry.is_set():
                deadline = min(deadline, time.monotonic() + hurry_seconds)
                hurry = None
            time.sleep(POLL_SECONDS)
        deadline = time.monotonic() + KILLED_WITHIN_SECONDS
        while self.is_alive() and time.monotonic() < deadline:
            self._signal(signal.SIGKILL, group=True)
            time.sleep(POLL_SECONDS)

    def forget(self) -> None:
        """Drop the record of an earlier run, so that its end cannot be taken for the next one's."""
        for name in ("process.json", "exit.json"):
            (self.folder / name).unlink(missing_ok=True)

    def reason(self, ml: Path) -> str:
        """Why it ended, for people: its failure file under `ml`, or else how it ended and its last words."""
        try:
            with (ml / "output" / "failure").open("rb") as stream:
                written = stream.read(4096).decode("utf-8", "replace").replace("\x00", "").strip()
        except OSError:
            written = ""
        end = self.exit()
        sentence = end.sentence() if end else "the program vanished"
        return written or f"{sentence}\n{self.last_words()}".strip()

    def last_words(self) -> str:
        """The end of its log, or of its runner's when it never said anything."""
        return tail(self.log, 700).strip() or tail(self.folder / "runner.txt", 700).strip()

    def _pid(self) -> int | None:
        record = read_json(self.folder / "process.json")
        if record and isinstance(record.get("pid"), int):
            return int(record["pid"])
        return self._runner.pid if self._runner is not None else None

    def _signal(self, number: signal.Signals, *, group: bool = False) -> bool:
        # Only called while the lock is held: the group of that id is then still ours.
        pid = self._pid()
        # A runner that has not yet written process.json may not have set its handler yet: only a kill comes earlier.
        if pid is None or (number == signal.SIGTERM and not (self.folder / "process.json").exists()):
            return False
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        return True

    def _end_orphan(self) -> None:
        """Without its runner a program's exit would never be known: end it, so that the work starts again."""
        self._reap()
        pid = self._pid()
        if pid is None:
            return
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _reap(self) -> None:
        if self._runner is not None and self._runner.poll() is not None:
            self._runner = None
