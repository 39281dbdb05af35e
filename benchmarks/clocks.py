"""Time a piece of work in a process of its own, which is stopped when it takes too long.

Work of less than SHORT is done once before, so that a fresh process' first touch of its memory is not what is timed,
and then over and over until LONG_ENOUGH has passed: clocks of CPU time are coarse. The same for everybody.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORT = 1.0
LONG_ENOUGH = 1.0
STALLED = 4.0
"""Times the patience by the clock, after which work that gets no CPU is stopped too."""


@dataclass(frozen=True)
class Took:
    """CPU and wall seconds; `seconds` is None where it did not finish, and `why` says why."""

    seconds: float | None
    wall: float
    why: str = ""


def timed(work: Callable[[], Any], patience: float, memory_gb: float = 8.0) -> Took:
    """Run `work` in a fork, which shares all arrays, for at most `patience` CPU seconds and `memory_gb` more memory."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run(work, patience, memory_gb, writer)
    os.close(writer)
    began = time.monotonic()
    with os.fdopen(reader, "rb") as stream:
        ready, _, _ = select.select([stream], [], [], STALLED * patience)
        said = stream.read() if ready else b""
    if not said:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if said:
        found: Took = pickle.loads(said)  # noqa: S301 - our own child's
        return found
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and ready
    why = "killed, perhaps for memory" if killed else f"not finished in {patience:g} s"
    return Took(None, time.monotonic() - began, why)


def _run(work: Callable[[], Any], patience: float, memory_gb: float, writer: int) -> None:
    """In the child: never returns."""
    limit = int(patience) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    most = _size() + int(memory_gb * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    try:
        took = _mean(work, 0.0)
        if took.wall < SHORT:
            took = _mean(work, LONG_ENOUGH)
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        took = Took(None, 0.0, f"failed: {type(error).__name__}")
        if isinstance(error, MemoryError):
            took = Took(None, 0.0, f"needs more than {memory_gb:g} GB")
    with os.fdopen(writer, "wb") as stream:
        stream.write(pickle.dumps(took))
    os._exit(0)


def _mean(work: Callable[[], Any], at_least: float) -> Took:
    """Mean seconds of one go; as many goes as fill `at_least` seconds by the clock, one or more."""
    goes, began, wall = 0, _cpu(), time.perf_counter()
    while goes == 0 or time.perf_counter() - wall < at_least:
        work()
        goes += 1
    return Took((_cpu() - began) / goes, (time.perf_counter() - wall) / goes)


def _cpu() -> float:
    """Of this process, and of children it has waited for."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime


def _size() -> int:
    """Bytes of address space this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
