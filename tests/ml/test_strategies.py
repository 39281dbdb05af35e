"""One contract for every selection, and what is special to each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modAL.models import ActiveLearner
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ml import strategies

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Select = Callable[[Floats, int, np.random.Generator, Floats], Ints]

SELECTIONS: dict[str, Select] = {
    "random": lambda scores, n, rng, points: strategies.select_random(scores, n, rng),
    "top": lambda scores, n, rng, points: strategies.select_top(scores, n, rng),
    "clustered": lambda scores, n, rng, points: strategies.select_clustered(
        scores, n, rng, embeddings=points, services=(np.arange(len(scores)) % 5).astype(np.int64)
    ),
    "clustered, services unknown": lambda scores, n, rng, points: strategies.select_clustered(
        scores, n, rng, embeddings=points
    ),
}
SCORINGS = {
    "margin": strategies.margin_score,
    "doubt": strategies.doubt_score,
    "entropy": strategies.entropy_score,
}


@pytest.fixture(params=SELECTIONS)
def select(request: pytest.FixtureRequest) -> Select:
    return SELECTIONS[request.param]


@pytest.fixture(params=SCORINGS)
def score(request: pytest.FixtureRequest) -> Callable[[Floats], Floats]:
    return SCORINGS[request.param]


def pool(n: int = 200, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.random(n).astype(np.float32), rng.normal(size=(n, 6)).astype(np.float32)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


# The contract of a selection


def test_the_same_seed_selects_the_same_rows_in_the_same_order(select: Select) -> None:
    scores, points = pool()
    assert select(scores, 60, rng(), points).tolist() == select(scores, 60, rng(), points).tolist()


def test_rows_are_distinct_integers_within_the_pool(select: Select) -> None:
    scores, points = pool()
    rows = select(scores, 60, rng(), points)
    assert rows.dtype == np.int64 and rows.shape == (60,)
    assert len(set(rows.tolist())) == 60 and rows.min() >= 0 and rows.max() < 200


def test_asking_for_more_than_there_is_gives_all_there_is(select: Select) -> None:
    scores, points = pool(30)
    assert sorted(select(scores, 1000, rng(), points).tolist()) == list(range(30))


def test_asking_for_none_or_of_an_empty_pool_gives_none(select: Select) -> None:
    scores, points = pool(10)
    assert len(select(scores, 0, rng(), points)) == 0
    assert len(select(scores, -3, rng(), points)) == 0
    assert len(select(scores[:0], 5, rng(), points[:0])) == 0


def test_rows_scored_nan_are_never_selected(select: Select) -> None:
    scores, points = pool(80)
    scores[::2] = np.nan
    rows = select(scores, 80, rng(), points)
    assert sorted(rows.tolist()) == list(range(1, 80, 2))
    assert len(select(np.full(80, np.nan, np.float32), 5, rng(), points)) == 0


def test_ties_and_identical_points_still_give_distinct_rows(select: Select) -> None:
    rows = select(np.ones(70, np.float32), 40, rng(), np.ones((70, 6), np.float32))
    assert len(set(rows.tolist())) == 40


def test_the_input_is_left_as_it_was(select: Select) -> None:
    scores, points = pool()
    before = scores.copy(), points.copy()
    select(scores, 50, rng(), points)
    assert (scores == before[0]).all() and (points == before[1]).all()


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.floats(0, 1, width=32), st.just(float("nan"))), max_size=90),
    n=st.integers(-1, 120),
    seed=st.integers(0, 99),
    name=st.sampled_from(sorted(SELECTIONS)),
)
def test_any_pool_gives_as_many_distinct_pickable_rows_as_it_can(
    values: list[float], n: int, seed: int, name: str
) -> None:
    scores = np.asarray(values, np.float32)
    points = np.random.default_rng(seed).integers(0, 3, size=(len(values), 2)).astype(np.float32)
    rows = SELECTIONS[name](scores, n, rng(seed), points)
    assert len(rows) == len(set(rows.tolist())) == min(max(n, 0), int((~np.isnan(scores)).sum()))
    assert not np.isnan(scores[rows]).any()


# The contract of a score


def test_a_score_lies_between_0_and_1_and_is_highest_where_classes_tie(
    score: Callable[[Floats], Floats],
) -> None:
    chances = np.asarray([[1, 0, 0], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3]], np.float32)
    value = score(chances)
    assert value.dtype == np.float32 and value.shape == (3,)
    assert value[0] == pytest.approx(0, abs=1e-5)
    assert value[0] < value[1] < value[2] <= 1.0 + 1e-6


def test_a_nan_row_scores_nan_and_one_class_does_not_fail(score: Callable[[Floats], Floats]) -> None:
    chances = np.full((2, 3), 1 / 3, np.float32)
    chances[1] = np.nan
    assert np.isnan(score(chances)).tolist() == [False, True]
    assert score(np.ones((4, 1), np.float32)).tolist() == [0.0] * 4
    assert score(np.zeros((0, 3), np.float32)).shape == (0,)


def test_top_two_names_the_best_and_the_second() -> None:
    top1, p1, top2, p2 = strategies.top_two(np.asarray([[0.1, 0.6, 0.3], [0.5, 0.5, 0.0]], np.float32))
    assert (top1.tolist(), top2.tolist()) == ([1, 0], [2, 1])
    assert np.allclose(p1, [0.6, 0.5]) and np.allclose(p2, [0.3, 0.5])
    assert strategies.top_two(np.ones((1, 1), np.float32))[2].tolist() == [-1]


# What is special to each


def test_top_takes_the_highest_scores_first() -> None:
    scores, _ = pool()
    rows = strategies.select_top(scores, 10, rng())
    assert rows.tolist() == np.argsort(-scores)[:10].tolist()


def test_clustered_spreads_a_window_over_groups_that_top_would_miss() -> None:
    centres = np.eye(8, dtype=np.float32) * 10
    points = (np.repeat(centres, 30, axis=0) + rng().normal(size=(240, 8)) * 0.1).astype(np.float32)
    scores = np.repeat(np.linspace(1.0, 0.9, 8), 30).astype(np.float32)
    rows = strategies.select_clustered(scores, 8, rng(), embeddings=points, window=8, reach=30)
    assert len({int(row) // 30 for row in rows}) == 8
    assert len({int(row) // 30 for row in strategies.select_top(scores, 8, rng())}) == 1


def test_no_service_takes_more_than_its_share_of_a_window_while_others_wait() -> None:
    scores, points = pool(300)
    services = np.where(np.arange(300) < 200, 0, np.arange(300) % 4).astype(np.int64)
    scores[:200] += 1
    rows = strategies.select_clustered(
        scores, 20, rng(), embeddings=points, services=services, window=20, reach=15, largest_share=0.3
    )
    assert (services[rows] == 0).sum() == 6


def test_the_cap_never_shrinks_a_window_of_a_single_service() -> None:
    scores, points = pool(50)
    rows = strategies.select_clustered(
        scores, 20, rng(), embeddings=points, services=np.zeros(50, np.int64), window=20
    )
    assert len(rows) == 20


# In modAL


@pytest.mark.parametrize("n", [1, 2, 7])
def test_clustered_margin_plugs_into_plain_modal(n: int) -> None:
    generator = rng()
    points = generator.normal(size=(120, 4)).astype(np.float32)
    names = np.where(points[:, 0] > 0, "billing", "delivery")
    learner = ActiveLearner(
        estimator=LogisticRegression(),
        query_strategy=strategies.clustered_margin,
        X_training=points[:20],
        y_training=names[:20],
    )
    rows, found = learner.query(points[20:], n_instances=n)
    assert np.shape(rows) == (n,) and found.shape == (n, 4)
    learner.teach(found, names[20:][rows])
    assert len(learner.X_training) == 20 + n


def test_clustered_margin_of_an_empty_pool_is_empty() -> None:
    rows, scores = strategies.clustered_margin(None, np.zeros((0, 4), np.float32), 5)
    assert len(rows) == len(scores) == 0


def test_a_strategy_is_found_by_its_dotted_path() -> None:
    assert strategies.resolve_strategy("ml.strategies.clustered_margin") is strategies.clustered_margin
    assert strategies.resolve_strategy("modAL.uncertainty.entropy_sampling").__name__ == "entropy_sampling"


@pytest.mark.parametrize(
    "path", ["", "nowhere", "ml.strategies.missing", "no.such.module", "ml.strategies.WINDOW"]
)
def test_a_path_that_leads_to_no_strategy_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="strategy"):
        strategies.resolve_strategy(path)
