"""Keeps the programs running and stops them in order. One thread, one loop.

The manager is the reaper of its whole family: processes whose parent died become its children, so that at
the end none is left, whoever started it.
"""

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable

import psutil

from config.run.programs import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    ROOT,
    Program,
    child_environment,
    prctl,
)

OWNER = "services"
PATIENCE = 20.0
OWNER_PATIENCE = 90.0
WORTH_SHOWING = re.compile(
    r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|Traceback|Error:|^[\w.]+(Error|Exception)\b"
)


class Stopped(Exception):
    """Somebody asked the manager to stop."""


class Manager:
    """Runs `programs`; `say` prints a line, `verbose` shows every line the programs write."""

    def __init__(self, programs: dict[str, Program], say: Callable[[str], None], verbose: bool) -> None:
        self.programs = programs
        self.say = say
        self.verbose = verbose
        self.asked = 0
        self._steps: dict[int, int | None] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(self._wake_writer)
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(how, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    @property
    def logs(self) -> str:
        """The folder of the programs' logs."""
        return str(next(iter(self.programs.values())).log_path.parent)

    def _ask(self, *_: object) -> None:
        self.asked += 1

    def start(self, name: str) -> None:
        program = self.programs[name]
        program.start()
        assert program.child is not None and program.child.stdout is not None
        self._selector.register(program.child.stdout, selectors.EVENT_READ, program)

    def turn(self, timeout: float = 0.5) -> None:
        """One turn of the loop: pass on output, notice ends, start again what is due."""
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(self._wake_reader, 4096)
            else:
                self._pass_on(key.data)
        self._reap()
        if not self.asked:
            for name, program in self.programs.items():
                if program.restart_at is not None and time.monotonic() >= program.restart_at:
                    self.start(name)

    def _pass_on(self, program: Program) -> None:
        lines = program.read()
        if lines is None:
            assert program.child is not None and program.child.stdout is not None
            self._selector.unregister(program.child.stdout)
            return
        for line in lines:
            if self.verbose or (not self.asked and WORTH_SHOWING.search(line)):
                self.say(f"{program.name:>10} │ {line}")

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if pid in self._steps:
                self._steps[pid] = code
            for program in self.programs.values():
                if program.child is not None and program.child.pid == pid:
                    self._ended(program, code)

    def _ended(self, program: Program, code: int) -> None:
        assert program.child is not None and program.child.stdout is not None
        program.child.returncode = code
        if program.child.stdout in self._selector.get_map():
            self._pass_on(program)  # its last words; up to 64 KiB
        if program.child.stdout in self._selector.get_map():
            self._selector.unregister(program.child.stdout)
        delay = program.ended()
        if not self.asked:
            how = f"signal {-code}" if code < 0 else f"status {code}"
            self.say(
                f"{program.name} ended ({how}); it starts again in {delay:.0f} s (log: {program.log_path})"
            )

    def step(self, arguments: list[str], environment: dict[str, str] | None = None) -> int:
        """Run one command to its end with our terminal, keeping the programs going; returns its status."""
        child = subprocess.Popen(
            arguments, cwd=ROOT, env=child_environment() | (environment or {}), stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 - one thread
        )  # fmt: skip
        self._steps[child.pid] = None
        while (code := self._steps[child.pid]) is None:
            if self.asked:
                os.kill(child.pid, signal.SIGTERM)
            self.turn(0.2)
        child.returncode = code
        self.check()
        return code

    def until(self, ready: Callable[[], bool], timeout: float, what: str) -> None:
        """Turn until `ready`; TimeoutError names `what`."""
        deadline = time.monotonic() + timeout
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} is not ready after {timeout:.0f} s: see {self.logs}")
            self.turn(0.1)

    def check(self) -> None:
        if self.asked:
            raise Stopped

    def stop(self) -> None:
        """Stop everything: first all but the servers' owner, then what they left, then the owner."""
        self.asked = max(1, self.asked)
        others = [program for name, program in self.programs.items() if name != OWNER and program.child]
        self._end(others, PATIENCE)
        owner = self.programs.get(OWNER)
        self._sweep(keep=owner.child.pid if owner and owner.child else None)
        if owner and owner.child:
            self._end([owner], OWNER_PATIENCE)
        self._sweep(keep=None)

    def _end(self, programs: list[Program], patience: float) -> None:
        for program in programs:
            program.signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        while any(program.child for program in programs) and time.monotonic() < deadline:
            self.turn(0.1)
            if self.asked > 1 and programs[0].name != OWNER:
                deadline = min(deadline, time.monotonic() + 2)
        for program in programs:
            program.kill_group(signal.SIGKILL)
        while any(program.child for program in programs):
            self.turn(0.1)

    def _sweep(self, keep: int | None) -> None:
        """End every descendant that is left, except the servers and their owner."""
        me = psutil.Process()
        kept = {keep}
        if keep is not None:
            kept |= {child.pid for child in _family(keep)}
            # Servers whose owner was killed are our children now; the new owner looks after them.
            kept |= {
                c.pid for child in me.children() if _is_server(child) for c in [child, *_family(child.pid)]
            }
        left = [child for child in me.children(recursive=True) if child.pid not in kept]
        for child in left:
            _quietly(child.terminate)
        deadline = time.monotonic() + 5
        while any(_runs(child) for child in left) and time.monotonic() < deadline:
            self.turn(0.1)
        for child in left:
            if _runs(child):
                _quietly(child.kill)
        self.turn(0.1)


def _is_server(process: psutil.Process) -> bool:
    try:
        return process.name() in {"postgres", "redis-server"}
    except psutil.Error:
        return False


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except psutil.Error:
        pass
