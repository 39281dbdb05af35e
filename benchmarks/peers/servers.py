"""Starts a peer as a real server: its own environment, its own database in the benchmark's PostgreSQL, gunicorn with
the same flags as ours.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
START_SECONDS = 180.0
GUNICORN = ("--worker-class", "gthread", "--workers", "2", "--threads", "8", "--preload", "--timeout", "120")
FOREIGN = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL", "AIGUILLEUR_HOME", "SECRET_KEY")


class NotInstalled(Exception):
    """The environment lacks the peer; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """One peer's environment: its Python, the folder its programs run in, its settings."""

    venv: Path
    package: str
    home: Path
    environment: dict[str, str]

    def run(self, *command: str, given: str | None = None) -> str:
        """Run a program of the environment to its end; its standard output. RuntimeError with its last words."""
        done = subprocess.run(
            [str(self.venv / "bin" / command[0]), *command[1:]],
            cwd=self.home, env=self.environment, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)[:200]}: {done.stderr[-3000:]}")
        return done.stdout

    def fill(self, script: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Run one of the fill scripts beside this module."""
        # -P: the modules beside the script must not hide the peer's own of the same name.
        said = self.run("python", "-P", str(HERE / script), given=json.dumps(wanted))
        found: dict[str, Any] = json.loads(said)
        return found

    def version(self, name: str) -> str:
        """The release that is installed."""
        code = f"import importlib.metadata as m; print(m.version({name!r}))"
        return self.run("python", "-c", code).strip()


def place(venv: Path, package: str, **environment: str) -> Place:
    """The environment at ``venv``. NotInstalled if the package is not there."""
    found = sorted(venv.glob(f"lib/python3*/site-packages/{package}"))
    if not found:
        raise NotInstalled(
            f"{package} is not installed in {venv}: python3.11 -m venv {venv} && {venv}/bin/pip install -r "
            f"requirements/bench-{'doccano' if package == 'backend' else 'label-studio'}.txt"
        )
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return Place(venv, package, found[0], kept | environment)


def serve(where: Place, application: str, path: str, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start gunicorn on loopback; returns it and its port once ``path`` is answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with log.open("wb") as out:
        program = subprocess.Popen(
            [str(where.venv / "bin" / "gunicorn"), application, "--bind", f"127.0.0.1:{port}", *GUNICORN],
            cwd=where.home, env=where.environment, stdout=out, stderr=out,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).close()
            return program, port
        except urllib.error.HTTPError:
            return program, port
        except OSError:
            if time.monotonic() > deadline or program.poll() is not None:
                program.kill()
                words = log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{application} does not answer\n{words}") from None
            time.sleep(0.2)
