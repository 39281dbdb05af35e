"""What must be so before anything starts; each failing point is one line that says what to do."""

import os
import shutil
import socket
from pathlib import Path

from config.embedded.locations import ConfigurationError, home_dir
from config.embedded.owner import make_home, owner_pid
from config.embedded.probe import check_external

KIND = "kind"
NEEDED_BYTES = 1 << 30


def check(*, demo: bool) -> Path:
    """Check everything; returns the data folder. Sets HOST and PORT for the Procfile."""
    home = home_dir()
    os.environ.setdefault("HOST", "127.0.0.1")
    os.environ.setdefault("PORT", "8000")
    check_not_running(home)
    check_port(os.environ["HOST"], os.environ["PORT"])
    make_home(home)
    check_disk(home)
    check_kind(home, demo=demo)
    check_external()
    return home


def check_not_running(home: Path) -> None:
    pid = owner_pid(home)
    if pid is not None:
        raise ConfigurationError(
            f"the servers of {home} already run (process {pid}): stop them with Ctrl-C in their terminal, "
            "or with `make stop`"
        )


def check_port(host: str, port: str) -> None:
    """The port is a number and free (an old connection that is still closing does not count)."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"PORT={port!r} is not a port: use a number, for example PORT=8001")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} on {host} cannot be used ({error.strerror}): choose another, for example PORT="
                f"{int(port) + 1 if int(port) < 65535 else 8000}"
            ) from None


def check_disk(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < NEEDED_BYTES:
        raise ConfigurationError(f"only {free >> 20} MB are free at {home}: 1024 MB are needed at least")


def check_kind(home: Path, *, demo: bool) -> None:
    """Never mix demo data with a company's own: the folder remembers what it holds."""
    marker = home / KIND
    wanted = "demo" if demo else "own"
    found = marker.read_text().strip() if marker.exists() else wanted
    if found != wanted:
        raise ConfigurationError(
            f"{home} holds {'demo data' if found == 'demo' else 'data of your own'}: "
            f"start it with `make {'demo' if found == 'demo' else 'up'}`, or set AIGUILLEUR_HOME to another folder"
        )
    marker.write_text(f"{wanted}\n")
