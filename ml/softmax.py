"""Multinomial logistic regression that refits in a fraction of a second, with honest probabilities.

The same objective as scikit-learn's LogisticRegression(C): C * sum of weighted cross-entropies + half the
squared weights. It differs in three ways the queue needs: float32 products, a warm start that survives new
services, and a temperature fitted on out-of-fold scores. Each fold keeps its own warm start, so no held-out
label ever leaks into its score.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Weights = dict[str, Floats]

FEWEST_FOR_TEMPERATURE = 30
TEMPERATURE_RANGE = (0.1, 5.0)


class SoftmaxRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """scikit-learn classifier over (n, d) float32; `classes_` sorted, `predict_proba` (n, k) tempered by
    `temperature_`.

    One class alone is a legal answer: predict_proba is then (n, 1) of ones.
    """

    def __init__(self, C: float = 30.0, max_iter: int = 150, tol: float = 1e-6) -> None:
        self.C = C
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self, X: Floats, y: NDArray[Any], sample_weight: Floats | None = None, folds: Ints | None = None
    ) -> SoftmaxRegression:
        """Fit on X (n, d), y (n,) of str. `folds` (n,) of small ints turns on the temperature; else it stays
        1.
        """
        points, names = np.ascontiguousarray(X, np.float32), np.asarray(y)
        if len(points) == 0 or len(points) != len(names):
            raise ValueError(
                f"fit needs as many labels as rows, at least one: {len(points)} rows, {len(names)} labels"
            )
        weight = (
            np.ones(len(points), np.float32)
            if sample_weight is None
            else np.asarray(sample_weight, np.float32)
        )
        warm: dict[int, Weights] = getattr(self, "_warm", {})
        self.classes_, solution = self._solve(points, names, weight, warm.get(-1, {}))
        fresh: dict[int, Weights] = {-1: _by_name(self.classes_, solution)}
        self.coef_, self.intercept_ = solution[:, :-1], solution[:, -1]
        self.temperature_ = 1.0
        if folds is not None and len(self.classes_) > 1:
            self.temperature_ = self._held_out_temperature(
                points, names, weight, np.asarray(folds), warm, fresh
            )
        self._warm = fresh
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Untempered scores (n, k)."""
        if not hasattr(self, "coef_"):
            raise NotFittedError("SoftmaxRegression has no labels yet")
        return np.asarray(np.asarray(X, np.float32) @ self.coef_.T + self.intercept_, np.float32)

    def predict_proba(self, X: Floats) -> Floats:
        return softmax(self.decision_function(X) / np.float32(self.temperature_))

    def predict(self, X: Floats) -> NDArray[Any]:
        return np.asarray(self.classes_[np.argmax(self.decision_function(X), axis=1)])

    def _solve(
        self, points: Floats, names: NDArray[Any], weight: Floats, warm: Weights
    ) -> tuple[NDArray[Any], Floats]:
        classes, target = np.unique(names, return_inverse=True)
        n, d, k = len(points), points.shape[1], len(classes)
        if k == 1:
            return classes, np.zeros((1, d + 1), np.float32)
        start = np.zeros((k, d + 1), np.float64)
        for row, name in enumerate(classes):
            known = warm.get(str(name))
            if known is not None and len(known) == d + 1:
                start[row] = known
        padded = np.hstack([points, np.ones((n, 1), np.float32)])
        share = weight / max(float(weight.sum()), 1e-12)
        ridge = 1.0 / (self.C * max(float(weight.sum()), 1e-12))
        rows = np.arange(n)

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            matrix = flat.reshape(k, d + 1)
            chances, losses = _chances_and_losses(padded @ matrix.astype(np.float32).T, target)
            chances[rows, target] -= 1.0
            gradient = (chances * share[:, None]).T @ padded
            gradient = gradient.astype(np.float64)
            gradient[:, :-1] += ridge * matrix[:, :-1]
            value = float(losses @ share) + 0.5 * ridge * float((matrix[:, :-1] ** 2).sum())
            return value, gradient.ravel()

        found = minimize(
            loss,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.max_iter, "ftol": self.tol, "gtol": 1e-5, "maxcor": 10},
        )
        return classes, found.x.reshape(k, d + 1).astype(np.float32)

    def _held_out_temperature(
        self,
        points: Floats,
        names: NDArray[Any],
        weight: Floats,
        folds: Ints,
        warm: dict[int, Weights],
        fresh: dict[int, Weights],
    ) -> float:
        scores: list[Floats] = []
        targets: list[Ints] = []
        for fold in np.unique(folds):
            held = folds == fold
            if held.all():
                continue
            classes, solution = self._solve(
                points[~held], names[~held], weight[~held], warm.get(int(fold), {})
            )
            fresh[int(fold)] = _by_name(classes, solution)
            held &= np.isin(names, classes)
            if len(classes) < 2 or not held.any():
                continue
            logits = np.full((int(held.sum()), len(self.classes_)), -np.inf, np.float32)
            columns = np.searchsorted(self.classes_, classes)
            logits[:, columns] = points[held] @ solution[:, :-1].T + solution[:, -1]
            scores.append(logits)
            targets.append(np.searchsorted(self.classes_, names[held]))
        if sum(map(len, targets)) < FEWEST_FOR_TEMPERATURE:
            return 1.0
        return best_temperature(np.concatenate(scores), np.concatenate(targets))


def best_temperature(logits: Floats, target: Ints) -> float:
    """The T in TEMPERATURE_RANGE with the least cross-entropy of softmax(logits / T), by golden section on
    log T.
    """
    low, high = np.log(TEMPERATURE_RANGE)
    golden = (np.sqrt(5.0) - 1.0) / 2.0

    def loss(log_t: float) -> float:
        return float(_chances_and_losses(logits / np.float32(np.exp(log_t)), target)[1].mean())

    for _ in range(24):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def softmax(logits: Floats) -> Floats:
    """Rows of `logits` (n, k) as probabilities, float32."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def _chances_and_losses(logits: Floats, target: Ints) -> tuple[Floats, Floats]:
    top = logits.max(axis=1, keepdims=True)
    chances = np.exp(logits - top)
    total = chances.sum(axis=1)
    losses = np.log(total) + top[:, 0] - logits[np.arange(len(target)), target]
    chances /= total[:, None]
    return chances, losses


def _by_name(classes: NDArray[Any], solution: Floats) -> Weights:
    return {str(name): solution[row] for row, name in enumerate(classes)}
