"""What a threshold would mean in a day's work: tickets routed, escalated, misrouted, and people's minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.judging import Sheet
from ml.metrics import wilson
from ml.score import BY_CONFIDENCE, Scoring


@dataclass(frozen=True)
class Day:
    """A day's work: tickets that come, minutes a person takes to route one, minutes a misroute costs people."""

    tickets: float
    minutes_escalation: float
    minutes_misroute: float


@dataclass(frozen=True)
class Steps:
    """Every threshold that makes a difference, from strict to loose: the score from which on tickets are routed (m,),
    how many of the `n` control tickets it routes (m,), how many of those right (m,). `in_scope`: tickets of a service.
    """

    n: int
    in_scope: int
    threshold: list[float]
    routed: list[int]
    right: list[int]


@dataclass(frozen=True)
class Outcome:
    """At one threshold: shares of the control tickets with 95 % intervals, and what a day would bring.

    `misroutes` counts tickets of no service that are routed, too. `minutes_saved`: what people need not route, less
    what misroutes cost them; negative when they cost more.
    """

    threshold: float
    routed: int
    right: int
    coverage: float
    coverage_interval: list[float] | None
    precision: float | None
    precision_interval: list[float] | None
    recall: float | None
    escalations: float
    misroutes: float
    minutes_saved: float


def scores(
    given: Sheet, services: Sequence[str], how: Scoring = BY_CONFIDENCE, gate: float | None = None
) -> list[float | None]:
    """What is held against a threshold (`ml.score`), ticket by ticket (n,); None where a ticket cannot be routed at
    all: no usable answer, a service not among `services`, beyond the gate, or without the outlier rank asked for."""
    here = frozenset(services)
    found: list[float | None] = []
    for guess, confidence, outlier in zip(given.guess, given.confidence, given.outlier, strict=True):
        barred = guess not in here or (gate is not None and (outlier is None or not outlier <= gate))
        score = None if barred or confidence is None else how.of(confidence, outlier)
        found.append(score)
    return found


def steps(given: Sheet, score: Sequence[float | None]) -> Steps:
    """Count a sheet at every distinct score, high to low; equal scores are routed together."""
    ranked = np.asarray([np.nan if one is None else one for one in score], np.float64)
    places = np.flatnonzero(np.isfinite(ranked))
    order = places[np.argsort(-ranked[places], kind="stable")]
    down: NDArray[np.float64] = ranked[order]
    last = np.flatnonzero(np.append(down[1:] != down[:-1], True)) if len(down) else np.zeros(0, np.int64)
    hits = np.cumsum(given.is_right[order])
    return Steps(
        n=len(given),
        in_scope=int(given.is_in_scope.sum()),
        threshold=[float(one) for one in down[last]],
        routed=[int(one) + 1 for one in last],
        right=[int(hits[at]) for at in last],
    )


def outcome(of: Steps, threshold: float, day: Day) -> Outcome | None:
    """What this threshold means; None without a control ticket."""
    if of.n == 0:
        return None
    reached = int(np.searchsorted(-np.asarray(of.threshold), -threshold, "right"))
    routed, right = (of.routed[reached - 1], of.right[reached - 1]) if reached else (0, 0)
    coverage, misrouted = routed / of.n, (routed - right) / of.n
    saved = coverage * day.minutes_escalation - misrouted * day.minutes_misroute
    return Outcome(
        threshold=threshold,
        routed=routed,
        right=right,
        coverage=coverage,
        coverage_interval=wilson(routed, of.n),
        precision=right / routed if routed else None,
        precision_interval=wilson(right, routed),
        recall=right / of.in_scope if of.in_scope else None,
        escalations=day.tickets * (1.0 - coverage),
        misroutes=day.tickets * misrouted,
        minutes_saved=day.tickets * saved,
    )
