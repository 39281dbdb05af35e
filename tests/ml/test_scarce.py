"""The lane of scarce services: whom it looks for, when it begins, and that it never asks twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from ml import scarce
from ml.learner import Learner

SETTLED = {"billing": 30, "delivery": 8, "refunds": 12}


def test_it_waits_until_the_usual_service_has_enough_labels():
    assert scarce.share({}) == scarce.share({"billing": 3, "delivery": 2, "refunds": 30}) == 0
    assert scarce.share({**SETTLED, "loyalty": 4}) == scarce.SHARE
    assert scarce.share({**SETTLED, "loyalty": 5}) == 0


def test_the_scarcest_come_first_and_services_without_a_label_cannot_be_looked_for():
    held = {**SETTLED, "warranty": 2, "loyalty": 2, "press": 1, "unknown": 0, "resale": 25, "orders": 40}
    assert scarce.services(held) == ["press", "loyalty", "warranty"]


def test_each_service_offers_its_likeliest_tickets_in_turn_and_no_unlikely_one():
    chances = np.zeros((40, 2), np.float32)
    chances[[3, 5, 7, 9, 11, 13, 15, 17], 0] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    chances[[5, 20, 21], 1] = [0.05, 0.9, scarce.LEAST_CHANCE / 2]
    assert scarce.likely(chances, [4, 1]).tolist() == [3, 20, 5, 7, 9, 11, 13]


@given(
    arrays(
        np.float32,
        some.tuples(some.integers(0, 30), some.integers(1, 4)),
        elements=some.floats(0, 1, width=32),
    ),
    some.integers(1, 4),
)
def test_places_are_distinct_and_there_are_at_most_as_many_as_are_lacking(chances, lacking):
    found = scarce.likely(chances, [lacking] * chances.shape[1])
    assert len(set(found.tolist())) == len(found) <= chances.shape[1] * (lacking + scarce.SPARE)
    assert set(found.tolist()) <= set(range(len(chances)))
    assert all(chances[place].max() >= scarce.LEAST_CHANCE for place in found)


@pytest.fixture
def unbalanced() -> tuple[Learner, np.ndarray]:
    """Three common services in clouds of 150 tickets and a rare one of 8, near the first; (learner, truth)."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 24))
    centres[3] = centres[0] + 0.6 * rng.normal(size=24)
    truth = np.repeat([0, 1, 2, 3], [150, 150, 150, 8])
    points = centres[truth] + 0.35 * rng.normal(size=(len(truth), 24))
    return Learner(np.arange(len(truth)), points.astype(np.float32), seed=1), truth


def ranked(learner: Learner, truth: np.ndarray, labelled: list[int], n: int = 25) -> list:
    learner.fit(labelled, [f"s{truth[row]}" for row in labelled])
    eligible = np.ones(len(truth), np.bool_)
    return learner.rank(eligible=eligible, n=n, rng=np.random.default_rng(2))


def test_the_order_finds_a_rare_services_other_tickets(unbalanced):
    learner, truth = unbalanced
    common = [row for service in range(3) for row in np.flatnonzero(truth == service)[:10]]
    rare = np.flatnonzero(truth == 3)[:2].tolist()
    picks = ranked(learner, truth, common + rare)
    looked_for = [pick.row for pick in picks if pick.lane == "scarce"]
    assert looked_for and truth[looked_for[0]] == 3
    assert not {pick.row for pick in picks} & set(common + rare)
    assert len({pick.row for pick in picks}) == len(picks) == 25


def test_it_asks_for_nothing_once_no_service_is_scarce(unbalanced):
    learner, truth = unbalanced
    labelled = [row for service in range(4) for row in np.flatnonzero(truth == service)[:8]]
    picks = ranked(learner, truth, labelled)
    assert learner.scarce_share == 0 and "scarce" not in {pick.lane for pick in picks}
