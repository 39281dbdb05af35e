"""When a curve reaches a goal, and how two ways of choosing compare: pure functions over runs.

A run is {"way", "seed", "curve": [{"labels", measure: value, ...}], "seconds"}; a goal is {measure: value to reach}.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = dict[str, Any]
Goals = dict[str, dict[str, float]]

RESAMPLES = 4000
AGAINST_RANDOM = 0.40
AGAINST_BEST = 0.70
CHARGED = 0.47


def macro_f1(truth: NDArray[np.str_], guess: NDArray[Any]) -> float:
    """Mean F1 over the services that occur in `truth`."""
    names, truth_at = np.unique(truth, return_inverse=True)
    known = np.searchsorted(names, guess).clip(0, len(names) - 1)
    guess_at = np.where(names[known] == guess, known, len(names))
    right = np.bincount(truth_at[guess_at == truth_at], minlength=len(names))
    total = np.bincount(truth_at, minlength=len(names)) + np.bincount(guess_at, minlength=len(names) + 1)[:-1]
    return float(np.mean(2 * right / np.maximum(total, 1)))


def labels_to(curve: Sequence[dict[str, Any]], goal: dict[str, float]) -> float | None:
    """Labels at which every measure of the goal is reached first, interpolated within the batch; None if never."""
    reached = []
    for measure, value in goal.items():
        before, before_labels = 0.0, 0
        for point in curve:
            if point[measure] >= value:
                gain = point[measure] - before
                share = (value - before) / gain if gain > 0 else 1.0
                reached.append(before_labels + share * (point["labels"] - before_labels))
                break
            before, before_labels = point[measure], point["labels"]
        else:
            return None
    return max(reached)


def ratio(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """(mean of ours / mean of theirs, and the bounds of its 95 % bootstrap interval over seeds)."""
    mine, other = np.asarray(ours, float), np.asarray(theirs, float)
    rng = np.random.default_rng(seed)
    draws = [
        rng.choice(mine, len(mine)).mean() / rng.choice(other, len(other)).mean() for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(mine.mean() / other.mean()), float(low), float(high)


def needed(runs: Sequence[Run], goal: dict[str, float]) -> dict[str, list[float]]:
    """Labels to the goal by way; a run that never got there counts as its last label, which flatters it."""
    found: dict[str, list[float]] = {}
    for run in runs:
        labels = labels_to(run["curve"], goal)
        found.setdefault(run["way"], []).append(
            labels if labels is not None else float(run["curve"][-1]["labels"])
        )
    return found


def summary(
    runs: Sequence[Run], aims: Goals, *, audit_share: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(a row for each way, the targets)."""
    from benchmarks import report

    rows = [_row(way, runs, aims) for way in dict.fromkeys(run["way"] for run in runs)]
    targets: list[dict[str, Any]] = []
    for name, goal in aims.items():
        by_way = needed(runs, goal)
        if "ours" not in by_way:
            continue
        ours = by_way.pop("ours")
        charged = [labels / (1.0 - audit_share) for labels in ours]
        if "random" in by_way:
            random = by_way.pop("random")
            targets.append(_target(report, f"{name}: ours / random", ours, random, AGAINST_RANDOM))
            targets.append(_target(report, f"{name}: ours charged / random", charged, random, CHARGED))
        if by_way:
            best = min(by_way, key=lambda way: float(np.mean(by_way[way])))
            targets.append(_target(report, f"{name}: ours / {best}", ours, by_way[best], AGAINST_BEST))
    return rows, targets


def line(run: Run, aims: Goals) -> str:
    """One run in a line."""
    cells = []
    for name, goal in aims.items():
        labels = labels_to(run["curve"], goal)
        cells.append(f"{name}: {'never' if labels is None else f'{labels:.0f}'}")
    return f"{run['way']:30s} seed {run['seed']}  {'  '.join(cells)}  ({run['seconds']:.0f} s choosing)"


def draw(runs: Sequence[Run], aims: Goals, path: Path, measure: str) -> None:
    """Mean curves of all ways, as far as all seeds of a way go."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for way in dict.fromkeys(run["way"] for run in runs):
        curves = [run["curve"] for run in runs if run["way"] == way]
        length = min(len(curve) for curve in curves)
        labels = [point["labels"] for point in curves[0][:length]]
        values = np.array([[point[measure] for point in curve[:length]] for curve in curves])
        (drawn,) = axes.plot(
            labels, values.mean(axis=0), label=way, lw=2.6 if way == "ours" else 1.2,
            zorder=3 if way == "ours" else 2, ls=":" if way == "random" else "-",
        )  # fmt: skip
        axes.fill_between(labels, values.min(axis=0), values.max(axis=0), color=drawn.get_color(), alpha=0.10)
    for goal in aims.values():
        if measure in goal:
            axes.axhline(goal[measure], color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="labels", ylabel=measure.replace("_", " head, "), xlim=(0, None), ylim=(0.3, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path)


def _row(way: str, runs: Sequence[Run], aims: Goals) -> dict[str, Any]:
    own = [run for run in runs if run["way"] == way]
    row: dict[str, Any] = {"way": way, "seeds": len(own)}
    for name, goal in aims.items():
        reached = [labels_to(run["curve"], goal) for run in own]
        values = needed(own, goal)[way]
        never = sum(labels is None for labels in reached)
        spread = f"{np.mean(values):.0f} ({min(values):.0f}-{max(values):.0f})"
        row[name] = spread + (f", {never} never" if never else "")
    return row | {"choosing, s": round(float(np.mean([run["seconds"] for run in own])), 1)}


def _target(
    report: Any, name: str, ours: Sequence[float], theirs: Sequence[float], limit: float
) -> dict[str, Any]:
    value, low, high = ratio(ours, theirs)
    found: dict[str, Any] = report.at_most(name, round(value, 3), limit)
    return found | {"interval": f"{low:.3f}-{high:.3f}"}
