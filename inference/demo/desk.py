"""A simulated desk: customers write, the tickets go to `/api/route`, and where they ended up comes back as outcomes.

It is a client like any other: HTTP, a machine's token, the installation's own answers. It knows where each ticket
belongs, as a real desk does in the end.
"""

from __future__ import annotations

import heapq
import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from annotation.demo.live import Arrival

TIMEOUT = 20.0
SAY_SECONDS = 15.0


class Refusal(Exception):
    """The installation did not take a call; the message says what it answered."""


@dataclass(frozen=True)
class Traffic:
    """How customers write: so many a minute on average, for so many minutes. After `outcome_seconds` the desk settles
    a ticket, and tells it for this share of them."""

    per_minute: float
    minutes: float
    outcome_share: float = 0.9
    outcome_seconds: float = 20.0
    seed: int = 0


@dataclass
class Tally:
    """What came of it."""

    sent: int = 0
    routed: int = 0
    right: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    outcomes: int = 0
    moved: int = 0

    def words(self) -> str:
        share = f", {100 * self.right / self.routed:.0f} % of them right" if self.routed else ""
        why = ", ".join(f"{n} {reason}" for reason, n in self.reasons.most_common())
        return (
            f"{self.sent} tickets: {self.routed} routed{share}; {self.sent - self.routed} to a person"
            f"{f' ({why})' if why else ''}; {self.outcomes} outcomes told, {self.moved} of them moved"
        )


class Desk:
    """One connection to an installation, as a machine."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refusal(f"{address!r} is no http:// or https:// address")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)
        self._token = token

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The installation's answer. Raises ``Refusal``; a lost connection is opened again once."""
        words = json.dumps(body)
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        try:
            self._connection.request("POST", path, words, headers)
            answer = self._connection.getresponse()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            try:
                self._connection.request("POST", path, words, headers)
                answer = self._connection.getresponse()
            except (http.client.HTTPException, OSError) as error:
                raise Refusal(f"nobody answers there: {error}") from error
        said = answer.read()
        if answer.status >= 300:
            raise Refusal(f"{path} answered {answer.status}: {said[:300].decode(errors='replace')}")
        found: dict[str, Any] = json.loads(said)
        return found


def simulate(
    desk: Desk,
    tickets: Iterator[Arrival],
    traffic: Traffic,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Tally:
    """Send tickets at random moments (a Poisson stream) until the time is up and every outcome is told."""
    rng = Random(f"desk/{traffic.seed}")
    run = f"{traffic.seed}-{int(time.time()):x}"
    tally, settled = Tally(), list[tuple[float, str, str, bool]]()
    due = told = clock()
    ends = due + 60 * traffic.minutes
    while due < ends or settled:
        is_outcome = bool(settled) and (due >= ends or settled[0][0] <= due)
        sleep(max(0.0, (settled[0][0] if is_outcome else due) - clock()))
        if is_outcome:
            _tell(desk, heapq.heappop(settled), tally)
        else:
            ticket = next(tickets)
            name = f"SIM-{run}-{tally.sent:05d}"
            is_moved = _send(desk, name, ticket, tally)
            if ticket.service and rng.random() < traffic.outcome_share:
                heapq.heappush(settled, (clock() + traffic.outcome_seconds, name, ticket.service, is_moved))
            due += rng.expovariate(traffic.per_minute / 60)
        if clock() - told > SAY_SECONDS:
            told = clock()
            say(tally.words())
    return tally


def _send(desk: Desk, name: str, ticket: Arrival, tally: Tally) -> bool:
    """Route one; returns whether it went to a service it does not belong to."""
    answer = desk.call(
        "/api/route/",
        {"external_id": name, "text": ticket.text, "channel": ticket.channel, "language": ticket.language},
    )
    tally.sent += 1
    service = answer["service"]
    if service is None:
        tally.reasons[str(answer["escalate"])] += 1
        return False
    tally.routed += 1
    tally.right += service == ticket.service
    return bool(service != ticket.service)


def _tell(desk: Desk, settled: tuple[float, str, str, bool], tally: Tally) -> None:
    _, name, service, is_moved = settled
    desk.call("/api/outcomes/", {"outcomes": [{"external_id": name, "service": service}]})
    tally.outcomes += 1
    tally.moved += is_moved
