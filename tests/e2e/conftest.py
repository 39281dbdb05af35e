"""One demo installation a session, Chromium, and visitors that fail their test for whatever a page does wrong.

The demo is smaller than `make demo`'s (1,800 tickets, or 4,000 for its whole story, instead of 10,000) so that it is
there within two minutes on two cores. All the rest is the same: the process manager, real servers, a real training.
For work on these tests, `E2E_ADDRESS=http://127.0.0.1:8000` takes a demo that runs already.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.config.processes import ROOT, eventually, python
from tests.e2e.browsing import ARGUMENTS, Visitor, find_chromium
from tests.e2e.installation import Installation, Site

SMALL_DEMO = {"DEMO_TICKETS": "4000", "DEMO_LABELS": "200", "DEMO_TRAIN_SECONDS": "25"}
WHOLE_STORY = os.environ.get("E2E_STORY") == "whole"
"""Whether the demo goes on to a second version and its observation: ten minutes more on two cores."""
SHORT_STORY = {"DEMO_STORY": "short", "DEMO_TICKETS": "1800", "DEMO_CONTROLS": "60"}
DEMO_PATIENCE = 420.0
TOLD = "the demo's story is told"
HERE = Path(__file__).parent

NewVisitor = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A whole installation is minutes of work: these tests are heavy, all of them. The tour comes first: it tells
    of a demo that nobody has touched."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.heavy)
            item.add_marker(pytest.mark.timeout(900))
            if "demo" not in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.beside)
    items.sort(key=lambda item: (HERE in item.path.parents, item.path.name != "test_tour.py"))


@pytest.fixture(scope="session")
def pages() -> None:
    """The built pages; without them there is nothing to test."""
    dist = Path(os.environ.get("FRONTEND_DIST") or ROOT / "frontend" / "dist")
    if not (dist / "index.html").is_file():
        pytest.fail("the pages are not built: run `make frontend`", pytrace=False)


@pytest.fixture(scope="session")
def demo(pages: None) -> Iterator[Site]:
    """The demo, running."""
    if address := os.environ.get("E2E_ADDRESS"):
        yield Site(address)
    else:
        more = SMALL_DEMO if WHOLE_STORY else SMALL_DEMO | SHORT_STORY
        for installation in _running(Installation(_home(), demo=True, **more), DEMO_PATIENCE):
            eventually(lambda site=installation: TOLD in site.text(), TOLD, DEMO_PATIENCE)
            yield installation


@pytest.fixture
def empty(pages: None) -> Iterator[Installation]:
    """An installation without any data, running: what `make up` starts."""
    yield from _running(Installation(_home(), demo=False), 180.0)


def _home() -> Path:
    # Not pytest's tmp_path: its parents are closed to the account PostgreSQL runs as under root.
    return Path(tempfile.mkdtemp(prefix="aiguilleur-e2e-", dir="/tmp"))


def _running(installation: Installation, patience: float) -> Iterator[Installation]:
    try:
        installation.start(patience)
        yield installation
    finally:
        installation.stop()
        python(installation.home, "-m", "config.run.stop")
        shutil.rmtree(installation.home, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.fail("Chromium is missing: install it (Debian: apt-get install chromium)", pytrace=False)
    expect.set_options(timeout=20_000)  # a limit for hopeless cases, not a measure
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[NewVisitor]:
    """Makes visitors: `visit(installation, role=..., **browser_options)`. What they meet is judged at the end."""
    visitors: list[Visitor] = []

    def new(installation: Site, role: str | None = None, language: str = "en", **options: object) -> Visitor:
        visitor = Visitor(browser, installation.address, **options)
        visitors.append(visitor)
        if role:
            visitor.sign_in(*installation.accounts()[role])
            visitor.speak(language)
        return visitor

    yield new
    found = [f"visitor {n}: {what}" for n, visitor in enumerate(visitors, 1) for what in visitor.close()]
    assert not found, "\n".join(found)
