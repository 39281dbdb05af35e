"""A PostgreSQL and a Redis of its own for every pytest session, so that several sessions run side by side.

The environment is set while this file is imported, before Django's settings are read. The servers live in
a child that stops when pytest ends in any way, because its standard input closes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(tempfile.mkdtemp(prefix="aiguilleur-test-", dir="/tmp"))
SERVERS = pytest.StashKey[subprocess.Popen[str]]()

if os.environ.get("DJANGO_SETTINGS_MODULE") and "django.conf" in sys.modules:
    # pytest-django has read the settings of another installation already; the tests must never run on that.
    raise pytest.UsageError("unset DJANGO_SETTINGS_MODULE: the tests choose their settings themselves")

for name in ("DATABASE_URL", "REDIS_URL", "BASE_MODEL", "COMPUTE_BACKEND", "COMPUTE_SPOOL", "ARTIFACTS_URI"):
    os.environ.pop(name, None)
os.environ |= {
    "AIGUILLEUR_HOME": str(HOME),
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "only for tests",
    "AUDIT_SALT": "only for tests",
    "AIGUILLEUR_DEMO": "",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "LOG_LEVEL": "WARNING",
}
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault(
    "BACKGROUND_NICE", "0"
)  # tests wait for these programs, while other tests take the cores


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords cheaply, look static files up when asked for, and empty the database quickly: the real ways cost
    more than most tests."""
    from django.conf import settings
    from hypothesis import settings as hypothesis

    from config import celery  # noqa: F401 - tasks are sent through this app
    from tests import emptying

    hypothesis.register_profile("house", deadline=None)  # a busy machine is no error
    hypothesis.load_profile("house")

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test client loads the middleware anew, and WhiteNoise would read every static file for it.
    settings.WHITENOISE_AUTOREFRESH = True
    emptying.use()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[object]) -> None:
    """Let each of xdist's processes choose its settings as this one did, and not inherit them."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers (half a second) and wait until they answer; each of xdist's processes has its own."""
    only_hands_out_tests = session.config.getoption("dist", "no") != "no"
    if session.config.option.collectonly or only_hands_out_tests:
        return
    child = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "scratch"], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    session.config.stash[SERVERS] = child
    assert child.stdout is not None
    if not any(line.strip() == "ready" for line in child.stdout):
        raise pytest.UsageError("the test servers did not start: see the message above")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the servers go; their owner removes the folder."""
    child = config.stash.get(SERVERS, None)
    if child is not None and child.stdin is not None:
        child.stdin.close()
        child.wait(60)
    shutil.rmtree(HOME, ignore_errors=True)
