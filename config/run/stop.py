"""`make stop`: end the installation over this data folder, however it was started."""

import os
import signal
import sys
from pathlib import Path

import psutil

from config.embedded import lock
from config.embedded.locations import home_dir
from config.embedded.owner import stop_all


def stop(home: Path, timeout: float = 150) -> bool:
    """Stop the manager, or the servers alone; True if anything ran."""
    pid = lock.holder(home / "run.lock")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        try:
            psutil.Process(pid).wait(timeout)
        except psutil.NoSuchProcess:
            pass
    return stop_all(home) or pid is not None


if __name__ == "__main__":
    print("stopped" if stop(home_dir()) else "nothing was running")
    sys.exit(0)
