"""How long it takes to rank a pool: the margin score, and a diverse batch of 25, on one core.

    python -m benchmarks.ranking --sizes 10000 100000 1000000 --classes 77 --dim 384 --labelled 500

Made-up unit embeddings in clouds, a head fitted on the labelled ones; the same arrays for everybody. Scoring starts
from probabilities. A batch is measured twice: the choice alone, where the head gives back probabilities reckoned
before, and whole, from embeddings and the head's weights. Each measurement runs in a process of its own that shares
the arrays, ours and the peers' in turn, with one thread; imports and first calls are done before, on a small pool.

Times are CPU seconds of that process, which other work on the machine stretches less than the clock; `wall s` stands
beside them. A peer that has not finished within `--patience` CPU seconds or wants more than `--memory` is stopped, and
not asked about larger pools.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import contests, report
from benchmarks.clocks import Took, timed

BATCHES = "diverse batch, choice alone"
WHOLE = "diverse batch, whole"
SCORING = "scoring"
TIMES_MODAL, TIMES_SMALL_TEXT, WHOLE_SECONDS, MILLION = 100.0, 10.0, 3.0, 1_000_000
OURS = "ours (default)"

Key = tuple[int, str, str]
"""Size, task, method."""


def measure(asked: Any) -> dict[Key, list[Took]]:
    """All measurements, in turn, `asked.repeats` times."""
    found: dict[Key, list[Took]] = {}
    beaten: set[tuple[str, str]] = set()
    for size in sorted(asked.sizes):
        pool = contests.make_pool(size, asked.classes, asked.dim, asked.labelled, seed=asked.seed)
        for repeat in range(asked.repeats):
            for task, methods in tasks(pool, asked.batch, repeat).items():
                for name, work in methods.items():
                    if (task, name) in beaten:
                        continue
                    took = timed(work, asked.patience, asked.memory)
                    found.setdefault((size, task, name), []).append(took)
                    if took.seconds is None:
                        beaten.add((task, name))
                    said = took.why if took.seconds is None else f"{took.seconds:.4g} s"
                    print(f"{size:>9,}  {task:<30} {name:<38} {said}", file=sys.stderr, flush=True)
    return found


def tasks(pool: contests.Pool, batch: int, seed: int) -> dict[str, dict[str, Any]]:
    """Task -> method -> what it does."""
    alone = {name: (lambda way=way: way(pool.given, batch, seed)) for name, way in contests.batches().items()}
    whole = {name: (lambda way=way: way(pool, batch, seed)) for name, way in contests.batches().items()}
    scoring = {name: (lambda way=way: way(pool.probabilities)) for name, way in contests.scorings().items()}
    return {SCORING: scoring, BATCHES: alone, WHOLE: whole}


def rows_of(found: dict[Key, list[Took]]) -> list[dict[str, Any]]:
    """One row a measurement, with the ratio to ours, repeat by repeat."""
    rows = []
    for (size, task, name), all_took in found.items():
        row: dict[str, Any] = {"tickets": size, "task": task, "method": name}
        done = [took.seconds for took in all_took if took.seconds is not None]
        if len(done) < len(all_took):
            rows.append(row | {"finished": all_took[-1].why})
            continue
        row |= {
            "finished": "yes",
            "CPU s": round(float(np.median(done)), 5),
            "wall s": round(float(np.median([took.wall for took in all_took])), 5),
        }
        ratios = ratios_to_ours(found, (size, task, name))
        if ratios:
            row |= {"x ours": round(float(np.median(ratios)), 2)}
            row |= {"least": round(min(ratios), 2), "most": round(max(ratios), 2)}
        rows.append(row)
    return rows


def ratios_to_ours(found: dict[Key, list[Took]], key: Key) -> list[float]:
    """The method's time over ours, for the repeats that both finished."""
    size, task, _ = key
    pairs = zip(found[key], found.get((size, task, OURS), []), strict=False)
    return [a.seconds / b.seconds for a, b in pairs if a.seconds is not None and b.seconds]


def targets_of(found: dict[Key, list[Took]]) -> list[dict[str, Any]]:
    """The three targets, each at the largest size that it can be judged at."""
    targets = []
    for task, peer, limit in (
        (BATCHES, contests.MODAL, TIMES_MODAL),
        (WHOLE, contests.MODAL, TIMES_MODAL),
        (SCORING, contests.SMALL_TEXT, TIMES_SMALL_TEXT),
    ):
        sizes = [size for size, at, name in found if (at, name) == (task, peer)]
        for size in sorted(sizes, reverse=True):
            ratios = ratios_to_ours(found, (size, task, peer))
            if ratios and len(ratios) == len(found[size, task, peer]):
                what = f"{task}: times as fast as {peer}, {size:,} tickets"
                targets.append(report.at_least(what, round(float(np.median(ratios)), 1), limit))
                break
    million = [took.seconds for took in found.get((MILLION, WHOLE, OURS), []) if took.seconds is not None]
    if million:
        what = "score and diverse batch of 1,000,000 from embeddings, CPU s"
        targets.append(report.at_most(what, round(float(np.median(million)), 2), WHOLE_SECONDS))
    return targets


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--classes", type=int, default=77)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--labelled", type=int, default=500)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=120.0, help="CPU seconds")
    parser.add_argument(
        "--memory", type=float, default=8.0, help="GB that a method may take on top of the pool"
    )
    asked = parser.parse_args()
    with threadpool_limits(limits=1):
        contests.warm_up(asked.batch)
        found = measure(asked)
    for missing in contests.missing():
        print(f"not installed, left out: {missing}", file=sys.stderr)
    title = (
        f"Ranking on one core: {asked.classes} services, {asked.dim} dimensions, {asked.labelled} labelled"
    )
    return report.publish(asked, title, rows_of(found), targets_of(found))


if __name__ == "__main__":
    sys.exit(main())
