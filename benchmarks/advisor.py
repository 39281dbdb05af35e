"""When the advisor says stop, or holds back a training, and what that costs, an answer key in place of people.

    python -m benchmarks.advisor TRAIN.csv TEST.csv --seeds 0

The real learner, marks and advisor on arrays: no database, no leases. Of the labels a share is audit labels, drawn at
random, paid for, never trained on; the accuracies reported are those on TEST, which nothing here looks at otherwise.
Each forecast is held against what the next 100 labels then gave on TEST, which is itself uncertain: the share inside
the band is told as it is, and with the noise of TEST added. The trainings are those of a retrain policy of `--every`
labels, the learner's own head standing for the model. Choose settings on a part of TRAIN (`--part`).
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import history, report
from ml import advisor, marks
from ml.learner import Learner

AUDIT_SHARE = 0.15


@dataclass(frozen=True)
class Round:
    """Where things stand after a round: labels that train, audit labels, what was advised, on which of TEST's tickets
    the head is right, and the labels that the newest model knows, with and without the veto.
    """

    labels: int
    audit: int
    advice: advisor.Advice
    right: NDArray[np.bool_]
    plain_on: int
    vetoed_on: int

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


@dataclass
class Policy:
    """A retrain policy of so many new labels, with and without the advisor's veto."""

    every: int
    trained_on: int = 0
    plain_on: int = 0
    plain: int = 0
    asked: int = 0
    held_back: int = 0

    def ask(self, labels: int, advice: advisor.Advice) -> None:
        """A training is due every ``every`` labels; the veto holds it back as `training.schedule` lets it."""
        if labels - self.plain_on >= self.every:
            self.plain_on, self.plain = labels, self.plain + 1
        if labels - self.trained_on < self.every:
            return
        worth = advice.training.worth_from if advice.training else None
        new = labels - self.trained_on
        vetoed = advice.training is not None and advice.training.vetoed and (worth is None or new < worth)
        if vetoed and new < max(1, self.trained_on):
            self.held_back += 1
        else:
            self.trained_on, self.asked = labels, self.asked + 1


def play(
    pool: history.History, test: history.History, *, labels: int, seed: int, policy: Policy
) -> Iterator[Round]:
    """Label from the top of the queue, ROUND at a time, and ask the advisor after each."""
    rng = np.random.default_rng(seed)
    learner = Learner(np.arange(len(pool)), pool.points, seed=seed)
    smoothed = _smoothed(learner, test)
    names = rng.permutation(np.unique(pool.groups))
    place = {name: at for at, name in enumerate(names)}
    rank = np.asarray([place[name] for name in pool.groups], np.int64)
    audit = rank < AUDIT_SHARE * len(names)
    queue = np.flatnonzero(audit)[np.argsort(rank[audit], kind="stable")]
    codes, numbers = np.unique(pool.labels, return_inverse=True)
    panel, kept, former = np.zeros(0, np.int64), [], None
    trained: list[int] = []
    while True:
        judged = queue[: round(len(trained) * AUDIT_SHARE / (1 - AUDIT_SHARE))]
        if trained:
            learner.fit(trained, pool.labels[trained].tolist(), audit=(judged, pool.labels[judged].tolist()))
            open_rows = ~audit
            open_rows[trained] = False
            panel = marks.grown(
                panel, learner.ids, audit=audit, audit_rank=rank, unlabelled=open_rows, judged=judged, rng=rng
            )
            scores = learner.scores()
            kept.append(
                marks.mark(
                    scores,
                    len(trained),
                    numbers=np.searchsorted(codes, scores.classes),
                    panel=panel,
                    ids=learner.ids,
                    unlabelled=open_rows,
                    audit=audit,
                )
            )
            advice = advisor.advise(
                kept,
                advisor.Situation(
                    len(trained),
                    advisor.scarce(scores, Counter(pool.labels[trained].tolist()), open_rows),
                    policy.trained_on or None,
                ),
                truths=np.where(np.isin(panel, judged), numbers[panel], marks.NONE),
                watched=open_rows[panel],
                former=former,
                seed=seed,
            )
            former = advisor.Former(advice.code, bool(advice.training and advice.training.vetoed))
            policy.ask(len(trained), advice)
            if policy.trained_on == len(trained):
                former = advisor.Former(advice.code)
            yield Round(
                len(trained),
                len(judged),
                advice,
                _right(learner, smoothed, test),
                policy.plain_on,
                policy.trained_on,
            )
        if len(trained) >= labels:
            return
        ranked = learner.rank(eligible=~audit, n=advisor.ROUND, rng=rng, groups=pool.groups)
        if not ranked:
            return
        trained += [pick.row for pick in ranked]


def _smoothed(learner: Learner, test: history.History) -> NDArray[np.float32]:
    """TEST as the learner sees it: labels change the head, not the points, so this is reckoned once."""
    return learner.space.smoother.apply(learner.space.units(test.points))


def _right(learner: Learner, smoothed: NDArray[np.float32], test: history.History) -> NDArray[np.bool_]:
    guess = np.asarray(learner.classes)[learner.active.predict_proba(smoothed).argmax(axis=1)]
    return np.asarray(guess == test.labels, np.bool_)


def everything(pool: history.History, test: history.History, seed: int) -> float:
    """Accuracy on TEST of the learner that was told every label."""
    learner = Learner(np.arange(len(pool)), pool.points, seed=seed)
    learner.fit(np.arange(len(pool)), pool.labels.tolist())
    return float(_right(learner, _smoothed(learner, test), test).mean())


def _first(rounds: list[Round], code: str) -> Round | None:
    return next((one for one in rounds if one.advice.code == code), None)


