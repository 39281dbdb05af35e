"""What a turn looks at in a large pool: the neighbours of the news and what is most worth asking about."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import shortlist
from ml.learner import Learner

Floats = NDArray[np.float32]
NAMES = np.array(["card", "parcel", "refund"])


@pytest.fixture(scope="module")
def clouds() -> tuple[Floats, NDArray[np.int64]]:
    rng = np.random.default_rng(3)
    member = np.arange(600) % 3
    points = 0.5 * rng.normal(size=(3, 24))[member] + rng.normal(size=(600, 24))
    return points.astype(np.float32), member


def taught(points: Floats, member: NDArray[np.int64], count: int) -> Learner:
    learner = Learner(np.arange(1000, 1600), points)
    learner.fit(np.arange(1000, 1000 + count), NAMES[member[:count]].tolist())
    return learner


def test_the_nearest_rows_are_those_of_a_plain_sort(clouds: tuple[Floats, NDArray[np.int64]]) -> None:
    points, _ = clouds
    gaps = ((points - points[7]) ** 2).sum(axis=1)
    assert set(shortlist.near(points, np.array([7]), 20)) == set(np.argsort(gaps)[:20])
    both = shortlist.near(points, np.array([7, 300]), 20)
    assert {7, 300} <= set(both.tolist()) and len(set(both.tolist())) == len(both)
    assert len(shortlist.near(points, np.array([7]), 5000)) == 600, "a pool smaller than the neighbourhood"
    assert len(shortlist.near(points, np.zeros(0, np.int64))) == 0


def test_the_most_doubtful_and_the_strangest_are_listed_and_no_ineligible_row(
    clouds: tuple[Floats, NDArray[np.int64]],
) -> None:
    scores = taught(*clouds, 60).scores()
    eligible = np.arange(600) % 5 != 0
    rows = shortlist.worth(scores, eligible, doubtful=40, strange=10)
    assert 40 <= len(rows) <= 50 and eligible[rows].all()
    left = np.setdiff1d(np.flatnonzero(eligible), rows)
    assert scores.uncertainty[left].max() <= np.sort(scores.uncertainty[eligible])[-40]


def test_rescored_rows_say_what_the_new_head_says_and_the_others_what_the_last_pass_said(
    clouds: tuple[Floats, NDArray[np.int64]],
) -> None:
    points, member = clouds
    learner = taught(points, member, 60)
    before = learner.scores()
    learner.fit(np.arange(1000, 1090), NAMES[member[:90]].tolist())
    whole = learner.frozen().scores()
    rows = np.array([3, 200, 599])
    assert learner.rescore(rows)
    found, others = learner.scores(), np.setdiff1d(np.arange(600), rows)
    assert np.allclose(found.uncertainty[rows], whole.uncertainty[rows], atol=1e-6)
    assert (found.top1[rows] == whole.top1[rows]).all()
    assert (found.uncertainty[others] == before.uncertainty[others]).all()
    assert (found.outlier == before.outlier).all()
    assert not np.allclose(before.uncertainty, whole.uncertainty, atol=1e-4), "the head did change"


def test_nothing_is_rescored_without_a_pass_or_when_a_service_is_new(
    clouds: tuple[Floats, NDArray[np.int64]],
) -> None:
    points, member = clouds
    learner = taught(points, member, 60)
    assert not learner.rescore(np.array([1])), "no pass yet"
    learner.scores()
    learner.fit(np.arange(1000, 1060), [*NAMES[member[:59]].tolist(), "bills"])
    assert not learner.rescore(np.array([1])), "the columns of the old pass are other services"
    assert learner.scores().classes == ["bills", "card", "parcel", "refund"]


def test_a_frozen_copy_does_not_change_when_the_learner_goes_on(
    clouds: tuple[Floats, NDArray[np.int64]],
) -> None:
    points, member = clouds
    learner = taught(points, member, 60)
    expected = learner.probabilities()
    frozen = learner.frozen()
    learner.fit(np.arange(1000, 1010), ["bills"] * 5 + ["card"] * 5)
    assert frozen.classes == ["card", "parcel", "refund"]
    assert np.allclose(frozen.probabilities(), expected)
    picks = frozen.rank(eligible=np.ones(600, np.bool_), n=50, rng=np.random.default_rng(0))
    assert min(pick.row for pick in picks) >= 60, "it knows its own labels still"
    learner.take_pass(Learner(np.arange(600), points))
    assert learner.last_pass is None, "a pass of another pool is not taken"
