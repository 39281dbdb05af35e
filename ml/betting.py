"""Testing by betting: how large a mean is, valid however often one looks and whenever one stops.

Somebody bets against "the mean is at most m". A bet stakes a share of the wealth on each value, at odds that are fair
if the claim is just true, so the wealth grows past 1/alpha with a chance of at most alpha, ever (Ville). What the bets
cannot refute is the confidence sequence. Sources: Waudby-Smith and Ramdas 2023, "Estimating means of bounded random
variables by betting" (the capital process and its inversion); the stakes are not tuned but averaged over a fixed grid,
as in their diversified Kelly betting and Orabona and Jun 2021, "Tight concentrations and confidence sequences from the
regret of universal portfolio". The wealth is then a mean of products: the order of the values does not matter, and how
often each came is all there is to know.

A *payoff* is what one value wins for a stake of 1, at least -1. All functions are pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STAKES: Floats = np.geomspace(0.01, 0.9, 10)
"""The shares of the wealth at stake; the wealth is spread evenly over them once, at the start."""
HALVINGS = 40


@dataclass(frozen=True)
class Interval:
    """What is not refuted: from `low` to `high`, both included."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def log_wealth(payoffs: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Log of the wealth after all payoffs (n,), each as often as `counts` (n,) says (default: once). 0 for none.

    ValueError for a payoff below -1: that bet would not have been fair.
    """
    won = _checked(payoffs)
    times = np.ones(len(won)) if counts is None else np.asarray(counts, np.float64)
    return float(_mean_of_exp((np.log1p(np.outer(won, STAKES)) * times[:, None]).sum(axis=0)))


def log_wealths(payoffs: ArrayLike, counts: ArrayLike | None = None) -> Floats:
    """Log of the wealth after each of the payoffs (n,), each `counts` (n,) times running: (n,).

    The last one is `log_wealth` of all.
    """
    won = np.log1p(np.outer(_checked(payoffs), STAKES))
    if counts is not None:
        won *= np.asarray(counts, np.float64)[:, None]
    return np.asarray(_mean_of_exp(won.cumsum(axis=0)), np.float64)


def against_at_most(values: ArrayLike, mean: float, low: float) -> Floats:
    """Payoffs (n,) of a bet against "the mean is at most `mean`"; no value lies below `low` < `mean`."""
    return np.asarray((np.asarray(values, np.float64) - mean) / (mean - low), np.float64)


def against_at_least(values: ArrayLike, mean: float, high: float) -> Floats:
    """Payoffs (n,) of a bet against "the mean is at least `mean`"; no value lies above `high` > `mean`."""
    return np.asarray((mean - np.asarray(values, np.float64)) / (high - mean), np.float64)


def mean_interval(values: ArrayLike, counts: ArrayLike, low: float, high: float, alpha: float) -> Interval:
    """The mean of what gives values (n,) in [low, high], each seen as often as `counts` (n,) says.

    Each end may be wrong with a chance of alpha / 2, at any look. Without a value: all of [low, high]. ValueError for
    a value outside, or an alpha that is none.
    """
    seen = np.asarray(values, np.float64)
    if not low < high or (len(seen) and not (low <= seen.min() and seen.max() <= high)):
        raise ValueError(f"values must lie between {low} and {high}")
    return _unrefuted(
        lambda mean: log_wealth(against_at_most(seen, mean, low), counts),
        lambda mean: log_wealth(against_at_least(seen, mean, high), counts),
        Interval(low, high),
        alpha,
    )


def share_interval(
    hits: ArrayLike, probabilities: ArrayLike, counts: ArrayLike, least: float, alpha: float
) -> Interval:
    """The share of hits among trials that were looked at with known `probabilities` (n,), at least `least` each.

    `hits` (n,) of 0 and 1, one for every trial that was looked at; those not looked at are not passed. A trial weighs
    1 / its probability (Horvitz and Thompson 1952), so its bet is on w * (hit - share), which is 0 on average at the
    true share, whether or not the trial is looked at. As often as `counts` (n,). ValueError: a probability outside
    [least, 1], or a hit that is neither 0 nor 1.
    """
    hit, chance = np.asarray(hits, np.float64), np.asarray(probabilities, np.float64)
    if not 0.0 < least <= 1.0 or (len(chance) and not (least <= chance.min() and chance.max() <= 1.0)):
        raise ValueError(f"probabilities must lie between {least} and 1")
    if not np.isin(hit, (0.0, 1.0)).all():
        raise ValueError("a hit is 0 or 1")
    weight = least / chance
    return _unrefuted(
        lambda share: log_wealth(weight * (hit / share - 1.0), counts),
        lambda share: log_wealth(weight * (share - hit) / (1.0 - share), counts),
        Interval(0.0, 1.0),
        alpha,
    )


def _unrefuted(
    above: Callable[[float], float], below: Callable[[float], float], whole: Interval, alpha: float
) -> Interval:
    """Where neither `above` (falling in its argument) nor `below` (rising) has won 2 / alpha."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not at {alpha}")
    enough = math.log(2.0 / alpha)
    low = _edge(lambda at: above(at) >= enough, whole.low, whole.high)
    high = _edge(lambda at: below(at) >= enough, whole.high, whole.low)
    return Interval(min(low, high), max(low, high))


def _edge(is_refuted: Callable[[float], bool], start: float, end: float) -> float:
    """The last refuted place on the way from `start` to `end`, by halving; `start` when none is."""
    refuted, kept = start, end
    for _ in range(HALVINGS):
        middle = (refuted + kept) / 2.0
        if middle in (start, end):
            break
        if is_refuted(middle):
            refuted = middle
        else:
            kept = middle
    return refuted


def _checked(payoffs: ArrayLike) -> Floats:
    won = np.asarray(payoffs, np.float64)
    if len(won) and not won.min() >= -1.0 - 1e-9:
        raise ValueError(f"a payoff of {won.min()} loses more than the stake")
    return np.maximum(won, -1.0)


def _mean_of_exp(logs: Floats) -> Floats:
    """log(mean(exp(logs))) over the last axis."""
    top = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - top).mean(axis=-1)) + top[..., 0], np.float64)
