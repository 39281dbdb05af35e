"""Secrets by file: what the settings then hold, and what is said when a file is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.embedded import parse_database_url
from config.secret_files import read_secret_files

ROOT = Path(__file__).resolve().parents[2]
SHOWN = (
    "import json, os, config.settings as s; d = s.DATABASES['default'];"
    "print(json.dumps([s.SECRET_KEY, s.AUDIT_SALT, d['HOST'], d['USER'], d['PASSWORD'], s.REDIS_URL,"
    " [name for name in os.environ if name in ('SECRET_KEY_FILE', 'DATABASE_PASSWORD_FILE')]]))"
)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_settings_hold_what_the_files_say(tmp_path: Path) -> None:
    told = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "AUDIT_SALT")}
    told |= {
        "AIGUILLEUR_HOME": str(tmp_path / "home"),
        "SECRET_KEY_FILE": written(tmp_path, "key", "the key\n"),
        "AUDIT_SALT_FILE": written(tmp_path, "salt", "the salt"),
        "DATABASE_URL": "postgresql://aiguilleur@db/tickets?sslmode=require",
        "DATABASE_PASSWORD_FILE": written(tmp_path, "password", "p@ss/w:rd?\n"),
        "REDIS_URL_FILE": written(tmp_path, "redis", "redis://:secret@queue/0"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], env=told, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown == ["the key", "the salt", "db", "aiguilleur", "p@ss/w:rd?", "redis://:secret@queue/0", []]


def test_a_password_goes_into_the_address_whole_and_the_rest_of_it_stays() -> None:
    environment = {
        "DATABASE_URL": "postgresql://me@db:5433/x?sslmode=require",
        "DATABASE_PASSWORD": "a@b:c/d%",
    }
    read_secret_files(environment)
    entry = parse_database_url(environment["DATABASE_URL"])
    assert (entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == ("a@b:c/d%", "db", "5433", "x")
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_reading_them_twice_changes_nothing_so_child_processes_may(tmp_path: Path) -> None:
    environment = {"SECRET_KEY_FILE": written(tmp_path, "key", "k"), "OTHER_FILE": "stays"}
    read_secret_files(environment)
    read_secret_files(environment)
    assert environment == {"SECRET_KEY": "k", "OTHER_FILE": "stays"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE=/nowhere/key cannot be read: No such file"),
        ({"SECRET_KEY_FILE": "/"}, "SECRET_KEY_FILE=/ cannot be read: Is a directory"),
        ({"SECRET_KEY_FILE": os.devnull}, "is empty"),
        ({"SECRET_KEY": "hush", "SECRET_KEY_FILE": os.devnull}, "keep one of them"),
        ({"DATABASE_PASSWORD": "hush"}, "needs a DATABASE_URL with user and host"),
        ({"DATABASE_PASSWORD": "hush", "DATABASE_URL": "postgresql://me:hush@db/x"}, "keep one of them"),
    ],
    ids=["missing", "a folder", "empty", "given twice", "a password without an address", "two passwords"],
)
def test_a_secret_that_cannot_be_had_is_named_and_never_shown(told: dict[str, str], said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_secret_files(dict(told))
    assert said in str(caught.value) and "hush" not in str(caught.value)
