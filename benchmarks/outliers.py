"""How well tickets of services nobody has labelled yet are told from those of known services.

    python -m benchmarks.outliers --train TRAIN.csv --test TEST.csv --held-out 27 --seeds 0 1 2 3 4

For each seed, services are held out; labels are drawn from the others' training tickets; the test tickets are scored,
and the held-out ones should score higher. AUROC; FPR95: known tickets called strange when 95 % of the unknown are
caught; and the unknown passed as known when 95 % of the known are let through. Ways of ours:

- the pool: as the learner scores. It has the training tickets, most of them unlabelled, and among them, as in life,
  those of the services nobody knows yet (transductive; the test tickets are not in it);
- pasted: what a process without the pool says of a pasted ticket, from what the learner lent it;
- late: as the first, but the held-out services came after the pool was read: no ticket in it is theirs.

Peers: the head's largest probability (MSP), PyOD's IForest, LOF and kNN. Each is run in every variant of
`benchmarks.detectors` (settings, and fitted on the labelled points or on the whole pool), and stands with its best
variant, chosen by its mean AUROC on the very test: that favours the peer. Choose our settings with `--part`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import detectors, history, report
from ml.learner import Learner

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Scores = dict[tuple[str, str], Floats]
"""(method, variant) -> scores of the test tickets, higher = stranger."""

OURS = ("ours, the pool", "ours, pasted", "ours, late")
MEASURES = {"AUROC": 1.0, "FPR95": -1.0, "passed at 95 %": -1.0}
"""1: more is better; -1: less is."""


def auroc(unknown: Bools, scores: Floats) -> float:
    """The chance that an unknown ticket scores higher than a known one; ties count half."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    n, m = int(unknown.sum()), int((~unknown).sum())
    return float((ranks[unknown].sum() - n * (n + 1) / 2.0) / (n * m))


def fpr95(positive: Bools, scores: Floats) -> float:
    """Share of the others at or above the threshold that 95 % of the positive reach."""
    limit = np.sort(scores[positive])[int(0.05 * positive.sum())]
    return float((scores[~positive] >= limit).mean())


def measured(unknown: Bools, scores: Floats) -> dict[str, float]:
    """The MEASURES of one way."""
    return dict(
        zip(MEASURES, (auroc(unknown, scores), fpr95(unknown, scores), fpr95(~unknown, -scores)), strict=True)
    )


def split(
    train: history.History, test: history.History, held_out: int, rng: np.random.Generator
) -> tuple[Bools, Bools]:
    """Which training and which test tickets are of the held-out services."""
    names = np.unique(train.labels)
    if not 0 < held_out < len(names) - 1:
        raise SystemExit(f"--held-out {held_out}: there are {len(names)} services, and two must remain")
    held = rng.choice(names, held_out, replace=False)
    return np.isin(train.labels, held), np.isin(test.labels, held)


def ours(
    train: history.History, known: NDArray[np.int64], held: Bools, test: Floats, seed: int, late: bool
) -> Floats | tuple[Floats, Floats]:
    """Scores of the learner; from a pool with everything also those of what it lends."""
    rows = np.flatnonzero(~held) if late else np.arange(len(train))
    learner = Learner(rows, train.points[rows], seed=seed)
    learner.fit(known, train.labels[known].tolist())
    whole = learner.outliers_of(test)
    if late:
        return whole
    model = learner.outlier_model
    assert model is not None
    return whole, model.score(learner.space.units(test))


def one_seed(
    train: history.History, test: history.History, asked: Any, seed: int
) -> dict[str, dict[tuple[str, str], dict[str, float]]]:
    """Measures by size, (method, variant)."""
    rng = np.random.default_rng(seed)
    held, unknown = split(train, test, asked.held_out, rng)
    order = rng.permutation(np.flatnonzero(~held))
    by_pool = detectors.by_pool(train.points, test.points, seed)
    found: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for size in asked.sizes:
        known = order if size == "all" else order[: int(size)]
        scores: Scores = dict(by_pool)
        whole, pasted = ours(train, known, held, test.points, seed, late=False)
        scores[OURS[0], ""], scores[OURS[1], ""] = whole, pasted
        scores[OURS[2], ""] = ours(train, known, held, test.points, seed, late=True)
        scores |= detectors.by_labels(train, known, test.points, seed)
        found[size] = {way: measured(unknown, values) for way, values in scores.items()}
        best = {name: values["AUROC"] for (name, _), values in found[size].items() if name in OURS}
        print(f"seed {seed}, {size} labels: {best}", file=sys.stderr, flush=True)
    return found


def rows_of(
    runs: list[dict[str, dict[tuple[str, str], dict[str, float]]]], size: str
) -> list[dict[str, Any]]:
    """One row a method, the peers with their best variant."""
    values: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for run in runs:
        for way, one in run[size].items():
            values[way].append(one)
    best: dict[str, str] = {}
    for name, variant in values:
        mean = np.mean([one["AUROC"] for one in values[name, variant]])
        if name not in best or mean > np.mean([one["AUROC"] for one in values[name, best[name]]]):
            best[name] = variant
    rows = []
    for name, variant in best.items():
        row: dict[str, Any] = {"labels": size, "method": name, "variant": variant}
        for measure in MEASURES:
            some = np.asarray([one[measure] for one in values[name, variant]])
            spread = float(some.std(ddof=1)) if len(some) > 1 else 0.0
            row |= {measure: round(float(some.mean()), 4), f"± {measure}": round(spread, 4)}
        rows.append(row | {"by seed": [one["AUROC"] for one in values[name, variant]]})
    return rows


def targets_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ours against the best peer at each size: the first two ways in both measures; late is shown, not promised."""
    targets = []
    for size in dict.fromkeys(row["labels"] for row in rows):
        here = {row["method"]: row for row in rows if row["labels"] == size}
        peers = [row for name, row in here.items() if name not in OURS]
        for name in OURS[:2]:
            for measure in ("AUROC", "FPR95"):
                sign = MEASURES[measure]
                best = max(peers, key=lambda row, measure=measure, sign=sign: sign * row[measure])  # type: ignore[misc]
                ahead = sign * (here[name][measure] - best[measure])
                what = f"{name}, {size} labels: {measure} ahead of {best['method']}"
                targets.append(report.at_least(what, round(ahead, 4), 0.0001))
    return targets


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, help="not needed with --part")
    parser.add_argument("--part", action="store_true", help="test on a fifth of TRAIN, to choose settings")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--held-out", type=int, default=27)
    parser.add_argument("--sizes", nargs="+", default=["300", "800", "all"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--keep", type=Path, default=Path("var/benchmarks"), help="embeddings are kept here")
    asked = parser.parse_args()
    train = history.load(asked.train, asked.text_column, asked.label_column, asked.keep)
    if asked.part:
        train, test = history.part(train, 0.2)
    elif asked.test:
        test = history.load(asked.test, asked.text_column, asked.label_column, asked.keep)
    else:
        parser.error("--test or --part is needed")
    runs = [one_seed(train, test, asked, seed) for seed in asked.seeds]
    rows = [row for size in asked.sizes for row in rows_of(runs, size)]
    title = (
        f"Unknown services, {asked.held_out} held out, {len(asked.seeds)} seeds; one core for every method"
    )
    for missing in detectors.missing():
        print(f"not installed, left out: {missing}", file=sys.stderr)
    return report.publish(asked, title, rows, targets_of(rows))


if __name__ == "__main__":
    sys.exit(main())
