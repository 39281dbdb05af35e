"""The peers of `benchmarks.outliers`: each detector in its default setting and in those that help it here.

All see unit embeddings. They are fitted on the labelled points (nothing unknown among them) or on the whole pool.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.history import History
from ml.smoothing import Smoother
from ml.softmax import SoftmaxRegression, stable_folds

Floats = NDArray[np.float32]
Scores = dict[tuple[str, str], Floats]

PYOD = importlib.util.find_spec("pyod") is not None


def missing() -> list[str]:
    """Peers that are not installed here."""
    return [] if PYOD else ["PyOD (IForest, LOF, kNN)"]


def pyod(seed: int) -> dict[tuple[str, str], Callable[[], Any]]:
    """Makers of PyOD's detectors by (method, setting); exact neighbours, by matrix products where there is a choice."""
    if not PYOD:
        return {}
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF

    exact = {"algorithm": "brute"}
    return {
        ("PyOD IForest", "default"): lambda: IForest(random_state=seed),
        ("PyOD IForest", "400 trees"): lambda: IForest(n_estimators=400, random_state=seed),
        ("PyOD LOF", "default, 20 neighbours"): lambda: LOF(**exact),
        ("PyOD LOF", "5 neighbours"): lambda: LOF(n_neighbors=5, **exact),
        ("PyOD LOF", "60 neighbours"): lambda: LOF(n_neighbors=60, **exact),
        ("PyOD kNN", "default, 5 neighbours"): lambda: KNN(**exact),
        ("PyOD kNN", "1 neighbour"): lambda: KNN(n_neighbors=1, **exact),
        ("PyOD kNN", "mean of 3 neighbours"): lambda: KNN(n_neighbors=3, method="mean", **exact),
    }


def by_pool(pool: Floats, test: Floats, seed: int) -> Scores:
    """Scores of `test` by detectors fitted on all of `pool`, unknown services and all."""
    return _fitted(pool, test, seed, "on the pool")


def by_labels(train: History, known: NDArray[np.int64], test: Floats, seed: int) -> Scores:
    """Scores of `test` by detectors fitted on the labelled rows `known`, and 1 - largest probability of a head."""
    scores = _fitted(train.points[known], test, seed, "on the labelled")
    smoother = Smoother(train.points, seed)
    smooth = smoother.pool(train.points)[known], smoother.apply(test)
    for variant, (points, asked) in {"": (train.points[known], test), "our smoothing": smooth}.items():
        head = SoftmaxRegression().fit(points, train.labels[known], folds=stable_folds(known))
        scores["MSP", variant] = 1.0 - head.predict_proba(asked).max(axis=1)
    return scores


def _fitted(points: Floats, test: Floats, seed: int, where: str) -> Scores:
    scores: Scores = {}
    for (name, setting), make in pyod(seed).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            detector = make()
            detector.fit(points)
            scores[name, f"{setting}, {where}"] = np.asarray(detector.decision_function(test), np.float64)
    return scores
