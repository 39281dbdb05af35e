"""One installation for the tests of a module: three services, 360 tickets, most of them labelled by import."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.config.processes import eventually, python
from tests.flows.live import PATIENCE, Annotator, Installation
from tests.ml.conftest import WORDS, write_bert

SERVICES = {"card": "Cards", "parcel": "Parcels", "refund": "Refunds"}
TICKETS = 360
LABELLED = 210  # enough for rows to judge by, however many the secret salt puts aside


def texts(count: int) -> list[tuple[str, str]]:
    """(text, service's name) of different tickets, each holding the one word that tells its service."""
    rng = random.Random(5)
    fillers = [word for word in WORDS if word not in SERVICES]
    made: dict[str, str] = {}
    while len(made) < count:
        word = list(SERVICES)[len(made) % len(SERVICES)]
        words = [*rng.sample(fillers, 7), word, word]
        rng.shuffle(words)
        made[" ".join(words)] = SERVICES[word]
    return list(made.items())


@pytest.fixture(scope="module")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """Random encoders by dimension and seed."""

    def make(dim: int, seed: int) -> Path:
        return write_bert(tmp_path_factory.mktemp(f"base-{dim}-{seed}"), hidden=dim, seed=seed)

    return make


@pytest.fixture(scope="module")
def house(make_base: Callable[[int, int], Path]) -> Iterator[Installation]:
    """A running installation whose whole pool has its vectors in the base space of dimension 32."""
    # Not pytest's folder: its parents are closed to the account PostgreSQL runs as under root.
    home = Path(tempfile.mkdtemp(prefix="aiguilleur-flow-", dir="/tmp"))
    running = Installation(home, make_base(32, 0))
    try:
        running.start()
        running.set_up()
        running.call("PATCH", "policy/", {"is_active": False})  # until a test says when
        _fill(running)
        eventually(
            lambda: (
                running.one("SELECT count(*) FROM inference_embedding") == TICKETS
                and running.one("SELECT count(*) FROM annotation_queueitem") > 0
            ),
            "the pool to be embedded and ranked",
            PATIENCE,
        )
        yield running
    finally:
        running.stop()
        python(home, "-m", "config.run.stop")
        shutil.rmtree(home, ignore_errors=True)


def _fill(house: Installation) -> None:
    rows = []
    for number, (text, name) in enumerate(texts(TICKETS)):
        label = {"label": name} if number < LABELLED else {}
        rows.append({"external_id": f"t-{number}", "text": text, **label})
    report = house.call("POST", "tickets/", {"tickets": rows, "service_from_labels": True})
    assert (report["created"], report["rejected"]) == (TICKETS, 0), report


@pytest.fixture(scope="module")
def annotator(house: Installation) -> Annotator:
    """Ada, who labels by the word."""
    found = {row["name"]: row["code"] for row in house.call("GET", "services/")["results"]}
    return Annotator(house, {word: found[name] for word, name in SERVICES.items()})
