"""Annotators as programs: each a session of their own over real HTTP, claiming and answering as the page does."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

AHEAD = 3
"""How many tickets the page holds: the one on the screen and those prefetched."""
PASSWORD = "a long benchmark password"  # noqa: S105 - of a database that lives for minutes


@dataclass(frozen=True)
class Claim:
    """One claim that returned tickets: when it was sent and answered (monotonic seconds), and which came."""

    sent: float
    answered: float
    tickets: list[int]


@dataclass
class Notes:
    """What one person saw; times in milliseconds."""

    claims: list[Claim] = field(default_factory=list)
    claim_ms: list[float] = field(default_factory=list)
    submit_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    answers: dict[int, float] = field(default_factory=dict)
    """Answer -> when it was written, in seconds since 1970."""


class Annotator(Protocol):
    """Somebody who claims and answers, with us or with a peer."""

    notes: Notes

    def fill(self) -> bool:
        """Claim what is missing; False when nothing came and nothing is held."""

    def answer(self) -> None:
        """Answer the ticket on the screen."""


class Session:
    """One browser's session: its cookies and one kept-alive connection, on which neither side waits to send
    (http.client and gunicorn both set TCP_NODELAY; without it a delayed acknowledgement costs 40 ms).
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies: dict[str, str] = {}

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, *, form: bool = False) -> Any:
        """One request; RuntimeError for an answer that is neither 2xx nor 3xx. A connection that the server closed
        is opened anew.
        """
        headers = {
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "X-CSRFToken": self.cookies.get("csrftoken", ""),
        }
        sent = None if body is None else urlencode(body) if form else json.dumps(body)
        try:
            self._connection.request(method, path, sent, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()
            self._connection.request(method, path, sent, headers)
            answer = self._connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.split(";")[0]
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        is_json = (answer.headers.get("Content-Type") or "").startswith("application/json")
        return json.loads(content) if content and is_json else {}


class Person(Session):
    """One signed-in annotator of ours."""

    def __init__(self, port: int, username: str, service_ids: list[int]) -> None:
        super().__init__(port)
        self.notes = Notes()
        self.service_ids = service_ids
        self.buffer: list[dict[str, Any]] = []
        self.call("GET", "/api/session/")
        self.call("POST", "/api/session/", {"username": username, "password": PASSWORD})

    def fill(self, ahead: int = AHEAD) -> bool:
        """Claim what is missing ahead; False when nothing came and nothing is held."""
        want = ahead - len(self.buffer)
        if want <= 0:
            return True
        held = [item["lease"]["token"] for item in self.buffer]
        sent = time.monotonic()
        found = self.call("POST", "/api/queue/claim/", {"mode": "teach", "count": want, "holding": held})
        answered = time.monotonic()
        self.notes.claim_ms.append(1000 * (answered - sent))
        if found["items"]:
            self.notes.claims.append(Claim(sent, answered, [one["ticket"]["id"] for one in found["items"]]))
        self.buffer += found["items"]
        return bool(self.buffer)

    def answer(self) -> None:
        """Answer the ticket on the screen."""
        item = self.buffer.pop(0)
        body = {
            "key": str(uuid.uuid4()),
            "lease": item["lease"]["token"],
            "kind": "label",
            "service_id": self.service_ids[item["ticket"]["id"] % len(self.service_ids)],  # as `refit.embed`
            "duration_ms": 1500,
        }
        sent = time.monotonic()
        given = self.call("POST", "/api/queue/submit/", body)["annotation"]
        self.notes.submit_ms.append(1000 * (time.monotonic() - sent))
        self.notes.answers[given["id"]] = datetime.fromisoformat(given["created_at"]).timestamp()

    def release(self) -> None:
        """Give back what is held."""
        if self.buffer:
            self.call(
                "POST", "/api/queue/release/", {"leases": [item["lease"]["token"] for item in self.buffer]}
            )
        self.buffer.clear()


def work(people: Sequence[Annotator], *, pause: float, enough: Callable[[], bool]) -> list[Notes]:
    """All at once until ``enough()``, each with about ``pause`` seconds between answers; fresh notes every time."""

    def one(person: Annotator) -> None:
        chance = random.Random(id(person))
        try:
            time.sleep(pause * chance.random())
            while not enough() and person.fill():
                if pause:
                    time.sleep(pause * (0.5 + chance.random()))
                person.answer()
        except (RuntimeError, OSError) as error:
            person.notes.errors.append(str(error))

    for person in people:
        person.notes = Notes()
    threads = [threading.Thread(target=one, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [person.notes for person in people]


def twice(notes: list[Notes]) -> int:
    """How many tickets were served more than once."""
    served = [ticket for note in notes for claim in note.claims for ticket in claim.tickets]
    return len(served) - len(set(served))


def served_order(notes: Sequence[Notes]) -> list[int]:
    """The tickets in the order in which they came to people."""
    claims = sorted((claim for note in notes for claim in note.claims), key=lambda claim: claim.answered)
    return [ticket for claim in claims for ticket in claim.tickets]


def rank_correlation(served: Sequence[int], place: Mapping[int, float]) -> float | None:
    """Spearman's correlation of the served order with the places in the queue; None below three known tickets."""
    places = [place[ticket] for ticket in served if ticket in place]
    if len(places) < 3:
        return None
    ranks = {value: rank for rank, value in enumerate(sorted(set(places)))}
    wanted = [float(ranks[value]) for value in places]
    if len(ranks) < 2:
        return None
    return statistics.correlation([float(n) for n in range(len(wanted))], wanted)
