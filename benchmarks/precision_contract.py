"""Is the promise of precision kept? Certificates from resplit audit labels, held against the truth.

    python -m benchmarks.precision_contract --train TRAIN.csv --test TEST.csv --calibration 500 1000 --resplits 200

A linear head on the frozen base encoder learns from TRAIN and answers TEST, and its outlier ranks with it, as in an
artifact (`ml.outlier_rank`): what is held against a threshold is `ml.score`. In each resplit some tickets of TEST are
the audit labels, drawn uniformly; the others, without their labels, fix the thresholds to try (`ml.grid`). What comes
out of `ml.certify` is held against all of TEST: the precision of what it routes, how much it routes beside the *oracle*
(the threshold that routes most at the target precision, all labels known), and its recall. Beside it the *naive*
threshold: the one that routes most at the target precision on the audit labels, which is what a look at a curve gives.

*Out of scope*: some services are never taught but stay in TEST, other ones in each of `--draws` draws; routing one of
their tickets is an error. A third of TRAIN, all services in it, is then not taught but given as unlabelled tickets, as
a training has them. `--train-seconds 1500 --unlabelled 0.33` asks the artifact of a real training, which needs such
tickets to tell strange ones. The last table is the case's own: definitions in docs/precision.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import history, report
from benchmarks.trained import answered_by_artifact
from ml.answers import Answers, answers
from ml.certificate import Certificate, Promise
from ml.certify import certify, groups_by_size
from ml.outlier_rank import fit_ranks
from ml.probe import fit_probe, folds_by_group
from ml.softmax import softmax

Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
BAR = {"accuracy": 0.95, "macro precision": 0.95, "micro precision": 0.95, "recall": 0.8}
LEAST = {500: (0.90, 0.85), 1000: (0.93, 0.86)}
"""By audit labels: coverage in parts of the oracle's, recall."""
BROKEN = 0.08
UNCERTIFIED = 0.02
IN_SCOPE = 0.6
UNLABELLED = 1 / 3


@dataclass(frozen=True)
class World:
    """A model's answers to all test tickets, and the truth; "" for tickets of services it was never taught.

    `scores` (n,): what is held against a threshold."""

    said: Answers
    truth: NDArray[np.str_]
    scores: NDArray[np.float64]

    @property
    def right(self) -> Bools:
        return np.asarray(self.said.service == self.truth, np.bool_)

    @property
    def in_scope(self) -> Bools:
        return np.asarray(self.truth != "", np.bool_)

    def routed(self, certificate: Certificate) -> Bools:
        """What a certificate routes (n,), each ticket by the threshold of its service's group."""
        limits = {name: certificate.threshold_for(name) for name in self.said.labels}
        barred = set(certificate.escalated)
        least = [
            np.inf if name in barred or limits[name] is None else limits[name] for name in self.said.service
        ]
        return np.asarray(self.scores >= np.asarray(least, np.float64), np.bool_)

    def figures(self, routed: Bools) -> dict[str, float]:
        """For the tickets routed (n,): their precision; of the tickets in scope, the share routed, and routed right."""
        scope = self.in_scope
        return {
            "precision": float(self.right[routed].mean()) if routed.any() else 1.0,
            "coverage": float(routed[scope].mean()),
            "recall": float((routed & self.right)[scope].mean()),
        }


@dataclass(frozen=True)
class Lesson:
    """What a model is taught: TRAIN but a share `unlabelled`, which it gets without labels. `seconds`: of a real
    training (`benchmarks.trained`); 0 for a linear head on the frozen encoder.
    """

    unlabelled: float = 0.0
    seconds: float = 0.0

    def split(self, train: history.History, out_of_scope: NDArray[np.str_], seed: int) -> tuple[Rows, Rows]:
        """(rows to teach, rows given without labels)."""
        is_pool = np.random.default_rng([seed, 1]).random(len(train)) < self.unlabelled
        is_taught = ~np.isin(train.labels, out_of_scope) & ~is_pool
        return np.flatnonzero(is_taught), np.flatnonzero(is_pool)


def answered(
    train: history.History,
    test: history.History,
    out_of_scope: NDArray[np.str_],
    seed: int,
    promise: Promise,
    lesson: Lesson,
) -> World:
    """Teach all but the services out of scope, and answer the test set."""
    taught, pool = lesson.split(train, out_of_scope, seed)
    if lesson.seconds:
        unlabelled = train.of(pool).texts
        said = answered_by_artifact(train.of(taught), unlabelled, test, lesson.seconds, seed)
        return world_of(said, test.labels, promise)
    # One thread: beside other work two make a fit slower, not faster.
    with threadpool_limits(1, "blas"):
        return world_of(_by_head(train.of(taught), train.points[pool], test, seed), test.labels, promise)


