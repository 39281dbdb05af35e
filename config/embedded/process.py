"""What both servers need to know about a process that may or may not be their child."""

import os
import signal
from collections.abc import Iterable

import psutil


def alive(process: psutil.Process) -> bool:
    """Whether `process` still runs (a zombie does not, and neither does a reused pid)."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, ways: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, giving each its seconds, until `process` is gone."""
    for how, patience in ways:
        try:
            os.kill(process.pid, how)
            process.wait(patience)
            return
        except psutil.TimeoutExpired:
            continue
        except (psutil.NoSuchProcess, ProcessLookupError):
            return
