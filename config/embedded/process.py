"""What the owner needs to know about a process that may or may not be its child."""

import os
import signal
import time
from collections.abc import Iterable

import psutil


def alive(process: psutil.Process) -> bool:
    """Whether `process` still runs (a zombie does not, and neither does a reused pid)."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(process: psutil.Process, patience: float) -> bool:
    """Wait up to `patience` seconds until `process` has ended; True if it has."""
    deadline = time.monotonic() + patience
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(process: psutil.Process, ways: Iterable[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn, giving each its seconds, until `process` has ended; True if it has."""
    for how, patience in ways:
        try:
            os.kill(process.pid, how)
        except ProcessLookupError:
            return True
        if gone(process, patience):
            return True
    return False


def end_pid(pid: int, patience: float) -> bool:
    """Ask the process `pid` to end (SIGTERM) and wait; True if it has ended."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    return end(process, [(signal.SIGTERM, patience)])
