"""What a fresh machine may lack gets one line that says what to do, before anything is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.processes import ROOT


def prepare(path: str) -> subprocess.CompletedProcess[str]:
    """`python config/prepare.py` where only the programs of `path` can be found."""
    return subprocess.run(
        [sys.executable, "config/prepare.py"], cwd=ROOT, env=os.environ | {"PATH": path}, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def program(folder: Path, name: str, says: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {says}\n")
    file.chmod(0o755)


def test_a_missing_node_is_one_line(tmp_path):
    done = prepare(str(tmp_path))
    assert done.returncode == 1 and done.stdout == ""
    assert (
        done.stderr
        == "node is missing: install Node.js 20.19 or newer (Debian: apt-get install nodejs npm)\n"
    )


def test_a_missing_npm_is_one_line(tmp_path):
    program(tmp_path, "node", "v20.19.0")
    done = prepare(str(tmp_path))
    assert (
        done.returncode == 1 and done.stderr.startswith("npm is missing: ") and done.stderr.count("\n") == 1
    )


@pytest.mark.parametrize("version", ["v18.20.4", "v20.9.0", "banana"])
def test_a_node_that_is_too_old_or_says_nonsense_is_one_line(tmp_path, version):
    program(tmp_path, "node", version)
    program(tmp_path, "npm", "10.0.0")
    done = prepare(str(tmp_path))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"Node.js 20.19 or newer is needed, this is {version}: ")
    assert done.stderr.count("\n") == 1
