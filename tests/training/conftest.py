"""A workshop: labels and a backend, with a real supervisor over a small real program.

Django's models load only once pytest has set it up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def workshop(tmp_path: Path, settings: Any, db: None) -> Iterator[Any]:
    """A workshop whose supervisor is not running yet."""
    from tests.compute.conftest import House
    from tests.training.workshop import Workshop

    house = House(tmp_path)
    settings.ARTIFACTS_URI = house.artifacts.as_uri()
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    settings.BASE_MODEL = str(base)
    yield Workshop(house)
    house.close()


@pytest.fixture
def trained(workshop: Any) -> Any:
    """The same, its supervisor running the small program."""
    from tests.training.workshop import PROGRAM

    workshop.house.supervise("--train", f"{sys.executable} {PROGRAM}")
    return workshop


@pytest.fixture
def trained_apart(workshop: Any) -> Any:
    """The same, the supervisor being a process that can be killed."""
    workshop.supervise_apart()
    return workshop
