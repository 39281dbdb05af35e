"""Is it worth labelling on, and worth training now? Verdicts with the figures behind them. Pure functions.

Three signals (sources: Bloodgood & Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing
predictions"; its bound: a kappa of T keeps the F-measure within 4(1-T)/T, arXiv 1504.06329):

- stability: successive heads, a round of labels apart, agree on fixed tickets that nobody has labelled;
- the uncertain mass: the share of unlabelled tickets the head is not sure of, and what labels still add to coverage;
- the learning curve (`ml.learning_curve`): what the next labels are worth on audit labels.

Nothing is said before there is evidence, and a verdict once given is only left for a clear reason (the `LEAVE` limits),
so that it does not flap. Gains and shares are fractions: 0.004 is 0.4 points.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.learning_curve import Estimate, Forecast, fit, standard_error
from ml.marks import NONE, Mark
from ml.reports import Scores

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Code = Literal["label_on", "ask_for_tickets", "stop"]

ROUND = 25
"""New labels between two heads that are compared."""
STEP = 100
"""The "next labels" whose worth is told."""
ROUNDS_STABLE = 3
STABLE_FROM, STABLE_LEAVE = 0.99, 0.98
LITTLE_COVERAGE, LITTLE_COVERAGE_LEAVE = 0.01, 0.015
LITTLE_SHARE, LITTLE_SHARE_LEAVE = 0.05, 0.08
NOISE_LEAVE = 1.25
CURVE_CONTROLS = 50
"""Audit labels from which a curve is drawn."""
JUDGE_CONTROLS = 200
"""Audit labels from which its noise may stop people or hold back a training: below, everything is under the noise."""
CURVE_MARKS = 4
SPREAD = 1.5
"""The last point of a curve has at least so many times the labels of its first."""
MOST_POINTS = 40
SERVICE_LABELS = 5
"""Fewer labels than this and a service is scarce."""


@dataclass(frozen=True)
class Situation:
    """What holds now, beside the marks. ``scarce``: services with fewer than SERVICE_LABELS labels and no unlabelled
    ticket that looks like one; ``before``: the labels that the current model was trained on, None before the first.
    """

    labels: int
    scarce: tuple[str, ...] = ()
    before: int | None = None


@dataclass(frozen=True)
class Training:
    """What a training now would gain on audit labels, against their noise; ``worth_from``: the new labels from which
    it is worth it (None: not before the labels have doubled, as far as can be told).
    """

    gain: Estimate
    noise: float
    new: int
    worth_from: int | None
    vetoed: bool


@dataclass(frozen=True)
class Advice:
    """A verdict and all its figures. None and empty lists are what is not known yet."""

    code: Code
    labels: int
    kappas: list[float]
    is_stable: bool
    uncertain: float | None
    uncertain_tickets: int | None
    coverage: float | None
    coverage_gain: float | None
    controls: int
    controls_missing: int
    rounds_missing: int
    accuracy: float | None
    noise: float | None
    gain: Estimate | None
    scarce: tuple[str, ...]
    training: Training | None
    forecast: Forecast | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Former:
    """The verdict before, for hysteresis; ``vetoed`` only if it spoke of the model that is current now."""

    code: Code
    vetoed: bool = False


def kappa(first: Ints, second: Ints) -> float | None:
    """Cohen's kappa of two raters' answers for the same m tickets, in [-1, 1]; None for no tickets.

    Two raters who both always say the one same thing agree fully: 1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} answers cannot be compared")
    if len(first) == 0:
        return None
    names, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    one = np.bincount(places[: len(first)], minlength=len(names)) / len(first)
    two = np.bincount(places[len(first) :], minlength=len(names)) / len(first)
    agreed, chance = float((first == second).mean()), float(one @ two)
    return 1.0 if chance >= 1.0 - 1e-12 else (agreed - chance) / (1.0 - chance)


