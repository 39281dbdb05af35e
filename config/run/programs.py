"""The programs of the Procfile, and one of them as a running child."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
LOG_BYTES = 10 * 1024 * 1024
STEADY_SECONDS = 30.0
STATELESS = {"beat"}
"""Killed outright when the manager dies: beat, looking for a broker that is gone, can lose its one SIGTERM."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def read_procfile(path: Path) -> dict[str, list[str]]:
    """Name -> arguments, in the file's order; `$NAME` is replaced from the environment."""
    programs = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, command = line.split(":", 1)
            programs[name.strip()] = shlex.split(os.path.expandvars(command))
    return programs


def prctl(option: int, value: int) -> None:
    """Linux's prctl; elsewhere nothing (only kill -9 of the manager is then less tidy)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def child_environment() -> dict[str, str]:
    """This environment, with the virtual environment's programs first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}


@dataclass
class Program:
    """One line of the Procfile: how it is started, what it said, when it may start again."""

    name: str
    arguments: list[str]
    log_path: Path
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = 0
    _log: BinaryIO | None = field(default=None, repr=False)
    _rest: bytes = b""

    def start(self) -> None:
        """Start it in a session of its own, so that the terminal's Ctrl-C reaches only the manager.

        Call from the main thread: the kernel signals the child when the thread that made it ends.
        """
        when_orphaned = signal.SIGKILL if self.name in STATELESS else signal.SIGTERM
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self._log or open(self.log_path, "ab")  # noqa: SIM115 - open as long as we are
        self.child = subprocess.Popen(
            self.arguments, cwd=ROOT, env=child_environment(), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, when_orphaned),  # noqa: PLW1509 - one thread only
        )  # fmt: skip
        assert self.child.stdout is not None
        os.set_blocking(self.child.stdout.fileno(), False)
        self.started_at = time.monotonic()
        self.restart_at = None

    def read(self) -> list[str] | None:
        """Complete lines it wrote since the last call, also put in its log; None at the end of its output."""
        assert self.child is not None and self.child.stdout is not None
        chunk = self.child.stdout.read(65536)
        if chunk is None:
            return []
        if not chunk:
            return None
        assert self._log is not None
        self._log.write(chunk)
        self._log.flush()
        if self._log.tell() > LOG_BYTES:
            self._log.close()
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
            self._log = open(self.log_path, "ab")  # noqa: SIM115
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def ended(self) -> float:
        """Take note that the child ended; returns the seconds until it should start again (1, 2, … 30)."""
        steady = time.monotonic() - self.started_at > STEADY_SECONDS
        self.failures = 1 if steady else self.failures + 1
        delay = min(30.0, 2.0 ** (self.failures - 1))
        self.kill_group(signal.SIGKILL)  # a pool's children must not work on beside the new ones
        if self.child is not None and self.child.stdout is not None:
            self.child.stdout.close()
        self.child = None
        self.restart_at = time.monotonic() + delay
        return delay

    def kill_group(self, how: signal.Signals) -> None:
        """Signal the child and everything it started in its own session."""
        if self.child is not None:
            try:
                os.killpg(self.child.pid, how)
            except (ProcessLookupError, PermissionError):
                pass

    def signal(self, how: signal.Signals) -> None:
        """Signal the child alone."""
        if self.child is not None and self.child.returncode is None:
            try:
                os.kill(self.child.pid, how)
            except ProcessLookupError:
                pass
