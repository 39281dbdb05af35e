"""Two answers to the same tickets, compared by what they cost people, in minutes.

Where both give the same answer they cost the same, whatever is true: their difference is 0 without anybody looking.
Only where they differ a person has to say who is right. How often each is right among what it routes is another
matter: there, agreements count too, and a random slice of them is judged and weighted by its probability.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml.betting import Interval, mean_interval, share_interval
from ml.certify import Costs


@dataclass(frozen=True)
class Judged:
    """What a person said, not knowing who gave which answer. `truth`: the right service, None where nobody named one.

    A ticket on which a person cannot tell is one to ask a person about: routing it counts as wrong.
    """

    candidate_is_right: bool
    baseline_is_right: bool
    truth: str | None = None


@dataclass(frozen=True)
class Pair:
    """`count` tickets with the same two answers, a service or None (a person is asked), and the same judgement.

    `probability`: with which such a ticket is put to a person: 1 for disagreements, 0 for agreements not drawn.
    """

    candidate: str | None
    baseline: str | None
    probability: float
    judged: Judged | None = None
    count: int = 1

    @property
    def agrees(self) -> bool:
        return self.candidate == self.baseline

    def difference(self, costs: Costs) -> float:
        """Minutes the candidate costs more than the baseline. ValueError for a disagreement nobody judged."""
        if self.agrees:
            return 0.0
        if self.judged is None:
            raise ValueError("only a judged disagreement has a difference")
        mine = cost(self.candidate, self.judged.candidate_is_right, self.judged.truth, costs)
        return mine - cost(self.baseline, self.judged.baseline_is_right, self.judged.truth, costs)


@dataclass(frozen=True)
class Estimate:
    """A mean and its confidence sequence, of so many tickets, so many of them judged. None: nothing to go by."""

    value: float | None
    interval: Interval
    tickets: int
    judged: int


def cost(answer: str | None, is_right: bool, truth: str | None, costs: Costs) -> float:
    """Minutes that an answer costs people: 0 when right, an escalation for None, else a misroute."""
    if answer is None:
        return costs.escalation
    if is_right:
        return 0.0
    return costs.misroute if truth is None else costs.of(truth, answer)


def bound(costs: Costs) -> float:
    """The most minutes by which two answers to one ticket can differ."""
    return max(costs.escalation, costs.misroute, *costs.matrix.values(), 1e-9)


def differences(pairs: Sequence[Pair], costs: Costs) -> tuple[list[float], list[int]]:
    """Minutes per ticket (n,) and how often each (n,); each value once, in rising order."""
    counted: dict[float, int] = {}
    for pair in pairs:
        minutes = pair.difference(costs)
        counted[minutes] = counted.get(minutes, 0) + pair.count
    values = sorted(counted)
    return values, [counted[value] for value in values]


def cost_difference(pairs: Sequence[Pair], costs: Costs, alpha: float) -> Estimate:
    """Minutes per ticket that the candidate costs more than the baseline.

    `pairs`: all mirrored tickets up to the first disagreement that still waits for its judgement, so that who is judged
    sooner cannot depend on the answer. ValueError as `Pair.difference`.
    """
    values, counts = differences(pairs, costs)
    limit = bound(costs)
    interval = mean_interval(values, counts, -limit, limit, alpha)
    total = sum(counts)
    value = sum(one * many for one, many in zip(values, counts, strict=True)) / total if total else None
    return Estimate(value, interval, total, _judged(pairs))


def coverage_difference(pairs: Iterable[Pair], alpha: float) -> Estimate:
    """How much larger a share of the tickets the candidate routes than the baseline, in -1..1. Needs no judgement."""
    counted = {-1.0: 0, 0.0: 0, 1.0: 0}
    for pair in pairs:
        counted[float(pair.candidate is not None) - float(pair.baseline is not None)] += pair.count
    total = sum(counted.values())
    interval = mean_interval(list(counted), list(counted.values()), -1.0, 1.0, alpha)
    return Estimate((counted[1.0] - counted[-1.0]) / total if total else None, interval, total, 0)


def coverage(pairs: Iterable[Pair], of_candidate: bool, alpha: float) -> Estimate:
    """The share of the tickets that one of the two routes."""
    counted = {False: 0, True: 0}
    for pair in pairs:
        counted[(pair.candidate if of_candidate else pair.baseline) is not None] += pair.count
    total = sum(counted.values())
    interval = share_interval([0.0, 1.0], [1.0, 1.0], [counted[False], counted[True]], 1.0, alpha)
    return Estimate(counted[True] / total if total else None, interval, total, 0)


def precision(pairs: Sequence[Pair], of_candidate: bool, least: float, alpha: float) -> Estimate:
    """The share of right ones among the tickets that one of the two routes.

    `pairs`: all mirrored tickets up to the first that still waits for its judgement, drawn agreements included;
    `least` is the probability with which agreements are drawn. Those not drawn only count as tickets.
    """
    routed = [one for one in pairs if (one.candidate if of_candidate else one.baseline) is not None]
    looked = [(one, one.judged) for one in routed if one.judged is not None]
    hits = [float(said.candidate_is_right if of_candidate else said.baseline_is_right) for _, said in looked]
    weights = [one.count / one.probability for one, _ in looked]
    interval = share_interval(
        hits, [one.probability for one, _ in looked], [one.count for one, _ in looked], least, alpha
    )
    total = sum(weights)
    value = sum(hit * weight for hit, weight in zip(hits, weights, strict=True)) / total if total else None
    return Estimate(value, interval, sum(one.count for one in routed), _judged(routed))


def _judged(pairs: Iterable[Pair]) -> int:
    return sum(pair.count for pair in pairs if pair.judged is not None)