def agreements(marks: Sequence[Mark], watched: Bools) -> list[float]:
    """Kappas of the last ROUNDS_STABLE pairs of successive heads, newest last, on the ``watched`` tickets of the panel
    (those nobody has labelled) that both heads had seen.
    """
    found = []
    recent = list(marks)[-ROUNDS_STABLE - 1 :]
    for former, later in itertools.pairwise(recent):
        size = min(len(former.guesses), len(later.guesses), len(watched))
        seen = watched[:size] & (former.guesses[:size] != NONE) & (later.guesses[:size] != NONE)
        agreed = kappa(former.guesses[:size][seen], later.guesses[:size][seen])
        if agreed is not None:
            found.append(agreed)
    return found


def forecast(marks: Sequence[Mark], truths: Ints, rng: np.random.Generator) -> Forecast | None:
    """The learning curve of the marks on audit labels: ``truths`` (panel,), NONE where there is none.

    None while there are too few of either. Every head is asked about every audit label of now.
    """
    chosen = _thinned([mark for mark in marks if mark.labels > 0])
    if len(chosen) < CURVE_MARKS or chosen[-1].labels < SPREAD * chosen[0].labels:
        return None
    right = np.zeros((len(chosen), len(truths)), np.bool_)
    known = np.zeros_like(right)
    for at, mark in enumerate(chosen):
        size = min(len(mark.guesses), len(truths))
        known[at, :size] = (truths[:size] != NONE) & (mark.guesses[:size] != NONE)
        right[at, :size] = mark.guesses[:size] == truths[:size]
    enough = known.sum(axis=1) >= CURVE_CONTROLS
    if enough.sum() < CURVE_MARKS:
        return None
    labels = np.asarray([mark.labels for mark in chosen])
    asked = known.any(axis=0)
    return Forecast(labels[enough], right[np.ix_(enough, asked)], known[np.ix_(enough, asked)], rng)


def _thinned(marks: Sequence[Mark]) -> list[Mark]:
    """At most MOST_POINTS of them, spread evenly by the logarithm of their labels, the newest always among them."""
    if len(marks) <= MOST_POINTS:
        return list(marks)
    logs = np.log([mark.labels for mark in marks])
    wanted = np.linspace(logs[0], logs[-1], MOST_POINTS)
    return [
        marks[at] for at in sorted({int(np.abs(logs - want).argmin()) for want in wanted} | {len(marks) - 1})
    ]


def coverage_gain(marks: Sequence[Mark]) -> float | None:
    """What the next STEP labels add to the share of tickets the head is sure of; None while too few heads are known."""
    chosen = _thinned([mark for mark in marks if mark.labels > 0])
    if len(chosen) < CURVE_MARKS or chosen[-1].labels < SPREAD * chosen[0].labels:
        return None
    labels = np.asarray([mark.labels for mark in chosen], np.float64)
    law = fit(labels, [mark.coverage for mark in chosen], np.sqrt(labels / labels.max()))
    return float(law.at(labels[-1] + STEP)[0] - law.at(labels[-1])[0])


