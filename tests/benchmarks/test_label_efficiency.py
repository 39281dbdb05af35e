"""The measure itself: crossings, ratios, and ways of choosing that hold to their signature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import crossing, picking
from benchmarks.history import History, long_tail, part
from benchmarks.label_efficiency import Judge, goals, run
from ml.metrics import evaluate

SERVICES = ("billing", "delivery", "returns", "account")


def curve(*points: tuple[int, float]) -> list[dict[str, float]]:
    return [{"labels": labels, "accuracy": value} for labels, value in points]


def shop(n: int = 240, seed: int = 0) -> History:
    """Clouds of tickets, the first service the largest; every tenth ticket is the one before, again."""
    rng = np.random.default_rng(seed)
    member = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    points = rng.normal(size=(4, 8))[member] + 0.4 * rng.normal(size=(n, 8))
    texts = [f"ticket {row - 1 if row % 10 == 9 else row}" for row in range(n)]
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return History(texts, np.asarray(SERVICES)[member], unit.astype(np.float32), np.asarray(texts))


def test_a_crossing_lies_between_the_two_batches_that_straddle_the_goal() -> None:
    found = crossing.labels_to(curve((25, 0.2), (50, 0.6), (75, 0.8)), {"accuracy": 0.7})
    assert found == pytest.approx(62.5)


def test_a_goal_in_the_first_batch_is_counted_from_nothing() -> None:
    assert crossing.labels_to(curve((20, 0.8)), {"accuracy": 0.4}) == pytest.approx(10)


def test_a_curve_that_never_gets_there_has_no_crossing() -> None:
    assert crossing.labels_to(curve((25, 0.2), (50, 0.3)), {"accuracy": 0.7}) is None


def test_a_way_that_never_gets_there_counts_as_its_last_label() -> None:
    runs = [{"way": "random", "seed": 0, "curve": curve((25, 0.2), (50, 0.3)), "seconds": 0.0}]
    assert crossing.needed(runs, {"accuracy": 0.7}) == {"random": [50.0]}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(10, 1000), min_size=2, max_size=12), st.floats(0.1, 1.0))
def test_a_ratio_lies_in_its_interval_and_scales(theirs: list[float], factor: float) -> None:
    value, low, high = crossing.ratio([factor * labels for labels in theirs], theirs)
    assert low <= value * 1.000001 and value <= high * 1.000001
    assert value == pytest.approx(factor)


def test_macro_f1_is_the_one_the_product_reports() -> None:
    rng = np.random.default_rng(3)
    truth, guess = rng.choice(SERVICES, 200), rng.choice(SERVICES[:3], 200)
    told = evaluate(truth, guess, None, SERVICES)["macro_f1"]
    assert crossing.macro_f1(truth, guess) == pytest.approx(told)


def test_the_long_tail_shrinks_services_and_keeps_enough_of_each() -> None:
    whole = shop(2000)
    tail = long_tail(whole, ratio=20)
    before = dict(zip(*np.unique(whole.labels, return_counts=True), strict=True))
    after = dict(zip(*np.unique(tail.labels, return_counts=True), strict=True))
    assert set(after) == set(before) and all(after[name] <= before[name] for name in after)
    assert max(after.values()) > 10 * min(after.values()) and min(after.values()) >= 12


def test_a_held_out_part_shares_no_group_with_the_rest() -> None:
    rest, held = part(shop(), 0.25)
    assert len(rest) + len(held) == 240 and not set(rest.groups) & set(held.groups)


def explicit_badge(chances: np.ndarray, points: np.ndarray, n: int, draw: np.random.RandomState) -> list[int]:
    """As scikit-activeml computes it: with every gradient written out."""
    factor = chances - np.eye(chances.shape[1])[chances.argmax(axis=1)]
    gradients = (factor[:, :, None] * points[:, None, :]).reshape(len(points), -1)
    gap = (gradients**2).sum(axis=1)
    chosen = [int(gap.argmax())]
    for _ in range(1, n):
        gap = np.minimum(gap, ((gradients - gradients[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(draw.choice(len(gap), 1, replace=False, p=gap / gap.sum())[0]))
    return chosen


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_badge_in_factors_draws_what_badge_with_whole_gradients_draws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chances, points = rng.dirichlet(np.ones(5), 120), rng.normal(size=(120, 7))
    ours = picking.badge(chances, points, 15, np.random.RandomState(seed))
    assert ours.tolist() == explicit_badge(chances, points, 15, np.random.RandomState(seed))


@pytest.mark.parametrize(
    "way", ["ours", "random", "modAL margin", "modAL ranked batch", "modAL margin, our points"]
)
def test_a_run_labels_each_open_ticket_once_and_never_the_reserve(way: str) -> None:
    pool, test = part(shop(), 0.2)
    judge = Judge(pool, test)
    found = run(judge, way, seed=1, batch=20, budget=10_000, goal={"plain_accuracy": 2.0})["curve"]
    groups = len(np.unique(pool.groups))
    reserve = int(0.15 * groups)
    served = found[-1]["labels"]
    assert served <= len(pool) - reserve
    assert served >= groups - reserve  # a near-duplicate may stay out, a group may not
    assert [point["labels"] for point in found] == sorted({point["labels"] for point in found})


def test_a_run_ends_once_every_goal_was_passed_three_times() -> None:
    pool, test = part(shop(), 0.2)
    judge = Judge(pool, test)
    found = run(judge, "random", seed=0, batch=10, budget=500, goal={"plain_accuracy": 0.5})["curve"]
    assert [point["plain_accuracy"] >= 0.5 for point in found[-3:]] == [True] * 3 and len(found) < 10


def test_goals_of_a_long_tail_ask_for_five_labels_of_each_service() -> None:
    whole = {f"{head}_{measure}": 0.9 for head in ("plain", "smoothed") for measure in ("accuracy", "f1")}
    assert goals(whole, "f1")["five of each"] == {"fewest": 5.0}
    assert "five of each" not in goals(whole, "accuracy")
