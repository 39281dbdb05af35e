"""A world of one's own for a replay: a database on the same server, a spool, a supervisor; gone afterwards."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError

from accounts.errors import Refused
from inference import nudges

log = logging.getLogger(__name__)

PREFIX = "replay_"
STOP_SECONDS = 20.0


@contextlib.contextmanager
def scratch(*, seed: int) -> Iterator[Path]:
    """Enter a fresh migrated database with its own compute; yields the folder its files lie in.

    Everything is taken away at the end, however it ends: an error, Ctrl-C, SIGTERM. What a killed replay left
    on the server is dropped by the next. Raises ``Refused("no_database")`` when no server answers.
    """
    folder = Path(tempfile.mkdtemp(prefix="replay-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_terminable())
        stack.enter_context(_settings(folder, seed))
        stack.enter_context(_database())
        stack.enter_context(_supervisor(folder))
        yield folder


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end things as Ctrl-C does, so that the taking away still happens."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever owns it handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _settings(folder: Path, seed: int) -> Iterator[None]:
    changed: dict[str, Any] = {
        "COMPUTE_BACKEND": "local",
        "COMPUTE_SPOOL": folder / "compute",
        "ARTIFACTS_URI": f"file://{folder / 'artifacts'}",
        "AUDIT_SALT": f"replay {seed}",
        "DEMO": False,
    }
    before = {name: getattr(settings, name) for name in changed}
    for name, value in changed.items():
        setattr(settings, name, value)
    nudges.is_silent = True
    try:
        yield
    finally:
        nudges.is_silent = False
        for name, value in before.items():
            setattr(settings, name, value)


@contextlib.contextmanager
def _database() -> Iterator[None]:
    connection = connections["default"]
    home = connection.settings_dict["NAME"]
    name = f"{PREFIX}{os.getpid()}_{uuid.uuid4().hex[:8]}"
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise Refused(
            "no_database",
            "No database answers. Start it first (`make up`, or `python -m config.embedded start`), or set "
            "DATABASE_URL.",
            status=503,
        ) from error
    _drop_leftovers()
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        _enter(name)
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        _enter(home)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _enter(name: str) -> None:
    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def _drop_leftovers() -> None:
    """Drop the databases of replays whose process is no more."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX + "%"])
        for (name,) in cursor.fetchall():
            pid = name.removeprefix(PREFIX).split("_")[0]
            if pid.isdigit() and not psutil.pid_exists(int(pid)):
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _supervisor(folder: Path) -> Iterator[None]:
    """The local-compute supervisor of this replay's spool, and of nothing else."""
    spool = folder / "compute"
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
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
