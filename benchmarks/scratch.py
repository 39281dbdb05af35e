"""A house of one's own for a benchmark: PostgreSQL and Redis as an installation runs them, migrated, gone afterwards.

    with scratch.house() as house:
        from annotation.models import Ticket   # Django is ready from here on
        house.start("gunicorn", "config.wsgi", ...)

Its folder, servers and programs end with this process in whatever way that ends.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.run.programs import PR_SET_PDEATHSIG, prctl

ROOT = Path(__file__).resolve().parents[1]
OURS = ("DATABASE_URL", "REDIS_URL", "BASE_MODEL", "COMPUTE_BACKEND", "COMPUTE_SPOOL", "ARTIFACTS_URI")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass
class House:
    """The folder of the scratch installation and the programs started in it."""

    home: Path
    logs: Path
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program of the virtual environment with this house's environment; its output goes to a log.

        In a session of its own, as the process manager does: Linux shares the cores among sessions first (autogroup),
        and what gives way tells its session (`ml.machine.give_way`), the web server's too if that were the same.
        """
        with (self.logs / f"{Path(command[0]).name}-{len(self.programs)}.log").open("wb") as log:
            program = subprocess.Popen(
                [str(Path(sys.executable).parent / command[0]), *command[1:]],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_us,  # noqa: PLW1509 - only a system call
            )
        self.programs.append(program)
        return program

    def start_line(self, name: str, **values: str) -> subprocess.Popen[bytes]:
        """Start the program of this name in the Procfile, its $VARIABLES replaced by ``values``."""
        lines = (ROOT / "Procfile").read_text().splitlines()
        (line,) = [line.partition(":")[2] for line in lines if line.startswith(f"{name}:")]
        for variable, value in values.items():
            line = line.replace(f"${variable}", value)
        return self.start(*shlex.split(line))

    def serve(self) -> int:
        """Start the web process as the Procfile does, on loopback; returns its port once it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        self.start_line("web", HOST="127.0.0.1", PORT=str(port))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/session/", timeout=5).close()
                return port
            except OSError:
                if time.monotonic() > deadline or self.programs[-1].poll() is not None:
                    raise RuntimeError(f"the web process does not answer\n{self.said()}") from None
                time.sleep(0.1)

    def said(self) -> str:
        """The last lines of every program, for an error message."""
        return "\n".join(
            f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.logs.iterdir())
        )

    def stop(self) -> None:
        """End what was started here."""
        for program in reversed(self.programs):
            program.terminate()
        for program in self.programs:
            try:
                program.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def _end_with_us() -> None:
    """Of a program that is about to start: SIGTERM when this process is gone, however it went."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _ends_by_signals() -> None:
    """Ctrl-C and SIGTERM end the benchmark tidily, also where a shell started it in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))


@contextlib.contextmanager
def house(**environment: str) -> Iterator[House]:
    """Start the servers, set the environment, set Django up and migrate. May be entered once in a process."""
    _ends_by_signals()
    for name in OURS:
        os.environ.pop(name, None)
    logs = Path(tempfile.mkdtemp(prefix="aiguilleur-bench-logs-"))
    home = Path(tempfile.mkdtemp(prefix="aiguilleur-bench-"))
    os.environ |= {
        "AIGUILLEUR_HOME": str(home),
        "AIGUILLEUR_FSYNC": "on",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a benchmark's",
        "AUDIT_SALT": "a benchmark's",
        "AIGUILLEUR_DEMO": "",
        "HF_HUB_OFFLINE": "1",
        "LOG_LEVEL": "WARNING",
    } | environment
    servers = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "scratch"],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    made = House(home, logs)
    try:
        assert servers.stdin is not None and servers.stdout is not None
        if not any(line.strip() == "ready" for line in servers.stdout):
            sys.exit("the servers did not start: see the message above")
        _django()
        yield made
    finally:
        made.stop()
        _let_go()
        if servers.stdin is not None:
            servers.stdin.close()
        servers.wait(60)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(logs, ignore_errors=True)


def _django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    from config import celery  # noqa: F401 - messages are sent through this app

    call_command("migrate", verbosity=0, interactive=False)


def _let_go() -> None:
    with contextlib.suppress(Exception):
        from django.db import connections

        connections.close_all()
