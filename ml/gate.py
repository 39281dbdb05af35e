"""The gate: whether what was measured of a version is good enough to observe and to promote it. Pure, no numpy.

Every reason is a code with figures; the page puts it into words. What was not measured never passes a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.certificate import State
from ml.mcnemar import Paired

FEWEST_OF_A_SERVICE = 10
"""Tickets both versions answered, below which a service is not compared: one answer would move it by a tenth."""
EVIDENCE = 0.05
"""Chance below which disagreements so uneven are no accident."""


@dataclass(frozen=True)
class Limits:
    """What is asked for; None: not asked. Shares in [0, 1], latency in milliseconds.

    `precision`: of routed tickets, certified. `recall`: right and routed, of all tickets of a service. `calibration`:
    the most that stated confidence may be off on average (ECE). `worse_by`: the most accuracy that a service may lose
    against the version in production.
    """

    accuracy: float | None = 0.8
    precision: float | None = 0.95
    recall: float | None = 0.6
    coverage: float | None = 0.6
    calibration: float | None = 0.1
    worse_by: float | None = 0.05
    latency_ms: float | None = 500.0


@dataclass(frozen=True)
class Figures:
    """What was measured; None: it was not. `certified` is the certified precision, None with `state` saying why.

    `services`: paired with production's answers (the version first), by service.
    """

    n: int = 0
    unusable: int = 0
    accuracy: float | None = None
    calibration: float | None = None
    state: State | None = None
    certified: float | None = None
    more_labels: int | None = None
    recall: float | None = None
    coverage: float | None = None
    latency_ms: float | None = None
    services: dict[str, Paired] = field(default_factory=dict)
    unheard: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """A code with its figures; `stops`: it keeps the version from passing, else it is only to be known."""

    code: str
    params: dict[str, Any]
    stops: bool


@dataclass(frozen=True)
class Verdict:
    """`passed` if and only if no reason stops; those that stop come first."""

    reasons: tuple[Reason, ...]

    @property
    def passed(self) -> bool:
        return not any(reason.stops for reason in self.reasons)

    @property
    def stopping(self) -> tuple[str, ...]:
        """The codes that stop, each once."""
        return tuple(dict.fromkeys(reason.code for reason in self.reasons if reason.stops))


def verdict(figures: Figures, limits: Limits) -> Verdict:
    """Hold what was measured against what is asked for.

    Stops: no_labels, unusable_answers, low_accuracy, not_certified, low_recall, low_coverage, badly_calibrated,
    worse_for_service, slow, service_lost. To be known: maybe_worse_for_service, too_few_to_compare, unheard_services,
    latency_unknown. A service loses against production only where the disagreements cannot be an accident (exact
    one-sided test at EVIDENCE): on thirty tickets chance alone moves a figure by more than a limit.
    """
    if figures.n == 0:
        return Verdict((Reason("no_labels", {}, True),))
    found: list[Reason] = []
    if figures.unusable:
        found.append(Reason("unusable_answers", {"tickets": figures.unusable, "n": figures.n}, True))
    found += _at_least("low_accuracy", figures.accuracy, limits.accuracy)
    found += _certified(figures, limits)
    found += _at_least("low_recall", figures.recall, limits.recall)
    found += _at_least("low_coverage", figures.coverage, limits.coverage)
    found += _at_most("badly_calibrated", figures.calibration, limits.calibration)
    found += _against_production(figures, limits)
    if figures.lost:
        found.append(Reason("service_lost", {"services": list(figures.lost)}, True))
    if figures.unheard:
        found.append(Reason("unheard_services", {"services": list(figures.unheard)}, False))
    if limits.latency_ms is not None and figures.latency_ms is None:
        found.append(Reason("latency_unknown", {"limit": limits.latency_ms}, False))
    elif figures.latency_ms is not None:
        found += _at_most("slow", figures.latency_ms, limits.latency_ms)
    return Verdict(tuple(sorted(found, key=lambda reason: not reason.stops)))


def _at_least(code: str, value: float | None, limit: float | None) -> list[Reason]:
    if limit is None or (value is not None and value >= limit):
        return []
    return [Reason(code, {"value": value, "limit": limit}, True)]


def _at_most(code: str, value: float | None, limit: float | None) -> list[Reason]:
    if limit is None or (value is not None and value <= limit):
        return []
    return [Reason(code, {"value": value, "limit": limit}, True)]


def _certified(figures: Figures, limits: Limits) -> list[Reason]:
    if limits.precision is None or (figures.certified is not None and figures.certified >= limits.precision):
        return []
    params = {
        "state": figures.state,
        "value": figures.certified,
        "limit": limits.precision,
        "more_labels": figures.more_labels,
    }
    return [Reason("not_certified", params, True)]


def _against_production(figures: Figures, limits: Limits) -> list[Reason]:
    if limits.worse_by is None:
        return []
    found: list[Reason] = []
    few = [service for service, one in figures.services.items() if one.n < FEWEST_OF_A_SERVICE]
    for service, one in figures.services.items():
        lost = -(one.difference or 0.0)
        if service in few or lost <= limits.worse_by:
            continue
        is_proven = one.p_first_worse is not None and one.p_first_worse <= EVIDENCE
        code = "worse_for_service" if is_proven else "maybe_worse_for_service"
        params = {"service": service, "lost": lost, "limit": limits.worse_by, "tickets": one.n}
        found.append(Reason(code, params, is_proven))
    if few:
        found.append(Reason("too_few_to_compare", {"services": few, "needed": FEWEST_OF_A_SERVICE}, False))
    return found


def may(passed: bool, stopping: Sequence[str], overridden: Sequence[str]) -> bool:
    """Whether a version may go on: its verdict passed, or somebody overrode every code that stops it now."""
    return passed or (bool(stopping) and set(stopping) <= set(overridden))
