"""A whole installation of its own (servers, web, workers, beat, supervisor), used as people use it: over HTTP.

Programs are killed by process id; the process manager brings them back, as it does for everybody.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg2

from config import embedded
from tests.config.processes import ROOT, environment, eventually

PATIENCE = 240


class Installation:
    """`python -m config.run` over a folder. `base` is a link to the base model, so that another can take its place."""

    def __init__(self, home: Path, base: Path) -> None:
        self.home = home
        self.base = home / "base"
        self.put_base(base)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.output = home.with_name(home.name + ".txt")
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def put_base(self, folder: Path) -> None:
        """Another base model takes the place of the one there, at once."""
        aside = self.base.with_name("base.new")
        aside.symlink_to(folder, target_is_directory=True)
        aside.replace(self.base)

    def start(self) -> None:
        settings = {
            "PORT": str(self.port),
            "BASE_MODEL": str(self.base),
            "AUDIT_RESERVE_SHARE": "0.2",
            "OMP_NUM_THREADS": "1",
        }
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment(self.home, **settings), start_new_session=True,
            )  # fmt: skip
        eventually(lambda: self.ended() or "is ready after" in self.said(), "the ready line", PATIENCE)
        assert not self.ended(), self.said()

    def stop(self) -> None:
        if self.process is not None and not self.ended():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self.http.close()
        self.output.unlink(missing_ok=True)

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def said(self) -> str:
        """What the manager and, on trouble, its programs said; for the message of a failure."""
        logs = [
            path.read_text(errors="replace")[-3000:] for path in sorted((self.home / "log").glob("*.log"))
        ]
        return "\n".join([self.output.read_text(), *logs])

    # Processes

    def program(self, words: str) -> psutil.Process | None:
        """The manager's own child whose command line holds `words`."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if words in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    return child
        return None

    def kill(self, words: str) -> bool:
        """kill -9 the program, if it is up."""
        program = self.program(words)
        if program is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            program.kill()
        return True

    def libraries(self, words: str) -> list[tuple[str, str]]:
        """(command line, what it has mapped) of a program and all its children."""
        found: list[tuple[str, str]] = []
        program = self.program(words)
        assert program is not None, words
        for process in (program, *program.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                command = " ".join(process.cmdline())
                found.append((command, Path(f"/proc/{process.pid}/maps").read_text()))
        return found

    # The API

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request of a signed-in page; the JSON of its answer, which must be a success."""
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken", "")}
        answer = self.http.request(method, f"/api/{path}", json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def set_up(self) -> None:
        """The first administrator, signed in."""
        self.call("GET", "session/")
        self.call("POST", "setup/", {"username": "ada", "password": "a long enough secret 12"})

    # The rows

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(psycopg2.connect(embedded.database_url(self.home))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text, values)
                return cursor.fetchall()

    def one(self, text: str, *values: Any) -> Any:
        return self.sql(text, *values)[0][0]


class Annotator:
    """Labels tickets through the queue by the word they hold, sends every answer twice, and counts."""

    def __init__(self, house: Installation, words: dict[str, str]) -> None:
        self.house = house
        self.words = words
        self.services = {row["code"]: row["id"] for row in house.call("GET", "services/")["results"]}
        self.answers: dict[str, int] = {}

    def label(self, count: int) -> None:
        """Claim and answer this many tickets; waits while the queue is being filled."""
        for _ in range(count):
            item = self._claim()
            code = next(code for word, code in self.words.items() if word in item["ticket"]["text"])
            key = str(uuid.uuid4())
            answer = {
                "key": key,
                "lease": item["lease"]["token"],
                "kind": "label",
                "service_id": self.services[code],
            }
            first = self.house.call("POST", "queue/submit/", answer)["annotation"]
            again = self.house.call("POST", "queue/submit/", answer)["annotation"]
            assert first["id"] == again["id"], "the same answer sent twice is one annotation"
            self.answers[key] = first["id"]

    def label_training(self, count: int) -> None:
        """Go on until this many more labels may train a model: controls are labelled beside them."""
        wanted = self.trainable() + count
        while self.trainable() < wanted:
            self.label(1)

    def trainable(self) -> int:
        return int(
            self.house.one(
                "SELECT count(*) FROM annotation_ticket WHERE status = 'labelled' AND NOT is_audit"
            )
        )

    def _claim(self) -> Any:
        found: list[Any] = []

        def claimed() -> bool:
            found[:] = self.house.call("POST", "queue/claim/", {"mode": "teach", "count": 1})["items"]
            return bool(found)

        eventually(claimed, "a ticket to label", PATIENCE)
        return found[0]
