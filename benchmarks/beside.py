"""The peers' part of ``benchmarks.queue``: run them, or take an earlier run of theirs, and set ours against them."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import bars, people, report

TIMES = 75.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said of peers on the command line."""
    parser.add_argument(
        "--label-studio", type=Path, metavar="VENV", help="requirements/bench-label-studio.txt"
    )
    parser.add_argument("--doccano", type=Path, metavar="VENV", help="requirements/bench-doccano.txt")
    parser.add_argument(
        "--peers-from", type=Path, metavar="FILE", help="reuse the peers' rows of an earlier run"
    )
    parser.add_argument("--svg", type=Path, metavar="OUT", help="also draw the claims' 95th percentiles")


def measure(asked: argparse.Namespace, tickets: int, services: list[str]) -> list[dict[str, Any]]:
    """The rows of the peers that were asked for; one that is not installed is said so and left out."""
    if asked.peers_from:
        return earlier(asked.peers_from)
    if not (asked.label_studio or asked.doccano):
        print("no peer was asked for: see --label-studio, --doccano")
        return []
    from benchmarks.peers import database

    programs = database.programs()
    if programs is None:
        print(
            "the peers need a PostgreSQL with its extensions (Debian: apt-get install postgresql); left out"
        )
        return []
    rows: list[dict[str, Any]] = []
    with database.server(programs) as server, _folder() as folder:
        for name, venv in (("label_studio", asked.label_studio), ("doccano", asked.doccano)):
            if venv is not None:
                rows += _peer(name, venv.resolve(), folder, server, asked, tickets, services)
    return rows


def _peer(
    name: str, venv: Path, folder: Path, server: Any, asked: Any, tickets: int, services: list[str]
) -> list[dict[str, Any]]:
    from annotation.models import Ticket
    from benchmarks.peers import doccano, label_studio, servers

    texts = list(Ticket.objects.order_by("pk").values_list("text", flat=True)[:tickets])
    names = [f"annotator{number}" for number in range(asked.annotators)]
    place = folder / name
    place.mkdir()
    rows = []
    try:
        if name == "label_studio":
            chance = random.Random(tickets)
            scores = [chance.random() for _ in texts]
            with label_studio.crowd(venv, place, server, texts, scores, names, services) as (
                release,
                crowd,
                order,
            ):
                rows += _phases(label_studio.NAME, release, crowd, order, asked, tickets, server.release)
        else:
            with doccano.crowd(venv, place, server, texts, names, services) as (release, listed, order):
                for unconfirmed in (False, True):
                    for one in listed:
                        one.unconfirmed = unconfirmed
                    tool = f"{doccano.NAME}, {'unconfirmed' if unconfirmed else 'pages'}"
                    rows += _phases(tool, release, listed, order, asked, tickets, server.release)
    except (servers.NotInstalled, RuntimeError) as reason:
        print(f"{name} could not be measured: {reason}")
    return rows


def _phases(
    tool: str, release: str, crowd: Any, order: dict[int, float], asked: Any, tickets: int, store: str
) -> list[dict[str, Any]]:
    from benchmarks import queue

    rows = []
    people.work(crowd, pause=0.0, enough=_times(2 * len(crowd)))
    for name, pause in (("paced", 1.0), ("flat out", 0.0)):
        notes, seconds = queue.run(crowd, pause, asked.submits)
        kept = people.rank_correlation(people.served_order(notes), order)
        found = queue.summary(notes, seconds)
        found["order kept"] = None if kept is None else round(kept, 3)
        rows.append(
            {"tool": tool, "release": release, "store": store, "phase": name, "tickets": tickets} | found
        )
        print(report.table(rows[-1:]), flush=True)
    return rows


def _times(count: int) -> Any:
    left = iter(range(count))
    return lambda: next(left, None) is None


def earlier(path: Path) -> list[dict[str, Any]]:
    """The peers' rows of a file that this command wrote, each with the day it was measured."""
    found = json.loads(path.read_text(encoding="utf-8"))
    day = found["machine"]["date"]
    print(f"peers as measured on {day}: {path}")
    return [{"measured": day} | row for row in found["rows"] if row.get("release")]


def judged(rows: list[dict[str, Any]], ours: str) -> list[dict[str, Any]]:
    """How many times as fast a claim is with us as with each peer, in the same phase at the same size."""
    mine = {(row["phase"], row["tickets"]): row for row in rows if row["tool"] == ours}
    wanted = []
    for row in rows:
        same = mine.get((row["phase"], row["tickets"]))
        if row["tool"] != ours and same:
            for figure in ("claim p50 ms", "claim p95 ms"):
                times = round(row[figure] / same[figure], 1)
                wanted.append(
                    report.at_least(f"{figure}: {row['tool']} / ours ({row['phase']})", times, TIMES)
                )
    return wanted


def draw(rows: list[dict[str, Any]], path: Path, ours: str) -> None:
    """Claim p95 of each tool, paced and flat out, at the largest size."""
    size = max(row["tickets"] for row in rows)
    found = [
        (f"{row['tool']}, {row['phase']}", float(row["claim p95 ms"]), row["tool"] == ours)
        for phase in ("paced", "flat out")
        for row in rows
        if row["phase"] == phase and row["tickets"] == size
    ]
    bars.draw(
        path,
        f"The next ticket for ten annotators, {size:,} tickets: 95th percentile (logarithmic)",
        found,
        "ms",
    )


@contextmanager
def _folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="aiguilleur-bench-peers-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
