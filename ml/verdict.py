"""May the candidate take the baseline's place? Sufficient, insufficient, or so many more judgements.

Looked at after every judgement: the confidence sequences allow that (`ml.betting`). It always comes to an end: two
equally good models once the interval lies below the margin, or is narrow enough, or enough was judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ml.betting import STAKES, against_at_least, against_at_most, log_wealth
from ml.certify import Costs
from ml.paired import Estimate, Pair, bound, coverage_difference, differences
from ml.paired import cost_difference as compared_cost

State = Literal["sufficient", "insufficient", "undecided"]
Code = Literal[
    "precision_certified",
    "precision_not_certified",
    "cost_better",
    "cost_not_worse",
    "cost_worse",
    "cost_too_close",
    "cost_undecided",
    "coverage_kept",
    "coverage_lower",
    "coverage_undecided",
    "judgements_spent",
]
AGAINST: frozenset[Code] = frozenset(
    {"precision_not_certified", "cost_worse", "cost_too_close", "coverage_lower", "judgements_spent"}
)
OPEN: frozenset[Code] = frozenset({"cost_undecided", "coverage_undecided"})
MOST_TICKETS = 10_000_000


@dataclass(frozen=True)
class Terms:
    """What is asked of a candidate. Fixed before the first judgement: else looking would decide what is looked for.

    `cost_margin`: minutes per ticket by which it may cost more; `coverage_margin`: share of tickets by which it may
    route less; `resolution`: an interval of this many minutes that still decides nothing ends it; `most_judgements`
    ends it too. `alpha`: the chance that the interval of the cost ever misses the truth, and so for the coverage.
    """

    precision: float = 0.95
    cost_margin: float = 0.25
    coverage_margin: float = 0.05
    resolution: float = 0.1
    most_judgements: int = 1000
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (0.0 < self.precision < 1.0 and 0.0 < self.alpha < 1.0):
            raise ValueError("precision and alpha must lie between 0 and 1")
        if self.cost_margin < 0.0 or not 0.0 <= self.coverage_margin <= 1.0 or self.resolution <= 0.0:
            raise ValueError("margins must not be negative, and the resolution must be more than 0")
        if self.most_judgements < 1:
            raise ValueError("at least one judgement must be allowed")


@dataclass(frozen=True)
class Reason:
    """A code, and the figures that it speaks of; the page puts it into words."""

    code: Code
    params: dict[str, float | int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`more`: about how many more judgements decide on the cost; None when they would not help, or nothing is known."""

    state: State
    reasons: tuple[Reason, ...]
    cost: Estimate
    coverage: Estimate
    more: int | None


def verdict(
    settled: Sequence[Pair],
    mirrored: Sequence[Pair],
    costs: Costs,
    certified: float | None,
    terms: Terms,
) -> Verdict:
    """Judge a candidate by its `certified` precision (None: not certified) and its answers beside the baseline's.

    `settled`: the mirrored tickets up to the first disagreement that waits for its judgement; `mirrored`: all of them.
    Insufficient as soon as cost or coverage speaks against it; the precision, which no judgement can change, is held
    against it once these are decided.
    """
    cost, cover = compared_cost(settled, costs, terms.alpha), coverage_difference(mirrored, terms.alpha)
    reasons = [_precision(certified, terms), _cost(cost, terms), _coverage(cover, terms)]
    state = _state([one.code for one in reasons])
    if state == "undecided" and cost.judged >= terms.most_judgements:
        reasons.append(Reason("judgements_spent", {"judged": cost.judged, "most": terms.most_judgements}))
        state = "insufficient"
    is_open = state == "undecided" and reasons[1].code == "cost_undecided"
    more = more_judgements(settled, costs, cost, terms) if is_open else None
    return Verdict(state, tuple(reasons), cost, cover, more)


def _state(codes: Sequence[Code]) -> State:
    decisive = [code for code in codes if code != "precision_not_certified"]
    if AGAINST.intersection(decisive):
        return "insufficient"
    if OPEN.intersection(codes):
        return "undecided"
    return "insufficient" if "precision_not_certified" in codes else "sufficient"


def _precision(certified: float | None, terms: Terms) -> Reason:
    is_enough = certified is not None and certified >= terms.precision
    code: Code = "precision_certified" if is_enough else "precision_not_certified"
    return Reason(code, {"certified": certified, "target": terms.precision})


def _cost(cost: Estimate, terms: Terms) -> Reason:
    low, high, margin = cost.interval.low, cost.interval.high, terms.cost_margin
    code: Code = "cost_undecided"
    if high < 0.0:
        code = "cost_better"
    elif high <= margin:
        code = "cost_not_worse"
    elif low > margin:
        code = "cost_worse"
    elif cost.interval.width <= terms.resolution:
        code = "cost_too_close"
    return Reason(code, {"minutes": cost.value, "low": low, "high": high, "margin": margin})


def _coverage(cover: Estimate, terms: Terms) -> Reason:
    low, high, margin = cover.interval.low, cover.interval.high, terms.coverage_margin
    code: Code = "coverage_undecided"
    if low >= -margin:
        code = "coverage_kept"
    elif high < -margin:
        code = "coverage_lower"
    return Reason(code, {"difference": cover.value, "low": low, "high": high, "margin": margin})


def more_judgements(pairs: Sequence[Pair], costs: Costs, cost: Estimate, terms: Terms) -> int | None:
    """About how many more judgements decide on the cost, if they go on as so far.

    As many as the best stake needs to win against the margin, or as the interval needs to become narrow, whichever
    is less; at most what is left until `most_judgements`. None before anything was judged: nothing is known then.
    """
    if cost.judged == 0 or cost.value is None:
        return None
    values, counts = differences(pairs, costs)
    shares = np.asarray(counts, np.float64) / cost.tickets
    limit, margin = bound(costs), terms.cost_margin
    if cost.value < margin:
        payoffs = against_at_least(values, margin, limit)
    else:
        payoffs = against_at_most(values, margin, -limit)
    growth = float((shares[:, None] * np.log1p(np.outer(payoffs, STAKES))).sum(axis=0).max())
    missing = math.log(2.0 / terms.alpha) - log_wealth(payoffs, counts)
    by_growth = missing / growth if growth > missing / MOST_TICKETS else MOST_TICKETS
    by_width = cost.tickets * ((cost.interval.width / terms.resolution) ** 2 - 1.0)
    more = min(by_growth, by_width) * cost.judged / cost.tickets
    return max(1, min(math.ceil(more), terms.most_judgements - cost.judged))