def _by_head(taught: history.History, pool: history.Floats, test: history.History, seed: int) -> Answers:
    """As a linear head on the frozen encoder answers, with outlier ranks beside."""
    names, targets = np.unique(taught.labels, return_inverse=True)
    folds = folds_by_group(taught.groups.tolist(), seed)
    head, temperature = fit_probe(taught.points, targets, np.ones(len(taught), np.float32), len(names), folds)
    chances = softmax(head.logits(test.points) / np.float32(temperature))
    fresh = (pool, head.logits(pool).argmax(axis=1)) if len(pool) else None
    ranks = fit_ranks(taught.points, targets, len(names), seed, fresh)
    strange = None if ranks is None else ranks.of(test.points, chances.argmax(axis=1))
    return answers(names.tolist(), chances, strange)


def world_of(said: Answers, labels: NDArray[np.str_], promise: Promise) -> World:
    """Labels (n,) the model was not taught are out of scope."""
    scores = said.scores(promise.scoring(said.has_ranks))
    return World(said, np.where(np.isin(labels, said.labels), labels, ""), scores)


def loosest(scores: NDArray[np.float64], right: Bools, precision: float) -> float | None:
    """The lowest threshold whose accepted tickets are right often enough; None when there is none."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    enough = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision
    found = np.flatnonzero(enough & last)
    return float(ranked[found.max()]) if len(found) else None


def one_resplit(
    world: World, labels: int, promise: Promise, rng: np.random.Generator, groups: int = 0
) -> dict[str, Any]:
    """Figures of the certificate, with so many groups of services, and of the naive threshold; those of an uncertified
    model are None."""
    order = rng.permutation(len(world.truth))
    audit, rest = order[:labels], order[labels:]
    truth = [one or None for one in world.truth[audit].tolist()]
    pool = world.said.of(rest)
    promise = replace(promise, groups=groups_by_size(pool, groups)) if groups else promise
    certificate = certify(world.said.of(audit), truth, pool, promise)
    naive = loosest(world.scores[audit], world.right[audit], promise.precision)
    return {
        "certified": None if certificate.threshold is None else world.figures(world.routed(certificate)),
        "naive": _held(world, naive),
        "certificate": certificate,
    }


def _held(world: World, threshold: float | None) -> dict[str, float] | None:
    return None if threshold is None else world.figures(world.scores >= threshold)


def summary(world: World, found: list[dict[str, Any]], way: str, promise: Promise) -> dict[str, Any]:
    """One row: how often the promise was broken, what was routed beside the oracle. Coverage is that of the certified;
    routed counts the others as nothing."""
    held = [one[way] for one in found if one[way] is not None]
    best = _held(world, loosest(world.scores, world.right, promise.precision))
    ratio = [one["coverage"] / best["coverage"] for one in held] if best else []
    return {
        "way": way,
        "resplits": len(found),
        "uncertified": len(found) - len(held),
        "promise broken": sum(one["precision"] < promise.precision for one in held),
        "precision": _mean([one["precision"] for one in held]),
        "coverage": _mean([one["coverage"] for one in held]),
        "routed": round(sum(one["coverage"] for one in held) / len(found), 4),
        "of the oracle's": _mean(ratio),
        "recall": _mean([one["recall"] for one in held]),
    }


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def case(world: World, certificate: Certificate) -> list[dict[str, Any]]:
    """The case's own table, for what this certificate routes."""
    routed = world.routed(certificate)
    figures = world.figures(routed)
    names = [one for one in world.said.labels if (routed & (world.said.service == one)).any()]
    per = [float(world.right[routed & (world.said.service == one)].mean()) for one in names]
    found = {
        "accuracy": figures["precision"],
        "macro precision": float(np.mean(per)) if per else 0.0,
        "micro precision": figures["precision"],
        "recall": figures["recall"],
    }
    return [
        report.at_least(f"{name} of the case", round(value, 4), BAR[name]) for name, value in found.items()
    ]


