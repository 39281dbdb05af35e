"""A PostgreSQL for the peers, on loopback: ours has no pg_trgm, which Label Studio needs, and listens on a socket
only, which doccano cannot read. Set as ours is; gone afterwards.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

START_SECONDS = 60.0
USER = "bench"


@dataclass(frozen=True)
class Server:
    """Where it listens and what it is."""

    port: int
    release: str

    def database(self, name: str) -> str:
        """Make an empty database; returns its name."""
        link = psycopg2.connect(host="127.0.0.1", port=self.port, user=USER, dbname="postgres")
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        link.close()
        return name


def programs() -> Path | None:
    """The folder of the newest PostgreSQL that the system has installed, if any."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start a cluster from the programs in ``folder``; its data goes away with it."""
    from config.embedded.account import account_for
    from config.embedded.owner import SCRATCH
    from config.embedded.postgres import SETTINGS

    base = Path(tempfile.mkdtemp(prefix="bench-peers-pg-"))
    data = base / "data"
    account = account_for(data)
    base.chmod(0o711)
    account.own(base)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = SETTINGS | SCRATCH | {"listen_addresses": "127.0.0.1", "port": str(port)}
    settings["unix_socket_directories"] = str(base)
    command = [str(folder / "postgres"), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    subprocess.run(
        [str(folder / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
        cwd=base, check=True, capture_output=True, **account.popen(),
    )  # fmt: skip
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=base, stdout=log, stderr=log, **account.popen())
    try:
        yield Server(port, _release(port, process, base / "log"))
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(base, ignore_errors=True)


def _release(port: int, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            link = psycopg2.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres")
        except psycopg2.OperationalError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(
                    f"the peers' PostgreSQL does not start\n{log.read_text()[-2000:]}"
                ) from None
            time.sleep(0.1)
            continue
        release = f"PostgreSQL {link.server_version // 10000}.{link.server_version % 10000}"
        link.close()
        return release