def forecasts(rounds: list[Round]) -> dict[str, float]:
    """How the worth told of the next labels compares with what they then gave on TEST, in points."""
    at = {one.labels: one.right.astype(np.int64) for one in rounds}
    errors, inside, allowed = [], [], []
    for one in rounds:
        gain, later = one.advice.gain, at.get(one.labels + advisor.STEP)
        if gain is None or later is None:
            continue
        moved = later - at[one.labels]
        seen, noise = float(moved.mean()), 1.645 * float(moved.std()) / np.sqrt(len(moved))
        errors.append(100 * (gain.value - seen))
        inside.append(gain.low <= seen <= gain.high)
        below, above = np.hypot(gain.value - gain.low, noise), np.hypot(gain.high - gain.value, noise)
        allowed.append(gain.value - below <= seen <= gain.value + above)
    if not errors:
        return {}
    return {
        "forecasts": len(errors),
        "mean_error_points": round(float(np.mean(errors)), 2),
        "mean_absolute_error_points": round(float(np.abs(errors).mean()), 2),
        "share_inside_the_band": round(float(np.mean(inside)), 2),
        "share_inside_with_test_noise": round(float(np.mean(allowed)), 2),
    }


def lag(rounds: list[Round]) -> dict[str, float]:
    """How much less accurate the newest model is with the veto than without, on TEST, in points."""
    at = {one.labels: one.accuracy for one in rounds}
    behind = [
        100 * (at[one.plain_on] - at[one.vetoed_on]) for one in rounds if one.plain_on and one.vetoed_on
    ]
    if not behind:
        return {}
    return {"veto_costs_points": round(float(np.mean(behind)), 2), "veto_costs_last": round(behind[-1], 2)}


def row_of(seed: int, rounds: list[Round], policy: Policy, full: float, seconds: float) -> dict[str, Any]:
    """One seed in figures; accuracies on TEST in percent."""
    found: dict[str, Any] = {"seed": seed, "told_everything": round(100 * full, 1)}
    for name, code in (("stop", "stop"), ("ask", "ask_for_tickets")):
        first = _first(rounds, code)
        found[f"{name}_at"] = first.labels if first else None
        found[f"{name}_audit"] = first.audit if first else None
        found[f"{name}_accuracy"] = round(100 * first.accuracy, 1) if first else None
        found[f"{name}_lost_points"] = round(100 * (full - first.accuracy), 1) if first else None
    known = next((one for one in rounds if one.advice.gain), None)
    found["curve_from"] = known.labels if known else None
    found["verdict_changes"] = sum(
        one.advice.code != two.advice.code for one, two in itertools.pairwise(rounds)
    )
    found |= forecasts(rounds)
    found |= {"trainings_by_count": policy.plain, "trainings_with_veto": policy.asked} | lag(rounds)
    return (
        found
        | {"labels": rounds[-1].labels, "accuracy": round(100 * rounds[-1].accuracy, 1)}
        | {"seconds": round(seconds)}
    )


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--labels", type=int, default=1500, help="that train; audit labels come on top")
    parser.add_argument("--every", type=int, default=50, help="new labels between two trainings")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--part", action="store_true", help="tune: hold out a fifth of TRAIN, leave TEST alone"
    )
    parser.add_argument("--long-tail", action="store_true", help="services of very different sizes")
    parser.add_argument("--keep", type=Path, default=Path("var/bench"), help="where vectors are kept")
    asked = parser.parse_args()
    pool = history.load(asked.train, asked.text_column, asked.label_column, asked.keep)
    if asked.part:
        pool, test = history.part(pool, 0.2)
    else:
        test = history.load(asked.test, asked.text_column, asked.label_column, asked.keep)
    if asked.long_tail:
        pool, test = history.long_tail(pool), history.long_tail(test)  # the same services stay rare in both
    rows = []
    for seed in asked.seeds:
        began, policy, rounds = time.monotonic(), Policy(asked.every), []
        for one in play(pool, test, labels=asked.labels, seed=seed, policy=policy):
            rounds.append(one)
            if one.labels % 100 < advisor.ROUND:
                print(line(one), file=sys.stderr, flush=True)
        full = everything(pool, test, seed)
        rows.append(row_of(seed, rounds, policy, full, time.monotonic() - began))
    for row in rows:
        print("\n" + "\n".join(f"{name:28s} {value}" for name, value in row.items()))
    lost = [row["stop_lost_points"] for row in rows if row["stop_lost_points"] is not None]
    targets = [report.at_most("points lost by stopping, worst seed", max(lost), 2.0)] if lost else []
    held = [row["share_inside_with_test_noise"] for row in rows if row.get("forecasts")]
    targets += (
        [report.at_least("forecasts inside band and noise of TEST, mean", float(np.mean(held)), 0.8)]
        if held
        else []
    )
    return report.publish(asked, "The advisor's verdicts, and what they cost", rows, targets)


def line(one: Round) -> str:
    """One round on one line."""
    advice = one.advice
    gain = advice.gain
    worth = f"{100 * gain.value:.2f} ({100 * gain.low:.2f}-{100 * gain.high:.2f})" if gain else "unknown"
    kappas = " ".join(f"{value:.3f}" for value in advice.kappas)
    training = advice.training
    veto = f"{'veto' if training.vetoed else 'train'} from {training.worth_from}" if training else ""
    more = f"{100 * advice.coverage_gain:.2f}" if advice.coverage_gain is not None else "?"
    return (
        f"{one.labels:5d}+{one.audit:<4d} test {100 * one.accuracy:.1f}  {advice.code:15s} next 100: {worth:20s} "
        f"noise {100 * (advice.noise or 0):.2f}  kappa {kappas}  uncertain {100 * (advice.uncertain or 0):.1f}  "
        f"coverage {100 * (advice.coverage or 0):.1f} +{more}  {veto}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
