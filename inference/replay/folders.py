"""The folder of a replay: locked while its process lives, so that the next one finds what a killed one left."""

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from compute.spool import Spool

PREFIX = "aiguilleur-replay-"
LOCK = "lock"
STOP_SECONDS = 20.0


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder of one's own in the machine's temporary folder, readable by this user only; removed at the end."""
    sweep()
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (path / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of replays whose process is gone, and stop the supervisors that work in them."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or gone meanwhile
            if path.stat().st_uid == os.getuid() and not _is_held(path / LOCK):
                _stop_supervisor(spool(path))
                shutil.rmtree(path, ignore_errors=True)


def spool(path: Path) -> Spool:
    """The local-compute spool inside a replay's folder."""
    return Spool(path / "compute")


def _is_held(lock: Path) -> bool:
    """Whether a living process holds this lock. A folder without one is being made at this moment."""
    if not lock.exists():
        return time.time() - lock.parent.stat().st_mtime < STOP_SECONDS
    with lock.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _stop_supervisor(left: Spool) -> None:
    """SIGTERM to the process that holds the spool's lock: the number in the file is certain while the lock is held."""
    deadline = time.monotonic() + STOP_SECONDS
    asked = False
    while left.lock.exists() and _is_held(left.lock):
        number = left.lock.read_text().strip()
        if number.isdigit() and not asked:
            os.kill(int(number), signal.SIGTERM)
            asked = True
        elif number.isdigit() and time.monotonic() > deadline:
            os.kill(int(number), signal.SIGKILL)
        time.sleep(0.05)
