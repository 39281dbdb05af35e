"""Background programs give way: within their session, and with it among the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml.machine import background

AUTOGROUP = Path("/proc/self/autogroup")
TELL = (
    "import os, sys; from pathlib import Path; from ml.machine import give_way; give_way(sys.argv[1]);"
    "told = Path('/proc/self/autogroup'); print(os.nice(0), told.read_text().split()[-1] if told.exists() else '')"
)


def told(asked: str) -> list[str]:
    """(niceness, that of its session) of a program with a session of its own that was told to give way so far."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, asked],
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    return done.stdout.split()


def test_a_program_of_its_own_session_gives_way_with_it() -> None:
    niceness, *session = told("10")
    assert int(niceness) == min(19, os.nice(0) + 10)
    if AUTOGROUP.exists():
        assert session == ["10"], "niceness counts within a session alone"


@pytest.mark.parametrize("asked", ["", "0", "-5", "20", "very"])
def test_what_is_no_niceness_changes_nothing(asked: str) -> None:
    assert told(asked)[0] == str(os.nice(0))


def test_the_environment_says_it_to_the_program() -> None:
    assert background(7) == {"ML_NICE": "7"}
