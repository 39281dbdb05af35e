"""Helpers of the tests that start real installations: who runs over a data folder, and how to wait."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an installation of its own over `home`, without this test session's settings."""
    dropped = {"AUDIT_SALT", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "LOG_LEVEL"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"AIGUILLEUR_HOME": str(home), "AIGUILLEUR_FSYNC": "off", **more}


def python(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python *words` over `home` to its end."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment(home, **more), capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL, timeout=180,
    )  # fmt: skip


def alive_over(home: Path) -> list[str]:
    """Command lines of every process started for `home`, whoever its parent is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("AIGUILLEUR_HOME") == str(
                home
            ):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def eventually(condition: Callable[[], object], what: str | Callable[[], str], patience: float = 60) -> None:
    """Wait until `condition` holds; the patience only ends a hopeless wait, of which `what` tells."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"still waiting for: {what() if callable(what) else what}")
        time.sleep(0.1)
