"""Herding: the greedy order is the greedy order, and a batch does not ask the same thing twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml import herding

Floats = NDArray[np.float32]


def cloud(n: int, seed: int, d: int = 5) -> Floats:
    points = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def plain_greedy(cover: Floats, weights: Floats, covered: Floats, n: int) -> list[float]:
    """The value of each pick when every candidate is weighed anew each time."""
    now, values, open_rows = covered.copy(), [], list(range(cover.shape[1]))
    for _ in range(n):
        gains = [float(weights @ np.maximum(cover[:, at] - now, 0.0)) for at in open_rows]
        best = int(np.argmax(gains))
        values.append(gains[best])
        now = np.maximum(now, cover[:, open_rows.pop(best)])
    return values


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 30), c=st.integers(1, 25), n=st.integers(1, 25))
def test_lazy_evaluation_gains_what_plain_greedy_gains(seed: int, m: int, c: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    cover = rng.random((m, c)).astype(np.float32)
    weights, covered = rng.random(m).astype(np.float32), (rng.random(m) * 0.5).astype(np.float32)
    order = herding.covering_order(cover, weights, covered, n)
    assert len(order) == len(set(order.tolist())) == min(n, c)
    now, values = covered.copy(), []
    for at in order:
        values.append(float(weights @ np.maximum(cover[:, at] - now, 0.0)))
        now = np.maximum(now, cover[:, at])
    assert np.allclose(values, plain_greedy(cover, weights, covered, len(order)), atol=1e-4)


def test_of_two_equal_tickets_one_is_asked_and_the_other_comes_last() -> None:
    points = cloud(12, seed=1)
    points[5] = points[2]
    scores = np.full(12, 0.5, np.float32)
    scores[[2, 5]] = 0.9
    rows = herding.select_herded(scores, 12, np.random.default_rng(0), embeddings=points).tolist()
    assert rows[0] in (2, 5) and rows[-1] in (2, 5)


def test_what_a_label_already_answers_comes_after_what_none_is_like() -> None:
    near, far = cloud(20, seed=2), -cloud(20, seed=2)
    points = np.concatenate([near[:1] + 0.02 * near, far[:1] + 0.02 * far]).astype(np.float32)
    scores = np.full(40, 0.6, np.float32)
    known = points[:2]
    rows = herding.select_herded(scores, 3, np.random.default_rng(0), embeddings=points, known=known)
    assert rows[0] >= 20


def test_the_doubtful_of_two_equal_crowds_comes_first() -> None:
    points = np.concatenate([np.tile(one, (15, 1)) for one in cloud(2, seed=3)]).astype(np.float32)
    scores = np.repeat(np.asarray([0.2, 0.8], np.float32), 15)
    first = herding.select_herded(scores, 1, np.random.default_rng(0), embeddings=points)[0]
    assert first >= 15


def test_no_service_takes_more_of_a_window_than_its_share_while_others_wait() -> None:
    points = cloud(400, seed=4)
    services = np.where(np.arange(400) < 300, 0, np.arange(400) % 4).astype(np.int64)
    scores = np.where(services == 0, 0.9, 0.3).astype(np.float32)
    rows = herding.select_herded(scores, 50, np.random.default_rng(0), embeddings=points, services=services)
    for window in (rows[:25], rows[25:]):
        assert (services[window] == 0).sum() <= 8  # .3 of 25, rounded up


def test_a_service_alone_in_the_pool_is_not_held_back_by_its_share() -> None:
    scores, services = np.full(60, 0.5, np.float32), np.zeros(60, np.int64)
    rows = herding.select_herded(
        scores, 60, np.random.default_rng(0), embeddings=cloud(60, seed=5), services=services
    )
    assert sorted(rows.tolist()) == list(range(60))


def test_the_spread_narrows_as_labels_come_closer_together() -> None:
    assert herding.spread_of(cloud(1, seed=6)) == herding.FIRST_SPREAD
    assert herding.spread_of(cloud(200, seed=6)) < herding.spread_of(cloud(20, seed=6))
    assert herding.spread_of(np.ones((4, 3), np.float32)) == herding.LEAST_SPREAD
