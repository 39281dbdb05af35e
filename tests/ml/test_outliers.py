"""Strangeness scores."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score

from ml import outliers
from ml.smoothing import Smoother
from ml.space import Space

Floats = NDArray[np.float32]


def clouds(
    rng: np.random.Generator, per_cloud: int = 100, dim: int = 12, apart: float = 2.0
) -> tuple[Floats, NDArray[np.int64]]:
    """Three known clouds (0-2) and a fourth, unknown one (3)."""
    centres = rng.normal(size=(4, dim)) * apart
    member = np.repeat(np.arange(4), per_cloud)
    return (centres[member] + rng.normal(size=(len(member), dim))).astype(np.float32), member


def test_shrinkage_is_that_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 15)) * np.arange(1, 16)
    centred = (rows - rows.mean(axis=0)).astype(np.float32)
    expected, _ = ledoit_wolf(centred.astype(np.float64), assume_centered=True)
    assert np.allclose(outliers.shrunk_covariance(centred), expected, rtol=1e-4)


def seen(points: Floats, seed: int = 0) -> tuple[outliers.View, Floats, Smoother]:
    """Points of unit length as the score looks at them, the smoothed references, and the smoother."""
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    smoother = Smoother(units, seed)
    found = smoother.settle(units)
    view = outliers.View(units, found.smooth, found.near, found.pull, found.support)
    return view, smoother.references, smoother


def judged(
    points: Floats, known: NDArray[np.int64], labels: NDArray[np.str_]
) -> tuple[outliers.ByLabels, Floats, outliers.View]:
    view, references, _ = seen(points)
    return (*outliers.by_labels(view, references, known, labels, np.random.default_rng(0)), view)


def test_tickets_of_an_unknown_service_score_higher() -> None:
    points, member = clouds(np.random.default_rng(1))
    known = np.flatnonzero((member < 3) & (np.arange(len(member)) % 4 == 0))
    _, scores, _ = judged(points, known, member[known].astype(str))
    rest = np.setdiff1d(np.arange(len(member)), known)
    assert roc_auc_score(member[rest] == 3, scores[rest]) > 0.97


def test_the_company_of_strange_tickets_tells_a_new_service_from_an_odd_ticket() -> None:
    points, member = clouds(np.random.default_rng(7), apart=0.9)
    known = np.flatnonzero((member < 3) & (np.arange(len(member)) % 10 == 0))
    model, _, view = judged(points, known, member[known].astype(str))
    rest = np.setdiff1d(np.arange(len(member)), known)
    alone = model.plain.score(view.plain[rest])
    together = model.score(view.of(rest))
    unknown = member[rest] == 3
    assert roc_auc_score(unknown, together) > roc_auc_score(unknown, alone) + 0.05


def test_one_ticket_like_no_other_is_among_the_strangest() -> None:
    points, member = clouds(np.random.default_rng(8))
    points[17] = -20 * points.mean(axis=0)
    known = np.flatnonzero((member < 3) & (np.arange(len(member)) % 4 == 0))
    _, scores, _ = judged(points, known, member[known].astype(str))
    assert scores[17] > 0.98


def test_a_labelled_ticket_is_not_compared_with_itself() -> None:
    points, member = clouds(np.random.default_rng(9))
    known = np.flatnonzero(member < 3)[::2]
    _, scores, _ = judged(points, known, member[known].astype(str))
    assert 0.3 < np.median(scores[known]) < 0.6  # all at the very bottom if their own label counted


def test_what_is_lent_to_processes_without_the_pool_tells_them_apart_too() -> None:
    points, member = clouds(np.random.default_rng(10))
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    pool, new = np.arange(0, 400, 2), np.arange(1, 400, 2)
    known = np.flatnonzero(member[pool] < 3)[::3]
    basis = outliers.plane(units, np.random.default_rng(0))
    model = outliers.lent(units[pool], known, basis, np.random.default_rng(0))
    scores = model.score(units[new])
    assert scores.min() >= 0 and scores.max() <= 1
    assert roc_auc_score(member[new] == 3, scores) > 0.95


def test_without_labels_a_lonely_ticket_is_the_strangest() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(300, 8)).astype(np.float32)
    points[17] = 20.0
    _, scores = outliers.by_neighbours(points, rng)
    assert scores.argmax() == 17 and scores[17] == 1.0


def test_scores_are_ranks_in_the_pool() -> None:
    points, member = clouds(np.random.default_rng(3))
    known = np.arange(90)
    model, scores, view = judged(points, known, member[known].astype(str))
    assert scores.min() == 0.0 and 0.98 < scores.max() <= 1.0
    assert 0.4 < np.median(scores) < 0.6
    assert np.allclose(model.score(view)[90:], scores[90:], atol=1e-3)  # new tickets are not their own labels


def test_a_ticket_stranger_than_all_scores_one() -> None:
    points, _ = clouds(np.random.default_rng(4))
    known = np.arange(300)
    model = outliers.lent(points, known, np.eye(12, dtype=np.float32), np.random.default_rng(0))
    assert model.score(np.full((1, 12), 99, np.float32)).tolist() == [1.0]


@pytest.mark.parametrize("rows", [1, 2, 5, 70])
def test_tiny_and_identical_pools_get_finite_scores(rows: int) -> None:
    rng = np.random.default_rng(5)
    points = np.ones((rows, 6), np.float32)
    one = np.zeros(1, np.int64)
    basis = outliers.plane(points, rng)
    assert basis.shape == (6, 6)
    for scores in (
        outliers.by_neighbours(points, rng)[1],
        judged(points, one, np.asarray(["a"]))[1],
        outliers.lent(points, one, basis, rng).score(points),
    ):
        assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1


def test_without_neighbourhoods_two_views_are_left() -> None:
    points, member = clouds(np.random.default_rng(11), per_cloud=10)
    known = np.flatnonzero(member < 3)[::2]
    model, scores, view = judged(points, known, member[known].astype(str))
    assert view.near.shape == (40, 0) and len(model.references) == 0
    rest = np.setdiff1d(np.arange(40), known)
    assert roc_auc_score(member[rest] == 3, scores[rest]) > 0.8


def test_more_tickets_than_one_block_score_like_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points, member = clouds(np.random.default_rng(6))
    known = np.arange(60)
    whole = judged(points, known, member[known].astype(str))[1]
    monkeypatch.setattr(outliers, "BLOCK", 7)
    assert np.allclose(judged(points, known, member[known].astype(str))[1], whole, atol=0.02)


def test_a_pool_that_grew_still_knows_who_is_near_whom() -> None:
    points, _ = clouds(np.random.default_rng(12))
    ids = np.arange(len(points))
    old = Space(ids[:360], points[:360], seed=0, neighbours=10)
    grown = Space(ids, points, seed=0, neighbours=10, previous=old)
    assert (grown.view.near[:360] == old.view.near).all()
    outside = old.look(old.units(points[360:]))
    assert (grown.view.near[360:] == outside.near).all()
    assert np.allclose(grown.view.pull.sum(axis=1), 1, atol=1e-5)
