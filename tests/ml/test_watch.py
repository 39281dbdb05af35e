"""The bet against a promise: how often a good version is sent back, how soon a bad one is, however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.betting import against_at_least, log_wealths
from ml.watch import Seen, is_broken, log_evidence, precision_interval

RUNS, TICKETS, PROMISED, ALPHA = 1000, 600, 0.95, 0.05


def ever_broken(precision: float, seed: int, fewest: int = 20) -> list[int | None]:
    """Of each run, after how many tickets the promise was refuted, looking after every one; None: never."""
    rng = np.random.default_rng(seed)
    found: list[int | None] = []
    for _ in range(RUNS):
        right = (rng.random(TICKETS) < precision).astype(float)
        wealth = log_wealths(against_at_least(right, PROMISED, 1.0))
        broken = np.flatnonzero(wealth[fewest - 1 :] >= math.log(1 / ALPHA))
        found.append(int(broken[0]) + fewest if len(broken) else None)
    return found


@pytest.mark.parametrize("precision", [PROMISED, 0.97])
def test_a_version_that_keeps_its_promise_is_refuted_in_at_most_alpha_of_the_runs_although_one_peeks_after_every_ticket(
    precision: float,
) -> None:
    refuted = sum(at is not None for at in ever_broken(precision, seed=1))
    assert refuted <= ALPHA * RUNS


def test_a_version_that_breaks_it_is_found_soon() -> None:
    found = [at for at in ever_broken(0.8, seed=2) if at is not None]
    assert len(found) == RUNS
    assert np.median(found) <= 60
    slightly = [at for at in ever_broken(0.9, seed=3) if at is not None]
    assert len(slightly) >= 0.8 * RUNS


def test_what_is_said_of_counts_is_what_the_tickets_say_one_by_one() -> None:
    right = [1.0] * 30 + [0.0] * 9
    said = float(log_wealths(against_at_least(right, PROMISED, 1.0))[-1])
    assert log_evidence(Seen(30, 39), PROMISED) == pytest.approx(said)
    assert is_broken(Seen(30, 39), PROMISED, ALPHA) and not is_broken(Seen(38, 39), PROMISED, ALPHA)


def test_without_a_ticket_nothing_is_refuted_and_everything_is_possible() -> None:
    assert log_evidence(Seen(0, 0), PROMISED) == 0.0 and not is_broken(Seen(0, 0), PROMISED, ALPHA)
    assert precision_interval(Seen(0, 0), ALPHA).width == 1.0
    assert precision_interval(Seen(190, 200), ALPHA).holds(0.95)


def test_impossible_counts_promises_and_levels_are_refused() -> None:
    for make in (
        lambda: Seen(3, 2),
        lambda: log_evidence(Seen(1, 1), 1.0),
        lambda: is_broken(Seen(1, 1), PROMISED, 0.0),
    ):
        with pytest.raises(ValueError, match=r"must lie|lies between|right of"):
            make()
