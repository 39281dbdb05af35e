"""Label Studio by the same protocol: ten sessions, its own next task in uncertainty order, its own submit."""

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

NAME = "Label Studio"


class Annotator(Session):
    """One annotator in Label Studio."""

    def __init__(self, port: int, email: str, project: int, services: list[str]) -> None:
        super().__init__(port)
        self.notes = Notes()
        self._project, self._services = project, services
        self._chance = random.Random(email)
        self._task: dict[str, Any] | None = None
        self.call("GET", "/user/login/")
        token = self.cookies.get("csrftoken", "")
        self.call(
            "POST",
            "/user/login/",
            {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": token},
            form=True,
        )

    def fill(self) -> bool:
        """Ask for the next task; it is locked to this person."""
        if self._task is None:
            sent = time.monotonic()
            self._task = self.call("GET", f"/api/projects/{self._project}/next/") or None
            answered = time.monotonic()
            self.notes.claim_ms.append(1000 * (answered - sent))
            if self._task:
                self.notes.claims.append(Claim(sent, answered, [self._task["id"]]))
        return self._task is not None

    def answer(self) -> None:
        """Submit a choice."""
        assert self._task is not None
        value = {"choices": [self._chance.choice(self._services)]}
        result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": value}]
        sent = time.monotonic()
        path = f"/api/tasks/{self._task['id']}/annotations/?project={self._project}"
        self.call("POST", path, {"result": result, "lead_time": 1.5})
        self.notes.submit_ms.append(1000 * (time.monotonic() - sent))
        self._task = None


@contextmanager
def crowd(
    venv: Path,
    folder: Path,
    server: Server,
    texts: list[str],
    scores: list[float],
    people: list[str],
    services: list[str],
) -> Iterator[tuple[str, list[Annotator], dict[int, float]]]:
    """Label Studio filled and serving; its version, its annotators, and the place of each task in its order."""
    where = servers.place(
        venv,
        "label_studio",
        DJANGO_DB="default",
        POSTGRE_NAME=server.database("label_studio"),
        POSTGRE_USER=USER,
        POSTGRE_HOST="127.0.0.1",
        POSTGRE_PORT=str(server.port),
        POSTGRE_PASSWORD="",
        LABEL_STUDIO_BASE_DATA_DIR=str(folder),
        SECRET_KEY="a benchmark's",  # noqa: S106
        DJANGO_SETTINGS_MODULE="core.settings.label_studio",
        SENTRY_DSN="",
        FRONTEND_SENTRY_DSN="",
        COLLECT_ANALYTICS="false",
        LATEST_VERSION_CHECK="false",
        LOG_LEVEL="WARNING",
    )
    where.run("python", "manage.py", "migrate", "--noinput", "-v", "0")
    wanted = {"texts": texts, "scores": scores, "people": people, "password": PASSWORD, "services": services}
    made = where.fill("fill_label_studio.py", wanted)
    program, port = servers.serve(where, "core.wsgi:application", "/user/login/", folder / "label-studio.log")
    try:
        yield (
            where.version("label-studio"),
            [Annotator(port, f"{name}@bench.local", made["project"], services) for name in people],
            dict(zip(made["tasks"], scores, strict=True)),
        )
    finally:
        program.terminate()
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            program.kill()
