"""The one process that starts, watches and stops the embedded servers.

A lock file makes it the only one over a data folder. Servers that a killed owner left running are
adopted, so its restart does not interrupt anybody; a server that dies is started again.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from config.embedded import lock
from config.embedded.account import account_for
from config.embedded.locations import ConfigurationError, socket_dir
from config.embedded.postgres import Postgres
from config.embedded.probe import wait_for_servers
from config.embedded.process import alive, end_pid
from config.embedded.redis_server import Redis

Server = Postgres | Redis
LOCK = "embedded.lock"
SCRATCH = {"max_connections": "100", "shared_buffers": "64MB", "autovacuum": "on", "max_wal_size": "256MB"}


def servers_needed(home: Path) -> list[Server]:
    """The embedded servers this installation uses: those without a URL in the environment."""
    needed: list[Server] = []
    # Tests that start many installations may do without waiting for the disk; nobody else should.
    sync = os.environ.get("AIGUILLEUR_FSYNC", "on") != "off"
    if not os.environ.get("DATABASE_URL"):
        needed.append(Postgres(home, sync=sync))
    if not os.environ.get("REDIS_URL"):
        needed.append(Redis(home))
    return needed


def make_home(home: Path) -> None:
    """Create the data folder; PostgreSQL's account, if another than ours, may pass through it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot create the data folder {home}: {error.strerror}") from None
    if not os.access(home, os.W_OK):
        raise ConfigurationError(f"cannot write to the data folder {home}: choose another AIGUILLEUR_HOME")
    home.chmod(0o711 if account_for(home / "pg").switch else 0o700)


class Owner:
    """Owns `servers` over `home` from `start` to `stop`."""

    def __init__(self, home: Path, servers: list[Server]) -> None:
        self.home = home
        self.servers = servers
        self._lock: int | None = None
        self._processes: dict[str, psutil.Process] = {}

    def start(self) -> None:
        """Take the lock, start or adopt every server, wait until all answer."""
        make_home(self.home)
        self._take_lock()
        started = [(server, server.running() is not None, server.start()) for server in self.servers]
        for server, adopted, process in started:
            self._ready(server, process, "adopted" if adopted else "ready")

    def _take_lock(self) -> None:
        try:
            self._lock = lock.take(self.home / LOCK)
        except lock.HeldBy as other:
            raise ConfigurationError(
                f"the servers of {self.home} already run (process {other.pid}); "
                "stop that one first: Ctrl-C in its terminal, or `make stop`"
            ) from None

    def _ready(self, server: Server, process: psutil.Process, word: str) -> None:
        server.wait_ready(process)
        self._processes[server.name] = process
        print(f"{server.name} {word} (process {process.pid}) at {server.sockets}", flush=True)

    def watch(self) -> None:
        """Start again whatever died; call it every second or so."""
        for server in self.servers:
            if not alive(self._processes[server.name]):
                print(f"{server.name} died; starting it again", flush=True)
                self._ready(server, server.start(), "ready again")

    def stop(self) -> None:
        """Stop the servers in reverse order and let the lock go."""
        for server in reversed(self.servers):
            server.stop()
        if not any(server.running() for server in self.servers):
            remove_sockets(self.home)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_sockets(home: Path) -> None:
    """Remove the socket folder when nothing but leftovers of ours is in it."""
    folder = socket_dir(home)
    if folder.is_dir() and not folder.is_symlink():
        for leftover in (*folder.glob(".s.PGSQL.*"), folder / "redis.sock"):
            leftover.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def owner_pid(home: Path) -> int | None:
    """The process that holds the lock over `home`, or None."""
    return lock.holder(home / LOCK)


def run(home: Path) -> None:
    """Own the servers until SIGTERM or SIGINT."""
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: ending.append(received))
    owner = Owner(home, servers_needed(home))
    owner.start()
    try:
        while not ending:
            time.sleep(0.5)
            owner.watch()
    finally:
        owner.stop()


def run_scratch(home: Path) -> None:
    """Own throw-away servers over `home` until standard input closes, then remove `home`.

    Whoever holds the other end may die in any way, kill -9 included: nothing is left behind. Used by tests, and
    with AIGUILLEUR_FSYNC=on by benchmarks: the servers then work exactly as an installation's do.
    """
    as_installed = os.environ.get("AIGUILLEUR_FSYNC") == "on"
    extra = {} if as_installed else SCRATCH
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    owner = Owner(home, [Postgres(home, sync=as_installed, extra=extra), Redis(home, sync=as_installed)])
    try:
        owner.start()
        print("ready", flush=True)
        sys.stdin.buffer.read()
    finally:
        owner.stop()
        shutil.rmtree(home, ignore_errors=True)


def start_in_background(home: Path, timeout: float = 300) -> None:
    """Start an owner detached from this terminal, unless one runs; return when the servers answer."""
    make_home(home)
    child = None
    if owner_pid(home) is None:
        (home / "log").mkdir(exist_ok=True)
        with open(home / "log" / "services.log", "ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "config.embedded", "run"], cwd=Path(__file__).resolve().parents[2],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"AIGUILLEUR_HOME": str(home)},
            )  # fmt: skip
    deadline = time.monotonic() + timeout
    while owner_pid(home) is None:
        if child is not None and child.poll() is not None:
            raise ConfigurationError(_last_line(home / "log" / "services.log"))
        if time.monotonic() > deadline:
            raise ConfigurationError(f"the servers did not start: see {home / 'log'}")
        time.sleep(0.05)
    wait_for_servers(home, deadline - time.monotonic(), lambda: child is None or child.poll() is None)


def stop_all(home: Path, timeout: float = 90) -> bool:
    """Stop the owner and its servers, also servers whose owner is gone; True if anything ran."""
    pid = owner_pid(home)
    if pid is not None and not end_pid(pid, timeout):
        raise ConfigurationError(f"process {pid} does not stop: look into {home / 'log'}, or kill it")
    left = [server for server in (Redis(home), Postgres(home)) if server.running()]
    for server in left:
        server.stop()
    if left:
        remove_sockets(home)
    return pid is not None or bool(left)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"the servers did not start: see {log}"
