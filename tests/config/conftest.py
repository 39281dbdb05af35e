"""Installations of their own for the tests of the platform."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.processes import python


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    """An empty data folder, stopped and removed at the end."""
    yield from _home()


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty data folder, stopped and removed at the end."""
    yield from _home()


def _home() -> Iterator[Path]:
    # Not pytest's tmp_path: its parents are closed to the account PostgreSQL runs as under root.
    folder = Path(tempfile.mkdtemp(prefix="aiguilleur-installation-", dir="/tmp"))
    yield folder
    python(folder, "-m", "config.run.stop")
    shutil.rmtree(folder, ignore_errors=True)
