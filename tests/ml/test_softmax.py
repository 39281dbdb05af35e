"""The fast head: same answers as scikit-learn, warm starts, temperature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from ml.distil import distilled
from ml.softmax import SoftmaxRegression, best_temperature, fit_to, softmax, stable_folds

Floats = NDArray[np.float32]


def clouds(n: int = 300, k: int = 5, dim: int = 10, seed: int = 0) -> tuple[Floats, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    member = rng.integers(0, k, n)
    points = rng.normal(size=(k, dim))[member] + rng.normal(size=(n, dim))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32), np.asarray([f"s{m}" for m in member])


def test_it_answers_as_scikit_learn_does() -> None:
    points, names = clouds()
    weight = np.linspace(0.2, 1.0, len(names)).astype(np.float32)
    ours = SoftmaxRegression(C=3.0, tol=1e-9).fit(points, names, weight)
    theirs = LogisticRegression(C=3.0, max_iter=2000, tol=1e-8).fit(points, names, weight)
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    assert np.allclose(ours.predict_proba(points), theirs.predict_proba(points), atol=5e-3)


def test_one_class_alone_is_certain_of_itself() -> None:
    points, _ = clouds(8)
    head = SoftmaxRegression().fit(points, np.asarray(["only"] * 8), folds=np.arange(8) % 3)
    assert head.predict_proba(points).tolist() == [[1.0]] * 8
    assert head.predict(points).tolist() == ["only"] * 8


def test_a_new_service_joins_a_warm_start() -> None:
    points, names = clouds()
    head = SoftmaxRegression(tol=1e-9)
    old = names != "s2"
    head.fit(points[old], names[old])
    head.fit(points, names)
    cold = SoftmaxRegression(tol=1e-9).fit(points, names)
    assert np.allclose(head.predict_proba(points), cold.predict_proba(points), atol=0.02)


def test_the_temperature_makes_an_over_confident_head_honest() -> None:
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(4000, 4)).astype(np.float32)
    target = np.asarray(
        [
            rng.choice(4, p=row)
            for row in softmax(honest).astype(float) / softmax(honest).sum(1, keepdims=True, dtype=float)
        ]
    )
    assert best_temperature(honest * 3, target) == pytest.approx(3.0, rel=0.1)
    assert best_temperature(honest * 3, softmax(honest)) == pytest.approx(3.0, rel=0.02)


def test_the_temperature_is_fitted_on_rows_each_fold_never_saw() -> None:
    points, names = clouds(400)
    rng = np.random.default_rng(2)
    noisy = np.where(rng.random(400) < 0.4, rng.choice(names, 400), names)
    loose = SoftmaxRegression(C=1e4).fit(points, noisy)
    honest = SoftmaxRegression(C=1e4).fit(points, noisy, folds=stable_folds(np.arange(400)))
    assert honest.temperature_ > 1.2
    fresh, truth = clouds(400, seed=0)
    assert honest.predict_proba(fresh).max(axis=1).mean() < loose.predict_proba(fresh).max(axis=1).mean()
    assert (honest.predict(fresh) == loose.predict(fresh)).mean() > 0.99
    assert len(truth) == 400


def test_few_labels_leave_the_temperature_alone() -> None:
    points, names = clouds(12)
    assert SoftmaxRegression().fit(points, names, folds=np.arange(12) % 3).temperature_ == 1.0


def test_a_fold_depends_on_the_id_alone() -> None:
    ids = np.arange(1000, 1300)
    folds = stable_folds(ids)
    assert set(folds.tolist()) == {0, 1, 2}
    assert stable_folds(ids[::-1]).tolist() == folds[::-1].tolist()
    assert np.bincount(folds).min() > 60


def test_fitting_nothing_or_asking_before_fitting_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SoftmaxRegression().fit(np.zeros((0, 3), np.float32), np.asarray([], dtype=str))
    with pytest.raises(NotFittedError):
        SoftmaxRegression().predict_proba(np.zeros((1, 3), np.float32))


def test_a_student_learns_its_teachers_answers_from_other_points() -> None:
    points, names = clouds(900, dim=20)
    turned = points @ np.linalg.qr(np.random.default_rng(3).normal(size=(20, 20)))[0].astype(np.float32)
    targets = np.asarray([int(name[1]) for name in names])
    teacher = SoftmaxRegression().fit(points[:200], names[:200], folds=np.arange(200) % 3)
    taught = teacher.predict_proba(points[200:700])
    start = np.zeros((5, 21), np.float32)
    weights, temperature = distilled(turned[:200], targets[:200], turned[200:700], taught, start)
    said = softmax((turned[700:] @ weights[:, :-1].T + weights[:, -1]) / np.float32(temperature))
    meant = teacher.predict_proba(points[700:])
    assert (said.argmax(1) == meant.argmax(1)).mean() > 0.93
    assert abs(said.max(1).mean() - meant.max(1).mean()) < 0.05


def test_soft_targets_are_met() -> None:
    points, _ = clouds(200)
    wanted = np.tile(np.asarray([[0.7, 0.2, 0.1]], np.float32), (200, 1))
    found = fit_to(points, wanted, np.ones(200, np.float32), np.zeros((3, 11), np.float32), tol=1e-9)
    assert np.allclose(softmax(points @ found[:, :-1].T + found[:, -1]), wanted, atol=0.01)
