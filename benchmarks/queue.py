"""Claim and submit as ten annotators feel them, through the real HTTP stack, while the learner refits and pushes.

    python -m benchmarks.queue --tickets 100000 --annotators 10 --submits 300
        [--label-studio VENV] [--doccano VENV] [--peers-from FILE.json] [--json OUT]

A scratch installation served by gunicorn as in the Procfile, on loopback, with the learner worker beside it: every
answer is learned from and the queue is pushed anew meanwhile. "paced": each person answers about every second and holds
three tickets ahead, as the page does. "flat out": without any pause, which is more than people can do. Counted: tickets
served twice, Spearman's correlation of the served order with the queue's (within each pushed order), and how long
after an answer was written the queue knew of it. Then the price of a claim by itself, in rounds: over HTTP, the
action, and the shortest claim PostgreSQL can do. Peers run afterwards, alone, by the same protocol (benchmarks/peers).
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks import beside, floor, people, pool, refit, report, scratch
from benchmarks.watch import Watch

OLD_ANSWERS = 700
WARM_SECONDS = 5.0
"""Before each phase: the web process opens its threads' connections to the database."""
SETTLE_SECONDS = 4.0
OURS = "Aiguilleur"


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[100_000])
    parser.add_argument("--annotators", type=int, default=pool.PEOPLE)
    parser.add_argument("--submits", type=int, default=300, help="answers of each phase")
    beside.arguments(parser)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    alone: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    with scratch.house() as house:
        services = pool.make_services()
        accounts = pool.make_people(people.PASSWORD, asked.annotators)
        port = house.serve()
        crowd = [people.Person(port, one.username, [s.pk for s in services]) for one in accounts]
        written = 0
        for count in sorted(asked.tickets):
            ids = pool.make_tickets(count - written, first=written)
            refit.embed(ids, len(services), first=written)
            if not written:
                pool.make_labels(ids[:OLD_ANSWERS], accounts, services)
                house.start_line("learner")
            written = count
            refit.until(lambda count=count: refit.scored() == count, "the first ranking", house)  # type: ignore[misc]
            for name, pause in (("paced", 1.0), ("flat out", 0.0)):
                row = phase(crowd, pause, asked.submits)
                rows.append({"tool": OURS, "phase": name, "tickets": count} | row)
                print(report.table(rows[-1:]), flush=True)
                targets += judged(f"{name}, {count:,} tickets", row, paced=pause > 0)
            alone.append({"phase": "one claim", "tickets": count} | floor.compare(crowd[0], accounts[1]))
        house.stop()
        theirs = beside.measure(asked, written, [service.name for service in services])
    print(f"\nOne claim at a time\n{report.table(alone)}")
    rows += theirs
    targets += beside.judged(rows, OURS)
    if asked.svg:
        beside.draw(rows, asked.svg, OURS)
    return report.publish(asked, f"Queue, {asked.annotators} annotators over HTTP", [*rows, *alone], targets)


def phase(crowd: list[people.Person], pause: float, submits: int) -> dict[str, Any]:
    """Everybody works until there are so many answers; the figures."""
    for person in crowd:
        person.release()
    time.sleep(SETTLE_SECONDS)
    warm = time.monotonic() + WARM_SECONDS
    people.work(crowd, pause=0.2, enough=lambda: time.monotonic() > warm)
    with Watch() as watch:
        notes, seconds = run(crowd, pause, submits)
        time.sleep(SETTLE_SECONDS)
    answers = {answer: when for note in notes for answer, when in note.answers.items()}
    stale = watch.staleness(answers)
    return summary(notes, seconds) | {
        "order kept": order_kept(people.served_order(notes), watch.places),
        "stale p50 s": round(statistics.median(stale), 2),
        "stale p95 s": round(report.quantile(stale, 0.95), 2),
        "not known": len(answers) - len(stale),
        "orders": len(watch.places),
    }


def run(crowd: Any, pause: float, submits: int) -> tuple[list[people.Notes], float]:
    """Work until ``submits`` answers were begun; what was noted, and the seconds it took."""
    given = itertools.count()
    began = time.monotonic()
    enough: Callable[[], bool] = lambda: next(given) >= submits  # noqa: E731
    notes = people.work(crowd, pause=pause, enough=enough)
    return notes, time.monotonic() - began


def order_kept(served: list[int], places: dict[int, dict[int, float]]) -> float | None:
    """Spearman's correlation of served order and place within each pushed order, weighted by how many it served."""
    from annotation.models import Serving

    of = dict(
        Serving.objects.filter(ticket_id__in=served)
        .order_by("served_at")
        .values_list("ticket_id", "generation")
    )
    by_order: dict[int, list[int]] = defaultdict(list)
    for ticket in served:
        by_order[of[ticket]].append(ticket)
    found = [
        (len(tickets), kept)
        for generation, tickets in by_order.items()
        if (kept := people.rank_correlation(tickets, places.get(generation, {}))) is not None
    ]
    total = sum(size for size, _ in found)
    return round(sum(size * kept for size, kept in found) / total, 3) if total else None


def judged(where: str, row: dict[str, Any], *, paced: bool) -> list[dict[str, Any]]:
    """The targets of one phase of ours."""
    wanted = [report.at_most(f"{name} ({where})", row[name], 0) for name in ("twice", "errors", "not known")]
    wanted.append(report.at_most(f"stale p95 s ({where})", row["stale p95 s"], 2.0))
    if row["order kept"] is not None:
        wanted.append(report.at_least(f"order kept ({where})", row["order kept"], 0.95))
    if paced:
        wanted.insert(0, report.at_most(f"claim p95 ms ({where})", row["claim p95 ms"], 20.0))
    return wanted


def summary(notes: list[people.Notes], seconds: float) -> dict[str, Any]:
    """The figures of one phase, with us or with a peer."""
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
        "claim p99 ms": round(report.quantile(claims, 0.99), 2),
        "submit p50 ms": round(statistics.median(submits), 2),
        "submit p95 ms": round(report.quantile(submits, 0.95), 2),
        "twice": people.twice(notes),
        "errors": len(errors),
    }


if __name__ == "__main__":
    sys.exit(main())
