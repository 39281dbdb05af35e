"""A lock file that names the process holding it, and that a killed process cannot leave locked."""

import fcntl
import os
from pathlib import Path


class HeldBy(Exception):
    """Somebody else holds the lock; `pid` is who."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


def take(path: Path) -> int:
    """Lock `path` for this process and write its pid there; returns the descriptor to close. Raises HeldBy."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = int(os.read(descriptor, 32) or 0)
        os.close(descriptor)
        raise HeldBy(pid) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def holder(path: Path) -> int | None:
    """The process that holds the lock at `path`, or None."""
    try:
        with open(path, "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
    except (FileNotFoundError, ValueError):
        pass
    return None
