"""How many labels each way of choosing needs for the same accuracy: ours beside the peers.

    python -m benchmarks.label_efficiency --train TRAIN.csv --test TEST.csv --budget 1500 --batch 25 --seeds 10

Every way labels from the same pool, from no label at all, on the same embeddings. After each batch two heads are
fitted on the labels it chose, the same for everybody: *plain* (multinomial logistic regression, C = 30, on the
embeddings) and *smoothed* (the same, on embeddings drawn towards their neighbours in the pool: what the product
serves). Peers choose by the plain head; ours chooses as the product does; "our points" lends a peer the smoothed
embeddings and the head on them. A share of the pool is audit reserve, left out on every side; "charged" counts ours as
if those labels had been paid too.

Labels to 90 % and 94 % of what the head reaches on the whole pool; with --tail the pool is made long-tailed first, and
the figures are macro-F1 and the labels until every service has five. Results are kept under --work by (data, way,
seed), so a run that was stopped goes on. Without --test a fifth of TRAIN judges: that is how to tune.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import crossing, history, picking, report
from benchmarks.history import History
from ml.smoothing import Smoother
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
HEADS = ("plain", "smoothed")
SHARES = (0.90, 0.94)
FEWEST_OF_EACH = 5
AUDIT_SHARE = 0.15


class Judge:
    """Two heads on the chosen labels, judged on the test set; the smoothing is shared by all runs."""

    def __init__(self, pool: History, test: History) -> None:
        self.pool, self.test = pool, test
        smoother = Smoother(pool.points, 0)
        self.points = {"plain": pool.points, "smoothed": smoother.pool(pool.points)}
        self._test = {"plain": test.points, "smoothed": smoother.apply(test.points)}
        self.services = np.unique(pool.labels)

    def heads(self) -> dict[str, SoftmaxRegression]:
        """Fresh heads for one run: they keep a warm start from round to round."""
        return {name: SoftmaxRegression() for name in HEADS}

    def judge(self, heads: dict[str, SoftmaxRegression], rows: NDArray[np.int64]) -> dict[str, Any]:
        """Fit the heads on the rows; {head}_accuracy, {head}_f1 and the fewest labels any service has."""
        names = self.pool.labels[rows]
        counts = [int((names == name).sum()) for name in self.services]
        found: dict[str, Any] = {"labels": len(rows), "fewest": min(counts)}
        for name, head in heads.items():
            head.fit(self.points[name][rows], names)
            guess = head.predict(self._test[name])
            found[f"{name}_accuracy"] = round(float((guess == self.test.labels).mean()), 5)
            found[f"{name}_f1"] = round(crossing.macro_f1(self.test.labels, guess), 5)
        return found

    def whole(self) -> dict[str, Any]:
        """The same, with every label of the pool."""
        return self.judge(self.heads(), np.arange(len(self.pool)))


def run(judge: Judge, way: str, seed: int, batch: int, budget: int, goal: dict[str, float]) -> dict[str, Any]:
    """One way, one seed: {"curve": [...], "seconds": time spent choosing}. Ends early once every goal was passed."""
    pool = judge.pool
    rng = np.random.default_rng([seed, 7])
    sees = "smoothed" if way.endswith(picking.LENT) else "plain"
    names = np.unique(pool.groups)
    reserve = rng.choice(names, int(AUDIT_SHARE * len(names)), replace=False)
    is_open = ~np.isin(pool.groups, reserve)
    chooser = picking.WAYS[way](pool.points, pool.groups, seed)
    heads = judge.heads()
    rows = np.zeros(0, np.int64)
    curve: list[dict[str, Any]] = []
    seconds = 0.0
    while len(rows) < budget and is_open.any():
        knows_two = len(np.unique(pool.labels[rows])) > 1
        now = picking.Round(
            judge.points[sees],
            rows,
            pool.labels[rows],
            np.flatnonzero(is_open),
            heads[sees] if knows_two else None,
            rng,
        )
        began = time.perf_counter()
        chosen = chooser.pick(now, min(batch, budget - len(rows)))
        seconds += time.perf_counter() - began
        if len(chosen) == 0:
            break
        is_open[chosen] = False
        rows = np.concatenate([rows, chosen])
        curve.append(judge.judge(heads, rows))
        if _is_over(curve, goal):
            break
    return {"curve": curve, "seconds": round(seconds, 2)}


def _is_over(curve: list[dict[str, Any]], goal: dict[str, float]) -> bool:
    """Three rounds in a row beyond every goal."""
    last = curve[-3:]
    return len(last) == 3 and all(point[name] >= value for point in last for name, value in goal.items())


def goals(whole: dict[str, Any], measure: str) -> dict[str, dict[str, float]]:
    """{"plain 90 %": {"plain_accuracy": .84}, ...}; with macro-F1 also five labels of each service."""
    found = {
        f"{head}, {share:.0%}": {f"{head}_{measure}": share * whole[f"{head}_{measure}"]}
        for head in HEADS
        for share in SHARES
    }
    if measure == "f1":
        found["five of each"] = {"fewest": float(FEWEST_OF_EACH)}
    return found


def main() -> int:
    asked = _parsed()
    keep = asked.work
    train = history.load(asked.train, asked.text_column, asked.label_column, keep)
    if asked.test:
        test = history.load(asked.test, asked.text_column, asked.label_column, keep)
    else:
        train, test = history.part(train, 0.2)
    if asked.tail:
        train = history.long_tail(train)
    measure = "f1" if asked.tail else "accuracy"
    with threadpool_limits(limits=1):
        judge = Judge(train, test)
        whole = judge.whole()
        aims = goals(whole, measure)
        print(f"{len(train):,} tickets of {len(judge.services)} services; whole pool: {whole}", flush=True)
        runs = _runs(asked, judge, aims)
    rows, targets = crossing.summary(runs, aims, audit_share=AUDIT_SHARE)
    if asked.svg:
        crossing.draw(runs, aims, asked.svg, f"smoothed_{measure}")
    title = (
        f"Labels needed ({asked.train.name}{', long-tailed' if asked.tail else ''}, batches of {asked.batch})"
    )
    rows.insert(
        0, {"way": "whole pool", "labels": len(train)} | {k: v for k, v in whole.items() if k != "labels"}
    )
    return report.publish(asked, title, rows, targets)


def _runs(asked: argparse.Namespace, judge: Judge, aims: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Every (way, seed), read from --work or run now; the order is by seed, so that a cut run compares fairly."""
    goal = {name: value for aim in aims.values() for name, value in aim.items()}
    data = f"{judge.pool.fingerprint()}-{judge.test.fingerprint()}"
    runs = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for way in asked.ways:
            name = f"{data}-{asked.batch}-{asked.budget}-{picking.version(way)}-{seed}.json"
            path = asked.work / "runs" / name
            if path.is_file():
                found = json.loads(path.read_text())
            elif asked.only_kept:
                continue
            else:
                budget = 2 * asked.budget if way == "random" else asked.budget
                try:
                    found = run(judge, way, seed, asked.batch, budget, goal)
                except ImportError as error:
                    print(f"{way}: not installed ({error}); see requirements/bench.txt", flush=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(found))
            runs.append({"way": way, "seed": seed, **found})
            print(crossing.line(runs[-1], aims), flush=True)
    return runs


def _parsed() -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--budget", type=int, default=1500, help="labels; random may take twice as many")
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--tail", action="store_true", help="make the pool long-tailed first")
    parser.add_argument("--ways", nargs="+", choices=picking.WAYS, default=list(picking.WAYS))
    parser.add_argument("--work", type=Path, default=Path("var/benchmarks/label_efficiency"))
    parser.add_argument("--only-kept", action="store_true", help="run nothing, summarise what is there")
    parser.add_argument("--svg", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
