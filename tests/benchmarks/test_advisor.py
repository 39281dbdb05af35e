"""The advisor's benchmark on tiny arrays: what it plays, what it counts."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.advisor import Policy, everything, forecasts, lag, play, row_of
from benchmarks.history import History
from ml import advisor


def clouds(count: int, seed: int) -> History:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, count)
    points = np.eye(12, dtype=np.float32)[kind] + rng.normal(scale=0.3, size=(count, 12)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    texts = [f"{seed} {number}" for number in range(count)]
    return History(texts, np.asarray([f"s{k}" for k in kind]), points, np.asarray(texts))


def test_a_game_labels_in_rounds_pays_for_controls_and_ends_at_the_budget():
    pool, test = clouds(400, 0), clouds(120, 1)
    policy = Policy(50)
    rounds = list(play(pool, test, labels=150, seed=0, policy=policy))
    assert [one.labels for one in rounds] == [25, 50, 75, 100, 125, 150]
    assert rounds[-1].audit == round(150 * 0.15 / 0.85)
    assert rounds[0].advice.code == "label_on" and rounds[0].advice.gain is None
    assert rounds[-1].accuracy > 0.8
    assert policy.plain == 3 and policy.asked + policy.held_back >= 3
    row = row_of(0, rounds, policy, everything(pool, test, 0), 1.0)
    assert row["stop_at"] is None and row["labels"] == 150
    again = list(play(pool, test, labels=150, seed=0, policy=Policy(50)))
    assert [one.accuracy for one in again] == [one.accuracy for one in rounds]


def test_without_a_forecast_nothing_is_said_of_forecasts():
    rounds = list(play(clouds(200, 0), clouds(50, 1), labels=50, seed=0, policy=Policy(500)))
    assert forecasts(rounds) == {} and lag(rounds) == {}


@pytest.mark.parametrize(("vetoed", "trainings"), [(False, 4), (True, 3)])
def test_a_veto_holds_back_what_the_count_asks_for_until_the_labels_have_doubled(vetoed, trainings):
    policy = Policy(50)
    for labels in range(25, 201, 25):
        worth = advisor.Training(advisor.Estimate(0.0, 0.0, 0.0), 0.02, 0, None, vetoed)
        policy.ask(labels, _advice(labels, worth if policy.trained_on else None))
    assert policy.plain == 4
    assert policy.asked == trainings


def _advice(labels: int, training: advisor.Training | None) -> advisor.Advice:
    return advisor.Advice(
        "label_on", labels, [], False, 0.1, 10, 0.5, None, 300, 0, 0, None, None, None, (), training
    )