def measure(train: history.History, test: history.History, asked: Any) -> tuple[list[Any], list[Any]]:
    """Rows and targets."""
    promise = Promise(precision=asked.precision, delta=asked.delta)
    rows: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    lesson = Lesson(asked.unlabelled, asked.train_seconds)
    world = answered(train, test, np.asarray([], np.str_), 0, promise, lesson)
    for labels in asked.calibration:
        rng = np.random.default_rng(labels)
        found = [one_resplit(world, labels, promise, rng, asked.groups) for _ in range(asked.resplits)]
        pair = [summary(world, found, way, promise) for way in ("certified", "naive")]
        rows += [{"test": "all in scope", "labels": labels} | one for one in pair]
        targets += judged(f"{labels} labels", pair[0], asked.resplits, LEAST.get(labels))
        print(f"{labels} labels done", file=sys.stderr, flush=True)
    targets += case(world, found[0]["certificate"])
    if asked.held_out:
        rows_out, targets_out = outside(train, test, asked, promise)
        rows, targets = rows + rows_out, targets + targets_out
    return rows, targets


def outside(
    train: history.History, test: history.History, asked: Any, promise: Promise
) -> tuple[list[Any], list[Any]]:
    """The same with services the model was never taught."""
    names, rows, targets = np.unique(train.labels), [], []
    # The same services are missing whatever the number of control labels: a model is trained once for each draw.
    worlds, lesson = [], Lesson(asked.unlabelled or UNLABELLED, asked.train_seconds)
    for draw in range(asked.draws):
        missing = np.random.default_rng(draw).choice(names, asked.held_out, replace=False)
        worlds.append(answered(train, test, missing, draw, promise, lesson))
        print(f"draw {draw + 1} of {asked.draws} trained", file=sys.stderr, flush=True)
    for labels in asked.calibration:
        kept: dict[str, list[dict[str, Any]]] = {"certified": [], "naive": []}
        for draw, world in enumerate(worlds):
            rng = np.random.default_rng([labels, draw])
            resplits = range(asked.resplits // asked.draws)
            found = [one_resplit(world, labels, promise, rng, asked.groups) for _ in resplits]
            for way, some in kept.items():
                some.append(summary(world, found, way, promise))
        merged = [joined(some) for some in kept.values()]
        rows += [
            {"test": f"{asked.held_out} services out of scope", "labels": labels} | one for one in merged
        ]
        total = merged[0]["resplits"]
        targets += judged(f"{labels} labels, out of scope", merged[0], total, None)
        where = f"coverage in scope ({labels} labels, out of scope)"
        targets.append(report.at_least(where, merged[0]["routed"], IN_SCOPE))
    return rows, targets


def joined(some: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of several draws as one: counts added, shares averaged."""
    counts = ("resplits", "uncertified", "promise broken")
    found: dict[str, Any] = {"way": some[0]["way"]} | {
        name: sum(one[name] for one in some) for name in counts
    }
    shares = [name for name in some[0] if name not in found]
    return found | {name: _mean([one[name] for one in some if one[name] is not None]) for name in shares}


def judged(
    where: str, row: dict[str, Any], resplits: int, least: tuple[float, float] | None
) -> list[dict[str, Any]]:
    """The targets of one row."""
    found = [
        report.at_most(
            f"resplits with the promise broken ({where})", row["promise broken"], BROKEN * resplits
        ),
        report.at_most(f"share left uncertified ({where})", row["uncertified"] / resplits, UNCERTIFIED),
    ]
    if least:
        found.append(
            report.at_least(f"coverage, of the oracle's ({where})", row["of the oracle's"] or 0, least[0])
        )
        found.append(report.at_least(f"recall ({where})", row["recall"] or 0, least[1]))
    return found


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--calibration", type=int, nargs="+", default=[500, 1000])
    parser.add_argument("--resplits", type=int, default=200)
    parser.add_argument("--precision", type=float, default=0.95)
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument(
        "--held-out", type=int, default=27, help="services never taught; 0: leave that part out"
    )
    parser.add_argument(
        "--unlabelled", type=float, default=0.0, help="share of TRAIN that is given without labels"
    )
    parser.add_argument(
        "--train-seconds",
        type=float,
        default=0.0,
        help="of a real training, fine-tuning included; 0: a linear head",
    )
    parser.add_argument(
        "--groups", type=int, default=0, help="of services, each promised by itself; 0: all together"
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=Path("var/benchmarks"), help="where vectors are kept")
    asked = parser.parse_args()
    columns = (asked.text_column, asked.label_column, asked.keep)
    train, test = history.load(asked.train, *columns), history.load(asked.test, *columns)
    rows, targets = measure(train, test, asked)
    title = (
        f"A precision of {asked.precision:g} promised at delta {asked.delta:g}, {len(test):,} test tickets"
    )
    return report.publish(asked, title, rows, targets)


if __name__ == "__main__":
    sys.exit(main())
