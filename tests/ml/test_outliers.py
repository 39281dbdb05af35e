"""Strangeness scores."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score

from ml import outliers

Floats = NDArray[np.float32]


def clouds(rng: np.random.Generator, per_cloud: int = 100, dim: int = 12) -> tuple[Floats, NDArray[np.int64]]:
    """Three known clouds (0-2) and a fourth, unknown one (3)."""
    centres = rng.normal(size=(4, dim)) * 2
    member = np.repeat(np.arange(4), per_cloud)
    return (centres[member] + rng.normal(size=(len(member), dim))).astype(np.float32), member


def test_shrinkage_is_that_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 15)) * np.arange(1, 16)
    centred = (rows - rows.mean(axis=0)).astype(np.float32)
    expected, _ = ledoit_wolf(centred.astype(np.float64), assume_centered=True)
    assert np.allclose(outliers.shrunk_covariance(centred), expected, rtol=1e-4)


def test_tickets_of_an_unknown_service_score_higher() -> None:
    points, member = clouds(np.random.default_rng(1))
    known = np.flatnonzero((member < 3) & (np.arange(len(member)) % 4 == 0))
    _, scores = outliers.by_labels(points, points[known], member[known].astype(str))
    rest = np.setdiff1d(np.arange(len(member)), known)
    assert roc_auc_score(member[rest] == 3, scores[rest]) > 0.95


def test_without_labels_a_lonely_ticket_is_the_strangest() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(300, 8)).astype(np.float32)
    points[17] = 20.0
    _, scores = outliers.by_neighbours(points, rng)
    assert scores.argmax() == 17 and scores[17] == 1.0


def test_scores_are_ranks_in_the_pool() -> None:
    points, member = clouds(np.random.default_rng(3))
    model, scores = outliers.by_labels(points, points[:90], member[:90].astype(str))
    assert scores.min() == 0.0 and 0.98 < scores.max() <= 1.0
    assert 0.4 < np.median(scores) < 0.6
    assert np.allclose(model.score(points), scores, atol=1e-3)


def test_a_ticket_stranger_than_all_scores_one() -> None:
    points, member = clouds(np.random.default_rng(4))
    model, _ = outliers.by_services(points, points[:300], member[:300].astype(str))
    assert model.score(np.full((1, 12), 99, np.float32)).tolist() == [1.0]


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_tiny_and_identical_pools_get_finite_scores(rows: int) -> None:
    rng = np.random.default_rng(5)
    points = np.ones((rows, 6), np.float32)
    for scores in (
        outliers.by_neighbours(points, rng)[1],
        outliers.by_labels(points, points[:1], np.asarray(["a"]))[1],
    ):
        assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1
    assert outliers.plane(points, rng).shape == (6, 6)


def test_more_labels_than_one_block_score_like_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points, member = clouds(np.random.default_rng(6))
    whole = outliers.by_labels(points, points[:60], member[:60].astype(str))[1]
    monkeypatch.setattr(outliers, "BLOCK", 7)
    assert np.allclose(outliers.by_labels(points, points[:60], member[:60].astype(str))[1], whole, atol=0.02)
