"""The price of one claim, beside the shortest claim PostgreSQL can do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.people import Person

ROWS = 3000
ROUNDS = 7
CLAIMS_A_ROUND = 50
TABLE = """
DROP TABLE IF EXISTS bench_floor;
CREATE TABLE bench_floor (id bigint PRIMARY KEY, position float8, held bool);
INSERT INTO bench_floor SELECT n, random(), false FROM generate_series(1, %s) n;
CREATE INDEX ON bench_floor (position) WHERE NOT held;
ANALYZE bench_floor"""
FLOOR = """
UPDATE bench_floor SET held = true WHERE id = (
    SELECT id FROM bench_floor WHERE NOT held ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id"""


def compare(person: Person, account: Any) -> dict[str, Any]:
    """Milliseconds of a claim alone: the floor, the action, over HTTP; ratios to the floor as median (least-most).

    Each way is measured in every round, so that whatever else the machine does meets all three.
    """
    from django.db import connection

    from annotation.actions import queue_claim
    from annotation.models import QueueItem

    with connection.cursor() as cursor:
        cursor.execute(TABLE, [ROWS])

    def floor() -> None:
        with connection.cursor() as cursor:
            cursor.execute(FLOOR)
            cursor.fetchall()

    def action() -> None:
        queue_claim(annotator=account, mode="teach")

    def http() -> None:
        person.fill(1)

    ways: dict[str, Callable[[], None]] = {"floor": floor, "action": action, "http": http}
    medians: dict[str, list[float]] = {name: [] for name in ways}
    person.release()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times = []
            for _ in range(CLAIMS_A_ROUND):
                began = time.perf_counter()
                way()
                times.append(1000 * (time.perf_counter() - began))
                person.buffer.clear()
                QueueItem.objects.filter(leased_until__isnull=False).delete()  # as if answered
            medians[name].append(statistics.median(times))
    return {f"{name} ms": round(statistics.median(found), 3) for name, found in medians.items()} | {
        f"{name} / floor": _spread(medians[name], medians["floor"]) for name in ("action", "http")
    }


def _spread(mine: list[float], least: list[float]) -> str:
    ratios = [one / other for one, other in zip(mine, least, strict=True)]
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
