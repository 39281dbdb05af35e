"""Bets against a mean: past their level as seldom as they say, and an interval that is exactly what they leave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.betting import (
    against_at_least,
    against_at_most,
    log_wealth,
    log_wealths,
    mean_interval,
    share_interval,
)

PAYOFFS = st.lists(st.floats(-1.0, 5.0), max_size=40)
VALUES = st.lists(st.sampled_from([-10.0, -9.0, -1.0, 0.0, 1.0, 9.0, 10.0]), min_size=1, max_size=60)


def test_nobody_wins_before_the_first_value_and_then_nothing_is_refuted() -> None:
    assert log_wealth([]) == 0.0
    empty = mean_interval([], [], -10.0, 10.0, 0.05)
    assert (empty.low, empty.high) == (-10.0, 10.0)


@settings(deadline=None)  # a busy machine is no error
@given(PAYOFFS, st.randoms())
def test_the_order_of_the_payoffs_does_not_change_the_wealth(payoffs: list[float], random: object) -> None:
    mixed = list(payoffs)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert log_wealth(mixed) == pytest.approx(log_wealth(payoffs), abs=1e-9)


@settings(deadline=None)  # a busy machine is no error
@given(PAYOFFS.filter(len))
def test_the_path_of_the_wealth_ends_where_the_wealth_is(payoffs: list[float]) -> None:
    path = log_wealths(payoffs)
    assert path[-1] == pytest.approx(log_wealth(payoffs), abs=1e-9)
    assert path[0] == pytest.approx(log_wealth(payoffs[:1]), abs=1e-9)


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.tuples(st.floats(-1.0, 5.0), st.integers(1, 5)), min_size=1, max_size=12))
def test_the_path_over_counted_payoffs_passes_where_the_written_out_one_does(
    counted: list[tuple[float, int]],
) -> None:
    counts = [count for _, count in counted]
    written_out = log_wealths([payoff for payoff, count in counted for _ in range(count)])
    found = log_wealths([payoff for payoff, _ in counted], counts)
    assert found == pytest.approx(written_out[np.cumsum(counts) - 1], abs=1e-9)


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.tuples(st.floats(-1.0, 5.0), st.integers(0, 5)), max_size=12))
def test_a_payoff_counted_n_times_is_the_payoff_n_times(counted: list[tuple[float, int]]) -> None:
    written_out = [payoff for payoff, count in counted for _ in range(count)]
    found = log_wealth([payoff for payoff, _ in counted], [count for _, count in counted])
    assert found == pytest.approx(log_wealth(written_out), abs=1e-9)


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6), st.integers(1, 4))
def test_the_expected_wealth_at_the_true_mean_is_what_one_began_with(weights: list[float], bets: int) -> None:
    chances = np.asarray(weights) / sum(weights)
    values = np.linspace(-10.0, 10.0, len(weights))
    payoffs = against_at_most(values, float(chances @ values), -10.0 - 1e-9)
    expected = 0.0
    for drawn in np.ndindex(*(len(weights),) * bets):
        expected += math.prod(chances[list(drawn)]) * math.exp(log_wealth(payoffs[list(drawn)]))
    assert expected == pytest.approx(1.0, abs=1e-6)


def test_a_bet_that_could_lose_more_than_the_stake_is_refused() -> None:
    with pytest.raises(ValueError, match="more than the stake"):
        log_wealth([-1.5])


@settings(deadline=None)  # a busy machine is no error
@given(VALUES, st.floats(-9.9, 9.9))
def test_the_interval_leaves_out_exactly_the_means_that_a_bet_won_against(
    values: list[float], mean: float
) -> None:
    found = mean_interval(values, np.ones(len(values)), -10.0, 10.0, 0.1)
    enough = math.log(2.0 / 0.1)
    won_low = log_wealth(against_at_most(values, mean, -10.0)) >= enough
    won_high = log_wealth(against_at_least(values, mean, 10.0)) >= enough
    if min(abs(mean - found.low), abs(mean - found.high)) > 1e-6:
        assert found.holds(mean) == (not won_low and not won_high)


@settings(deadline=None)  # a busy machine is no error
@given(VALUES)
def test_swapping_the_two_models_mirrors_the_interval(values: list[float]) -> None:
    counts = np.ones(len(values))
    found = mean_interval(values, counts, -10.0, 10.0, 0.05)
    mirrored = mean_interval([-value for value in values], counts, -10.0, 10.0, 0.05)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-6)


@settings(deadline=None)  # a busy machine is no error
@given(VALUES, st.integers(2, 20))
def test_the_interval_holds_the_mean_seen_and_narrows_around_it(values: list[float], times: int) -> None:
    once = mean_interval(values, np.ones(len(values)), -10.0, 10.0, 0.05)
    often = mean_interval(values, np.full(len(values), times * 20), -10.0, 10.0, 0.05)
    assert once.holds(float(np.mean(values)))
    assert often.holds(float(np.mean(values)))
    assert often.width <= once.width + 1e-9


@pytest.mark.parametrize("wrong", [[-11.0], [11.0]])
def test_a_value_outside_its_bounds_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="between -10"):
        mean_interval(wrong, [1], -10.0, 10.0, 0.05)


@settings(deadline=None)  # a busy machine is no error
@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_of_which_all_was_looked_at_is_a_mean_of_zeros_and_ones(hits: int, misses: int) -> None:
    share = share_interval([1.0, 0.0], [1.0, 1.0], [hits, misses], 1.0, 0.05)
    mean = mean_interval([1.0, 0.0], [hits, misses], 0.0, 1.0, 0.05)
    assert (share.low, share.high) == pytest.approx((mean.low, mean.high), abs=1e-9)


def test_a_share_weighs_what_was_drawn_by_its_probability() -> None:
    """90 of 100 disagreements wrong, all judged; 100 of 1,000 agreements judged, all right: 91 % right, not 55 %."""
    found = share_interval([0.0, 1.0, 1.0], [1.0, 1.0, 0.1], [90, 10, 100], 0.1, 0.05)
    assert found.holds(1010 / 1100)
    assert not found.holds(110 / 200)


@pytest.mark.parametrize(
    ("hits", "probabilities", "words"),
    [([0.5], [1.0], "0 or 1"), ([1.0], [0.05], "between 0.1"), ([1.0], [1.2], "between 0.1")],
)
def test_a_share_of_what_is_no_hit_or_was_drawn_too_seldom_is_refused(
    hits: list[float], probabilities: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        share_interval(hits, probabilities, [1], 0.1, 0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_level_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        mean_interval([0.0], [1], -1.0, 1.0, alpha)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_looking_at_every_step_seldom_misses_the_truth(seed: int) -> None:
    """The same hundred paths would miss 5 at most on average; 16 or more has a chance below 1 in 10,000."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-10.0, 0.0, 1.0], (100, 400), p=[0.01, 0.89, 0.1])
    enough = math.log(1 / 0.05)
    missed = [bool((log_wealths(against_at_most(path, 0.0, -10.0)) >= enough).any()) for path in values]
    assert sum(missed) < 16
