"""Claim and submit as ten annotators feel them, through the real HTTP stack, at 10,000 and 100,000 tickets.

    python -m benchmarks.queue [--tickets 10000 100000] [--json OUT]

Two phases, in a scratch installation served by gunicorn as in the Procfile, on loopback. "paced": each of ten people
answers about every second and holds three tickets ahead, as the page does; these are the figures of the target. "flat
out": the same without any pause, which is more than people can do; it must serve nothing twice and keep the order.
Then the price of a claim by itself, in rounds: the claim statement (`annotation.actions`), a claim over HTTP by one
person, and a floor, the shortest claim PostgreSQL can do (one indexed row, SKIP LOCKED, committed), by psycopg2.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import floor, people, pool, report, scratch

OLD_ANSWERS = 2000
WARM_SECONDS = 5.0
"""Before each phase: the web process opens its threads' connections to the database."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the paced phase")
    parser.add_argument("--answers", type=int, default=1000, help="answers of the phase flat out")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    alone: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    with scratch.house() as house:
        services = pool.make_services()
        accounts = pool.make_people(people.PASSWORD)
        port = house.serve()
        crowd = [people.Person(port, one.username, [s.pk for s in services]) for one in accounts]
        written = 0
        for count in sorted(asked.tickets):
            ids = pool.make_tickets(count - written, first=written)
            pool.make_labels(ids[:OLD_ANSWERS], accounts, services)
            written = count
            for name, pause in (("paced", 1.0), ("flat out", 0.0)):
                row = phase(crowd, name, pause, asked)
                rows.append({"phase": name, "tickets": count} | row)
                targets += judged(f"{name}, {count:,} tickets", row, paced=pause > 0)
            alone.append({"phase": "one claim", "tickets": count} | floor.compare(crowd[0], accounts[1]))
    print(f"\nOne claim at a time\n{report.table(alone)}")
    return report.publish(asked, f"Queue, {len(crowd)} annotators over HTTP", [*rows, *alone], targets)


def phase(crowd: list[people.Person], name: str, pause: float, asked: Any) -> dict[str, Any]:
    """A fresh queue, worked at by everybody; its figures."""
    for person in crowd:
        person.release()
    place = fill_queue()
    warm = time.monotonic() + WARM_SECONDS
    warming = people.work(crowd, pause=0.2, enough=lambda: time.monotonic() > warm)
    began = time.monotonic()
    if pause:
        enough: Callable[[], bool] = lambda: time.monotonic() > began + asked.seconds  # noqa: E731
    else:
        given = itertools.count()
        enough = lambda: next(given) >= asked.answers  # noqa: E731
    notes = people.work(crowd, pause=pause, enough=enough)
    found = summary(notes, time.monotonic() - began)
    both = [*warming, *notes]  # the first answers are not timed, but nothing may go wrong in them either
    return found | {
        "twice": people.twice(both),
        "out of order": people.out_of_order(both, place),
        "errors": sum(len(note.errors) for note in both),
    }


def fill_queue() -> dict[int, int]:
    """Push as many open tickets as the learner would, in random order; returns ticket id -> place."""
    from django.conf import settings

    from annotation.actions import NewItem, queue_replace
    from annotation.models import Ticket

    ids = list(Ticket.objects.filter(status="open", is_audit=False).values_list("pk", flat=True))
    chosen = random.Random(len(ids)).sample(ids, min(settings.QUEUE_DEPTH, len(ids)))
    queue_replace(
        items=[NewItem(pk, "teach", float(place), "exploit") for place, pk in enumerate(chosen)], generation=1
    )
    return {pk: place for place, pk in enumerate(chosen)}


def judged(where: str, row: dict[str, Any], *, paced: bool) -> list[dict[str, Any]]:
    """The targets of one phase."""
    wanted = [
        report.at_most(f"{name} ({where})", row[name], 0) for name in ("twice", "out of order", "errors")
    ]
    if paced:
        wanted.insert(0, report.at_most(f"claim p95 ms ({where})", row["claim p95 ms"], 20.0))
    return wanted


def summary(notes: list[people.Notes], seconds: float) -> dict[str, Any]:
    """The figures of one phase."""
    claims = [value for note in notes for value in note.claim_ms]
    submits = [value for note in notes for value in note.submit_ms]
    errors = [error for note in notes for error in note.errors]
    if errors:
        print(errors[0], file=sys.stderr)
    return {
        "answers": len(submits),
        "answers/s": round(len(submits) / seconds, 1),
        "claim p50 ms": round(statistics.median(claims), 2),
        "claim p95 ms": round(report.quantile(claims, 0.95), 2),
        "submit p50 ms": round(statistics.median(submits), 2),
        "submit p95 ms": round(report.quantile(submits, 0.95), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