def advise(
    marks: Sequence[Mark],
    now: Situation,
    *,
    truths: Ints,
    watched: Bools,
    former: Former | None = None,
    seed: int = 0,
) -> Advice:
    """The verdict. ``marks`` in the order of their labels; ``truths`` (panel,) audit labels, NONE where there is none;
    ``watched`` (panel,) tickets nobody has labelled. The same input gives the same advice.
    """
    former = former or Former("label_on")
    curve = forecast(marks, truths, np.random.default_rng(seed))
    kappas, more = agreements(marks, watched), coverage_gain(marks)
    controls = int((truths != NONE).sum())
    judged = int(curve.asked[-1]) if curve else 0
    noise = standard_error(float(curve.accuracy[-1]), judged) if curve else None
    gain = curve.gain(now.labels, now.labels + STEP) if curve else None
    was = former.code
    stable = _is_stable(kappas, STABLE_LEAVE if was != "label_on" else STABLE_FROM)
    little = more is not None and more < (LITTLE_COVERAGE_LEAVE if was != "label_on" else LITTLE_COVERAGE)
    below = (
        gain is not None
        and noise is not None
        and judged >= JUDGE_CONTROLS
        and gain.value < noise * (NOISE_LEAVE if was == "stop" else 1.0)
    )
    drained = len(marks) >= CURVE_MARKS and (
        marks[-1].uncertain < (LITTLE_SHARE_LEAVE if was != "label_on" else LITTLE_SHARE)
        or marks[-1].uncertain_tickets < ROUND
    )
    needed = max(0, (JUDGE_CONTROLS if stable and little else CURVE_CONTROLS) - controls)
    return Advice(
        code=_verdict(stable, little, below, drained, bool(now.scarce)),
        labels=now.labels,
        kappas=kappas,
        is_stable=stable,
        uncertain=marks[-1].uncertain if marks else None,
        uncertain_tickets=marks[-1].uncertain_tickets if marks else None,
        coverage=marks[-1].coverage if marks else None,
        coverage_gain=more,
        controls=controls,
        controls_missing=needed,
        rounds_missing=_rounds_missing(marks, curve),
        accuracy=curve.at(now.labels).value if curve else None,
        noise=noise,
        gain=gain,
        scarce=now.scarce,
        training=_training(curve, noise, judged, now, former),
        forecast=curve,
    )


def _is_stable(kappas: Sequence[float], limit: float) -> bool:
    return len(kappas) >= ROUNDS_STABLE and min(kappas[-ROUNDS_STABLE:]) >= limit


def _verdict(stable: bool, little: bool, below: bool, drained: bool, scarce: bool) -> Code:
    if stable and scarce:
        return "ask_for_tickets"
    if stable and little and below:
        return "stop"
    return "ask_for_tickets" if drained else "label_on"


def _rounds_missing(marks: Sequence[Mark], curve: Forecast | None) -> int:
    """Rounds of labels until there may be a curve, as far as the marks alone decide; 0 when there is one."""
    if curve is not None or not marks:
        return 0 if marks else CURVE_MARKS
    first, last = max(1, marks[0].labels), marks[-1].labels
    wide = max(0, -(-int(np.ceil(SPREAD * first) - last) // ROUND))
    return max(CURVE_MARKS - len(marks), wide, 0)


def _training(
    curve: Forecast | None, noise: float | None, judged: int, now: Situation, former: Former
) -> Training | None:
    """What a training now is worth; None without a curve or a model. The veto never outlasts a doubling of labels."""
    if curve is None or noise is None or now.before is None:
        return None
    new = max(0, now.labels - now.before)
    gain = curve.gain(max(1, now.before), max(1, now.labels))
    limit = noise * (NOISE_LEAVE if former.vetoed else 1.0)
    at = curve.labels_for(max(1, now.before), noise * NOISE_LEAVE, 2.0 * max(1, now.before))
    worth = None if at is None else max(1, int(at) - now.before)
    vetoed = judged >= JUDGE_CONTROLS and gain.value < limit and new < max(1, now.before)
    return Training(gain, noise, new, worth, vetoed)


def scarce(scores: Scores, counts: Mapping[str, int], unlabelled: Bools) -> tuple[str, ...]:
    """Services with fewer than SERVICE_LABELS labels that the unlabelled rows (n,) cannot bring there: too few of them
    have the service as first or second guess. ``counts``: labels of every service, those without any included.
    """
    column = {name: at for at, name in enumerate(scores.classes)}
    first, second = scores.top1[unlabelled], scores.top2[unlabelled]
    found = []
    for name, count in sorted(counts.items()):
        alike = int(((first == column.get(name, -2)) | (second == column.get(name, -2))).sum())
        if count < SERVICE_LABELS and alike < SERVICE_LABELS - count:
            found.append(name)
    return tuple(found)
