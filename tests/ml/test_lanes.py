"""Lanes: where to start, what is novel, how they share the order; clusters and smoothing under them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml import lanes
from ml.clusters import kmeans, medoids
from ml.smoothing import Smoother

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clouds(sizes: list[int], dim: int = 8, spread: float = 0.15, seed: int = 1) -> tuple[Floats, Ints]:
    """Unit vectors around one direction a cloud."""
    generator = rng(seed)
    member = np.repeat(np.arange(len(sizes)), sizes)
    points = np.eye(dim)[member] + generator.normal(size=(len(member), dim)) * spread
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), member


def rows(*values: int) -> Ints:
    return np.asarray(values, np.int64)


# Start


def test_the_first_tickets_are_typical_of_different_services() -> None:
    points, member = clouds([80, 40, 40, 20])
    first = lanes.typical(points, np.arange(180), rows(), 4, rng())
    assert sorted(member[first]) == [0, 1, 2, 3]


def test_what_is_labelled_already_is_not_asked_again() -> None:
    points, member = clouds([80, 40, 40, 20])
    labelled = np.flatnonzero(member == 0)[:5]
    pool = np.setdiff1d(np.arange(180), labelled)
    assert 0 not in member[lanes.typical(points, pool, labelled, 3, rng())]


def test_every_ticket_is_ranked_once_when_all_are_asked_for() -> None:
    points, _ = clouds([30, 30])
    order = lanes.typical(points, np.arange(60), rows(), 1000, rng())
    assert sorted(order.tolist()) == list(range(60))
    assert len(lanes.typical(points, rows(), rows(), 5, rng())) == 0


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({}, 1.0),
        ({"a": 50}, 1.0),
        ({"a": 6, "b": 5}, 1.0),
        ({"a": 50, "b": 50}, 0.0),
        ({"a": 1, "b": 1, "c": 18}, 0.2),
    ],
)
def test_the_start_goes_on_while_new_services_turn_up(counts: dict[str, int], share: float) -> None:
    assert lanes.start_share(counts) == pytest.approx(share)


def test_a_keyword_brings_up_its_unlabelled_service_only() -> None:
    points, member = clouds([40, 40, 40])
    words = {name: np.flatnonzero(member == at)[:10] for at, name in enumerate(["a", "b", "c"])}
    asked = lanes.by_keyword(points, np.arange(120), words, ["a"])
    assert member[asked].tolist() == [1, 2, 1, 2, 1, 2]
    assert len(lanes.by_keyword(points, np.arange(120), {}, [])) == 0


# Novelty


def test_a_strange_ticket_is_novel_in_company_and_lone_without() -> None:
    points, member = clouds([150, 150, 12], spread=0.05)
    points[0] = np.eye(8, dtype=np.float32)[7]
    strange = np.where(member == 2, 0.95, 0.1).astype(np.float32)
    strange[0] = 1.0
    novel, lone = lanes.novel(points, np.arange(312), strange, 50, rng())
    assert set(member[novel]) == {2}
    assert lone.tolist() == [0]


def test_a_tiny_pool_has_no_novelty() -> None:
    points, _ = clouds([3])
    found = lanes.novel(points, np.arange(3), np.ones(3, np.float32), 5, rng())
    assert [len(part) for part in found] == [0, 0]


# Sharing


def test_lanes_are_served_in_proportion_to_their_share_in_any_prefix() -> None:
    order = lanes.interleave({"x": (np.arange(100), 0.8), "y": (np.arange(100, 200), 0.2)}, 50)
    for length in range(1, 51):
        assert abs(sum(lane == "y" for _, lane in order[:length]) - 0.2 * length) <= 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)), st.floats(0, 1), st.integers(0, 70))
def test_a_row_in_two_lanes_is_served_once_and_nothing_is_left_over(
    one: list[int], two: list[int], share: float, n: int
) -> None:
    order = lanes.interleave({"x": (rows(*one), share), "y": (rows(*two), 1 - share)}, n)
    served = [row for row, _ in order]
    assert len(served) == len(set(served)) == min(n, len(set(one) | set(two)))


def test_rare_services_weigh_more_within_bounds() -> None:
    weight = lanes.rarity([1, 20, 20, 2000])
    assert weight[0] > weight[1] == 1.0 >= weight[3]
    assert len(lanes.rarity([])) == 0


# Underneath


def test_kmeans_finds_clouds_and_medoids_lie_in_them() -> None:
    points, member = clouds([50, 50, 50])
    assigned, centres = kmeans(points, 3, rng())
    middle = medoids(points, assigned, centres)
    assert sorted(member[middle]) == [0, 1, 2]


def test_kmeans_of_identical_points_and_of_more_groups_than_points() -> None:
    same = np.ones((10, 3), np.float32)
    assigned, centres = kmeans(same, 4, rng())
    assert len(medoids(same, assigned, centres)) >= 1
    assigned, centres = kmeans(np.eye(3, dtype=np.float32), 9, rng())
    assert sorted(assigned.tolist()) == [0, 1, 2]
    with pytest.raises(ValueError, match="at least one"):
        kmeans(np.zeros((0, 3), np.float32), 2, rng())


def test_smoothing_brings_a_cloud_together_and_keeps_length_one() -> None:
    points, member = clouds([200, 200], spread=0.4)
    smooth = Smoother(points, 0).pool(points)
    inside = [float((p[member == 0] @ p[member == 0].T).mean()) for p in (points, smooth)]
    assert inside[1] > inside[0] + 0.08
    assert np.allclose(np.linalg.norm(smooth, axis=1), 1, atol=1e-4)


def test_a_small_pool_is_left_as_it_is() -> None:
    points, _ = clouds([20])
    smoother = Smoother(points, 0)
    assert not smoother.is_active
    assert (smoother.pool(points) == points).all()


def test_lone_tickets_are_those_that_no_other_is_like_whatever_the_labels_say() -> None:
    near = np.repeat(np.eye(4, 6, dtype=np.float32), 50, axis=0) + rng().normal(size=(200, 6)) * 0.02
    points = np.concatenate([near, np.eye(6, dtype=np.float32)[4:]]).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    support = np.sort(points @ points.T, axis=1)[:, -4]
    assert sorted(lanes.lone(points, support, np.arange(202)).tolist()) == [200, 201]
    assert lanes.lone(points, support, np.arange(201)).tolist() == [200]
    assert len(lanes.lone(points, support, np.arange(200))) == 0
    assert len(lanes.lone(points, np.zeros(202, np.float32), np.arange(202))) == 0
    assert len(lanes.lone(points, support, np.zeros(0, np.int64))) == 0


def test_fewer_strange_tickets_are_asked_about_once_every_service_was_met_often_enough() -> None:
    assert lanes.novelty_share({"billing": 40, "returns": 2}) == lanes.MOST_NOVELTY
    assert lanes.novelty_share({"billing": 40, "returns": 3}) == lanes.LEAST_NOVELTY > 0
