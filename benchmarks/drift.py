"""How soon drift is noticed, and which test notices it: on a labelled history, by drawing what came before and now.

    python -m benchmarks.drift --texts HISTORY.csv

In each of `--draws` draws, `--held-out` services are nobody's yet; `--learnt` tickets of the others are the snapshot,
`--before` the tickets compared with and `--now` those that came. *new .2*: a fifth of those that came is of the
services held out; *one .2*: a fifth is of one known service on top of its own share. The figure is the share of draws
noticed at a level of 1 %, each test's level set on draws where nothing changed. Ours are `ml.drift`'s two: the kernel
test over vectors, and the mean distance to the snapshot. Beside them: energy distance (Székely, Rizzo 2013), a kernel
of median width, a nearest-neighbour test (Schilling 1986), the share farther from the snapshot than 95 % were.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import history, report
from ml.drift import BANDWIDTH

Floats = NDArray[np.float32]
OURS = ("kernel test", "distance to the snapshot")
CASES = ("new .1", "new .2", "new .4", "one .1", "one .2")
LEVEL = 0.01
NEIGHBOURS = 10


def statistics(before: Floats, now: Floats, learnt: Floats) -> dict[str, float]:
    """Each test's statistic, the larger the more has changed."""
    across, inside, other = (squared(*pair) for pair in ((before, now), (before, before), (now, now)))
    median = float(np.median(inside))
    old, new = (1 - (points @ learnt.T).max(axis=1) for points in (before, now))
    return {
        OURS[0]: discrepancy(across, inside, other, BANDWIDTH * median),
        OURS[1]: float(new.mean() - old.mean()),
        "kernel of median width": discrepancy(across, inside, other, median),
        "energy distance": 2 * float(np.sqrt(across).mean()) - off(np.sqrt(inside)) - off(np.sqrt(other)),
        "nearest neighbours": neighbours(across, inside, other),
        "share beyond 95 %": float((new > np.quantile(old, 0.95)).mean()),
    }


def squared(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.maximum(2 - 2 * one @ other.T, 0), np.float32)


def off(values: Floats) -> float:
    """The mean of a square array but for its diagonal, which is 0."""
    return float(values.sum(dtype=np.float64)) / (len(values) * (len(values) - 1))


def discrepancy(across: Floats, inside: Floats, other: Floats, width: float) -> float:
    """The unbiased squared maximum mean discrepancy."""

    def kernel(values: Floats) -> float:
        return (float(np.exp(-values / width).sum(dtype=np.float64)) - len(values)) / (
            len(values) * (len(values) - 1)
        )

    return kernel(inside) + kernel(other) - 2 * float(np.exp(-across / width).mean())


def neighbours(across: Floats, inside: Floats, other: Floats) -> float:
    """How often a ticket's nearest are of its own side."""
    together = np.block([[inside, across], [across.T, other]])
    np.fill_diagonal(together, np.inf)
    is_now = np.arange(len(together)) >= len(inside)
    nearest = np.argpartition(together, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return float((is_now[nearest] == is_now[:, None]).mean())


def drawn(world: history.History, case: str, sizes: tuple[int, int, int, int], seed: int) -> dict[str, float]:
    """The statistics of one draw of a case; "same": nothing changed."""
    rng = np.random.default_rng([seed, ("same", *CASES).index(case)])
    held_out, learnt, before, now = sizes
    names = np.unique(world.labels)
    held = rng.choice(names, held_out, replace=False)
    is_held = np.isin(world.labels, held)
    known, unknown = rng.permutation(np.flatnonzero(~is_held)), rng.permutation(np.flatnonzero(is_held))
    rest = known[learnt + before :]
    kind, share = case.split() if case != "same" else ("same", "0")
    wanted = int(float(share) * now)
    more = unknown[:wanted]
    if kind == "one":
        more = rest[world.labels[rest] == rng.choice(np.setdiff1d(names, held))][:wanted]
    others = np.setdiff1d(rest, more)
    came = np.concatenate([rng.choice(others, now - len(more), replace=False), more])
    points = world.points
    return statistics(points[known[learnt : learnt + before]], points[came], points[known[:learnt]])


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--held-out", type=int, default=8)
    parser.add_argument("--learnt", type=int, default=1500)
    parser.add_argument("--before", type=int, default=400)
    parser.add_argument("--now", type=int, default=300)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--unchanged", type=int, default=200, help="draws that set each test's level")
    parser.add_argument("--keep", type=Path, default=Path("var/benchmarks"), help="where vectors are kept")
    asked = parser.parse_args()
    world = history.load(asked.texts, asked.text_column, asked.label_column, asked.keep)
    sizes = (asked.held_out, asked.learnt, asked.before, asked.now)
    levels: dict[str, list[float]] = defaultdict(list)
    for seed in range(asked.unchanged):
        for name, value in drawn(world, "same", sizes, seed).items():
            levels[name].append(value)
    limits = {name: float(np.quantile(values, 1 - LEVEL)) for name, values in levels.items()}
    rows: dict[str, dict[str, object]] = {name: {"test": name} for name in limits}
    for case in CASES:
        found = [drawn(world, case, sizes, seed) for seed in range(asked.draws)]
        for name, limit in limits.items():
            rows[name][case] = round(float(np.mean([one[name] > limit for one in found])), 3)
        print(f"{case}: {[(name, row[case]) for name, row in rows.items()]}", file=sys.stderr, flush=True)
    least = [
        report.at_least(f"noticed, {case}", max(float(str(rows[name][case])) for name in OURS), 0.8)
        for case in ("new .2", "new .4", "one .2")
    ]
    title = (
        f"Drift noticed at a level of 1 %: {asked.now} tickets against {asked.before}, {asked.draws} draws"
    )
    return report.publish(asked, title, list(rows.values()), least)


if __name__ == "__main__":
    sys.exit(main())
