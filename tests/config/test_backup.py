"""A backup is whole, and restores into another folder with every row, file and secret."""

import io
import tarfile
from pathlib import Path

import psycopg2
import pytest

from config import embedded
from tests.config.processes import alive_over, python

FILL = """
from pathlib import Path
from django.conf import settings
from accounts.models import User
from training.models import DatasetSnapshot
folder = Path(settings.SNAPSHOTS_DIR)
folder.mkdir(parents=True, exist_ok=True)
(folder / "one.jsonl").write_text('{"id": "1"}')
DatasetSnapshot.objects.create(fingerprint="f" * 64, uri=f"file://{folder}/one.jsonl", rows=1, last_annotation_id=0)
User.objects.create_user("élodie", password="correct horse battery")
"""
READ = """
from urllib.parse import urlsplit
from pathlib import Path
from accounts.models import User
from training.models import DatasetSnapshot
print(User.objects.get().check_password("correct horse battery"), User.objects.get().username)
print(Path(urlsplit(DatasetSnapshot.objects.get().uri).path).read_text())
"""


@pytest.fixture(scope="module")
def filled(module_home) -> Path:
    """An installation with a person, a snapshot and its file; stopped."""
    assert python(module_home, "-m", "config.embedded", "start").returncode == 0
    assert python(module_home, "manage.py", "migrate", "-v", "0").returncode == 0
    done = python(module_home, "manage.py", "shell", "-c", FILL)
    assert done.returncode == 0, done.stderr
    python(module_home, "-m", "config.embedded", "stop")
    return module_home


def test_a_backup_restores_into_another_folder(filled, home, tmp_path):
    target = tmp_path / "b.tar"
    saved = python(filled, "-m", "config.backup", "save", str(target))
    assert saved.returncode == 0, saved.stderr
    assert alive_over(filled) == [], "the database was started only for the backup"
    assert target.stat().st_mode & 0o077 == 0, "it holds the secrets"
    restored = python(home, "-m", "config.backup", "restore", str(target))
    assert restored.returncode == 0, restored.stderr
    for secret in ("secret_key", "audit_salt"):
        assert (home / secret).read_text() == (filled / secret).read_text()
    assert python(home, "-m", "config.embedded", "start").returncode == 0
    read = python(home, "manage.py", "shell", "-v", "0", "-c", READ)
    assert read.stdout.splitlines() == ["True élodie", '{"id": "1"}'], read.stderr
    assert python(home, "manage.py", "migrate", "--check").returncode == 0


def test_a_running_installation_is_saved_without_stopping_it(filled, tmp_path):
    assert python(filled, "-m", "config.embedded", "start").returncode == 0
    try:
        assert python(filled, "-m", "config.backup", "save", str(tmp_path / "b.tar")).returncode == 0
        psycopg2.connect(embedded.database_url(filled)).close()
    finally:
        python(filled, "-m", "config.embedded", "stop")


def test_a_restore_into_an_installation_with_data_is_refused(filled, tmp_path):
    target = tmp_path / "b.tar"
    assert python(filled, "-m", "config.backup", "save", str(target)).returncode == 0
    refused = python(filled, "-m", "config.backup", "restore", str(target))
    assert refused.returncode == 1
    assert "holds data already" in refused.stderr and refused.stderr.count("\n") == 1


def test_a_truncated_backup_is_refused_and_leaves_the_folder_empty_of_data(filled, home, tmp_path):
    target = tmp_path / "b.tar"
    assert python(filled, "-m", "config.backup", "save", str(target)).returncode == 0
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    refused = python(home, "-m", "config.backup", "restore", str(target))
    assert refused.returncode == 1 and "not a whole backup" in refused.stderr
    assert not (home / "pg").exists() and not list(home.glob(".restore-*"))


def test_a_backup_that_would_write_outside_is_refused(home, tmp_path):
    target = tmp_path / "evil.tar"
    with tarfile.open(target, "w") as tar:
        member = tarfile.TarInfo("../escaped")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    refused = python(home, "-m", "config.backup", "restore", str(target))
    assert refused.returncode == 1 and "not a whole backup" in refused.stderr
    assert not (home.parent / "escaped").exists() and not (home / "escaped").exists()


def test_there_is_nothing_to_save_in_an_empty_folder(home, tmp_path):
    done = python(home, "-m", "config.backup", "save", str(tmp_path / "b.tar"))
    assert done.returncode == 1 and "holds no data" in done.stderr
