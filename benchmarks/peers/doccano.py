"""doccano by the same protocol: ten sessions, the next page of its list, its own label and confirmation.

doccano hands out no work: its page shows the list of the project from any place, and people who start at the top get
the same tickets. ``pages``: each person walks a stretch of their own, as if a lead had shared the list out, which is
the fastest that doccano can do. ``unconfirmed``: the filter its page offers against doing work twice.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import servers
from benchmarks.peers.database import USER, Server
from benchmarks.people import PASSWORD, Claim, Notes, Session

NAME = "doccano"


class Annotator(Session):
    """One annotator in doccano; ``start`` is the place where this person's stretch of the list begins."""

    def __init__(self, port: int, username: str, project: int, labels: list[int], start: int) -> None:
        super().__init__(port)
        self.notes = Notes()
        self.unconfirmed = False
        self._base, self._labels, self._at = f"/v1/projects/{project}", labels, start
        self._chance = random.Random(username)
        self._task: dict[str, Any] | None = None
        self.call("POST", "/v1/auth/login/", {"username": username, "password": PASSWORD})

    def fill(self) -> bool:
        """Fetch the next page, one ticket long, as the annotation page does."""
        if self._task is None:
            place = "confirmed=false&offset=0" if self.unconfirmed else f"confirmed=&offset={self._at}"
            sent = time.monotonic()
            found = self.call("GET", f"{self._base}/examples?limit=1&q=&{place}")["results"]
            answered = time.monotonic()
            self.notes.claim_ms.append(1000 * (answered - sent))
            self._task, self._at = (found[0] if found else None), self._at + 1
            if self._task:
                self.notes.claims.append(Claim(sent, answered, [self._task["id"]]))
        return self._task is not None

    def answer(self) -> None:
        """Choose a category and confirm."""
        assert self._task is not None
        sent = time.monotonic()
        example = f"{self._base}/examples/{self._task['id']}"
        self.call("POST", f"{example}/categories", {"label": self._chance.choice(self._labels)})
        self.call("POST", f"{example}/states", {})
        self.notes.submit_ms.append(1000 * (time.monotonic() - sent))
        self._task = None


@contextmanager
def crowd(
    venv: Path, folder: Path, server: Server, texts: list[str], people: list[str], services: list[str]
) -> Iterator[tuple[str, list[Annotator], dict[int, float]]]:
    """doccano filled and serving; its version, its annotators, and the place of each example in its order."""
    name = server.database("doccano")
    where = servers.place(
        venv,
        "backend",
        DATABASE_URL=f"postgres://{USER}@127.0.0.1:{server.port}/{name}?sslmode=disable",
        SECRET_KEY="a benchmark's",  # noqa: S106
        DEBUG="False",
        DJANGO_SETTINGS_MODULE="config.settings.production",
        DOCCANO_HOME=str(folder),
    )
    where.run("python", "manage.py", "migrate", "--noinput", "-v", "0")
    where.run("python", "manage.py", "create_roles")
    wanted = {"texts": texts, "people": people, "password": PASSWORD, "services": services}
    made = where.fill("fill_doccano.py", wanted)
    program, port = servers.serve(where, "config.wsgi:application", "/v1/health/", folder / "doccano.log")
    stretch = len(texts) // len(people)
    try:
        yield (
            where.version("doccano"),
            [
                Annotator(port, name, made["project"], made["labels"], number * stretch)
                for number, name in enumerate(people)
            ],
            {pk: float(place) for place, pk in enumerate(made["tasks"])},
        )
    finally:
        program.terminate()
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            program.kill()
