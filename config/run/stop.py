"""`make stop`: end the installation over this data folder, however it was started."""

import sys
from pathlib import Path

from config.embedded import lock
from config.embedded.locations import ConfigurationError, home_dir
from config.embedded.owner import stop_all
from config.embedded.process import end_pid


def stop(home: Path, timeout: float = 150) -> bool:
    """Stop the manager, or the servers alone; True if anything ran."""
    pid = lock.holder(home / "run.lock")
    if pid is not None and not end_pid(pid, timeout):
        raise ConfigurationError(f"process {pid} does not stop: look into {home / 'log'}, or kill it")
    return stop_all(home) or pid is not None


if __name__ == "__main__":
    try:
        print("stopped" if stop(home_dir()) else "nothing was running")
    except ConfigurationError as error:
        sys.exit(str(error))
