"""Which thresholds are tried: fixed by unlabelled tickets, and begun where the model has its best chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.grid import most_errors, power, thresholds
from tests.ml.test_certify import pool


def test_thresholds_come_from_the_pool_strictest_first() -> None:
    found = thresholds(pool().confidence, [pool().confidence], 400, 0.9, 0.1)
    assert found == sorted(set(found), reverse=True) and len(found) > 5
    assert found[-1] == pytest.approx(pool().confidence.min())


def test_a_stricter_start_is_taken_by_a_model_that_is_sure_of_little() -> None:
    modest = np.concatenate([np.full(300, 0.99), np.full(700, 0.5)])
    sure = np.full(1000, 0.995)
    first, loosest = (thresholds(one, [one], 500, 0.95, 0.05)[0] for one in (modest, sure))
    assert first == 0.99 and loosest == 0.995
    accepted, rates = np.array([150, 500, 3]), np.array([0.03, 0.3, 0.0])
    chances = power(accepted, np.array([most_errors(int(n), 0.95, 0.05) for n in accepted]), rates)
    assert chances[0] > chances[1] and chances[2] == 0.0


def test_a_guess_that_no_threshold_passes_by_does_not_keep_the_others_from_deciding() -> None:
    scores = np.linspace(0.999, 0.5, 1000)
    hopeless, likely = np.full(1000, 0.2), np.where(scores > 0.8, 0.99, 0.3)
    together, alone = (
        thresholds(scores, guesses, 500, 0.95, 0.05) for guesses in ([hopeless, likely], [likely])
    )
    assert together[0] == pytest.approx(alone[0], abs=0.02)


@pytest.mark.parametrize("empty", [[], [math.nan, -math.inf]])
def test_nothing_is_tried_of_a_pool_of_which_nothing_can_be_routed(empty: list[float]) -> None:
    nothing = np.asarray(empty, np.float64)
    assert thresholds(nothing, [nothing], 100, 0.9, 0.1) == []
