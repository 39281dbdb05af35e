"""Annotators as programs: each a session of their own over real HTTP, claiming and answering as the page does."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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


class Person:
    """One signed-in annotator with a kept-alive connection."""

    def __init__(self, port: int, username: str, service_ids: list[int]) -> None:
        self.notes = Notes()
        self.service_ids = service_ids
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}
        self._chance = random.Random(username)
        self.buffer: list[dict[str, Any]] = []
        self.call("GET", "/api/session/")
        self.call("POST", "/api/session/", {"username": username, "password": PASSWORD})

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request; RuntimeError for an answer that is not 2xx. A connection the server closed is opened anew."""
        headers = {
            "Content-Type": "application/json",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "X-CSRFToken": self._cookies.get("csrftoken", ""),
        }
        sent = json.dumps(body) if body is not None else None
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
            self._cookies[name] = rest.split(";")[0]
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content) if content else {}

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
            "service_id": self._chance.choice(self.service_ids),
            "duration_ms": 1500,
        }
        sent = time.monotonic()
        self.call("POST", "/api/queue/submit/", body)
        self.notes.submit_ms.append(1000 * (time.monotonic() - sent))

    def release(self) -> None:
        """Give back what is held."""
        if self.buffer:
            self.call(
                "POST", "/api/queue/release/", {"leases": [item["lease"]["token"] for item in self.buffer]}
            )
        self.buffer.clear()


def work(people: list[Person], *, pause: float, enough: Callable[[], bool]) -> list[Notes]:
    """All at once until ``enough()``, each with about ``pause`` seconds between answers; fresh notes every time."""

    def one(person: Person) -> None:
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


def out_of_order(notes: list[Notes], place: dict[int, int]) -> int:
    """How many claims got a ticket that stood before one that an earlier, already answered claim had got."""
    claims = sorted((claim for note in notes for claim in note.claims), key=lambda claim: claim.sent)
    ended = sorted(claims, key=lambda claim: claim.answered)
    wrong, furthest, at = 0, -1, 0
    for claim in claims:
        while at < len(ended) and ended[at].answered < claim.sent:
            furthest = max(furthest, *(place[ticket] for ticket in ended[at].tickets))
            at += 1
        wrong += min(place[ticket] for ticket in claim.tickets) < furthest
    return wrong
