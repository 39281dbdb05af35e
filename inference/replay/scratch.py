"""A world of one's own for a replay: a database on the same server, a spool, a supervisor; gone afterwards."""

import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError, ProgrammingError

from accounts.errors import Refused
from inference import nudges
from inference.replay import folders
from training import nudges as training_nudges

PREFIX = "aiguilleur_replay_"
TURN_LOCK = 7_205_001
"""Advisory lock of the server's own database: replays make and drop databases one after another."""


@contextlib.contextmanager
def scratch(*, seed: int) -> Iterator[Path]:
    """Enter a fresh migrated database with its own compute; yields the folder its files lie in.

    Everything is taken away at the end, however it ends: an error, Ctrl-C, SIGTERM. What a killed replay left
    on the server is dropped by the next. Raises ``Refused("no_database")`` when no server answers.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_terminable())
        folder = stack.enter_context(folders.folder())
        stack.enter_context(_settings(folder, seed))
        stack.enter_context(_database())
        stack.enter_context(_supervisor(folder))
        yield folder


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end things as Ctrl-C does, so that the taking away still happens."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread: whoever owns it handles signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _settings(folder: Path, seed: int) -> Iterator[None]:
    changed: dict[str, Any] = {
        "COMPUTE_BACKEND": "local",
        "COMPUTE_SPOOL": folders.spool(folder).root,
        "ARTIFACTS_URI": f"file://{folder / 'artifacts'}",
        "SNAPSHOTS_DIR": folder / "snapshots",
        "AUDIT_SALT": f"replay {seed}",
        "DEMO": False,
    }
    before = {name: getattr(settings, name) for name in changed}
    for name, value in changed.items():
        setattr(settings, name, value)
    nudges.is_silent = training_nudges.is_silent = True
    try:
        yield
    finally:
        nudges.is_silent = training_nudges.is_silent = False
        for name, value in before.items():
            setattr(settings, name, value)


@contextlib.contextmanager
def _database() -> Iterator[None]:
    home = connections["default"].settings_dict["NAME"]
    name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    guard = _make_database(name)
    try:
        _enter(name)
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        guard.close()
        _enter(home)
        with connections["default"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _make_database(name: str) -> Any:
    """Create the database; returns a connection to it that shows, while it lasts, that its replay lives."""
    connection = connections["default"]
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise Refused(
            "no_database",
            "No database answers. Start it first (`make up`, or `python -m config.embedded start`), or set "
            "DATABASE_URL.",
            status=503,
        ) from error
    guard = connection.copy()
    guard.settings_dict["NAME"] = name
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TURN_LOCK])
        try:
            _drop_leftovers(cursor)
            cursor.execute(f'CREATE DATABASE "{name}"')
            guard.connect()
        except ProgrammingError as error:
            raise Refused(
                "may_not_create",
                "A replay needs a database of its own, and this user may not create one: ALTER ROLE … CREATEDB.",
                status=503,
            ) from error
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TURN_LOCK])
    return guard


def _enter(name: str) -> None:
    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def _drop_leftovers(cursor: Any) -> None:
    """Drop this user's databases of replays that hold no connection any more: their processes are gone.

    The server's own workers (autovacuum) do not count.
    """
    cursor.execute(
        """SELECT datname FROM pg_database d
           WHERE datname ~ %s AND pg_get_userbyid(datdba) = current_user
             AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                             WHERE a.datname = d.datname AND a.backend_type = 'client backend')""",
        [f"^{PREFIX}[0-9a-f]{{12}}$"],
    )
    for (left,) in cursor.fetchall():
        cursor.execute(f'DROP DATABASE IF EXISTS "{left}" WITH (FORCE)')


@contextlib.contextmanager
def _supervisor(folder: Path) -> Iterator[None]:
    """The local-compute supervisor of this replay's spool, and of nothing else."""
    spool = folders.spool(folder).root
    command = [sys.executable, "-m", "compute.supervisor", "--spool", str(spool), "--idle", "600"]
    with (folder / "supervisor.log").open("wb") as log_file:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, stdout=log_file, stderr=log_file, start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(folders.STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
