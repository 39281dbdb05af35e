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

FOLDS = 3
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
        self,
        X: Floats,
        y: NDArray[Any],
        sample_weight: Floats | None = None,
        folds: Ints | None = None,
    ) -> SoftmaxRegression:
        """Fit on X (n, d), y (n,) of str. `folds` (n,) of small ints turns on the temperature; else it stays 1."""
        points, names = np.ascontiguousarray(X, np.float32), np.asarray(y)
        if len(points) == 0 or len(points) != len(names):
            raise ValueError(
                f"fit needs as many labels as rows, at least one: {len(points)} rows, {len(names)} labels"
            )
        weight = np.ones(len(points), np.float32)
        if sample_weight is not None:
            weight = np.asarray(sample_weight, np.float32)
        warm: dict[int, Weights] = getattr(self, "_warm", {})
        self.classes_, solution = self._solve(points, names, weight, warm.get(-1, {}))
        fresh: dict[int, Weights] = {-1: _by_name(self.classes_, solution)}
        self.coef_, self.intercept_ = solution[:, :-1], solution[:, -1]
        self.temperature_ = 1.0
        if folds is not None and len(self.classes_) > 1:
            logits, target = self._held_out(points, names, weight, np.asarray(folds), warm, fresh)
            if len(target) >= FEWEST_FOR_TEMPERATURE:
                self.temperature_ = best_temperature(logits, target)
        self._warm = fresh
        return self

    def calibrate(self, X: Floats, y: NDArray[Any]) -> None:
        """Fit the temperature on rows X (n, d) with labels y (n,) of `classes_` that did not train."""
        if len(self.classes_) > 1:
            logits, target = self.decision_function(X), np.searchsorted(self.classes_, y)
            self.temperature_ = best_temperature(logits, target)

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
        d, k = points.shape[1], len(classes)
        if k == 1:
            return classes, np.zeros((1, d + 1), np.float32)
        start = np.zeros((k, d + 1), np.float32)
        for row, name in enumerate(classes):
            known = warm.get(str(name))
            if known is not None and len(known) == d + 1:
                start[row] = known
        wanted = np.eye(k, dtype=np.float32)[target]
        return classes, fit_to(points, wanted, weight, start, C=self.C, max_iter=self.max_iter, tol=self.tol)

    def _held_out(
        self,
        points: Floats,
        names: NDArray[Any],
        weight: Floats,
        folds: Ints,
        warm: dict[int, Weights],
        fresh: dict[int, Weights],
    ) -> tuple[Floats, Ints]:
        """Scores (m, k) and targets (m,) of rows by heads that never saw them; `fresh` takes the heads' weights.

        Rows whose class has no label outside their fold are left out: no head could name it.
        """
        scores, targets = [np.zeros((0, len(self.classes_)), np.float32)], [np.zeros(0, np.int64)]
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
        return np.concatenate(scores), np.concatenate(targets)


def stable_folds(ids: Ints) -> Ints:
    """A fold for each id (n,), the same at every refit, so that each fold's head may keep its warm start."""
    mixed = np.asarray(ids, np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(33)) % np.uint64(FOLDS), np.int64)


def fit_to(
    points: Floats,
    wanted: Floats,
    weight: Floats,
    start: Floats,
    *,
    C: float = 30.0,
    max_iter: int = 150,
    tol: float = 1e-6,
) -> Floats:
    """Weights (k, d + 1), the last column the intercept, that bring softmax scores of points (n, d) nearest to the
    distributions `wanted` (n, k), by L-BFGS from `start` (k, d + 1). Rows count by `weight` (n,).
    """
    n, d = points.shape
    padded = np.hstack([points, np.ones((n, 1), np.float32)])
    total = max(float(weight.sum()), 1e-12)
    share, ridge = weight / total, 1.0 / (C * total)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix = flat.reshape(-1, d + 1)
        logits = padded @ matrix.astype(np.float32).T
        logits -= logits.max(axis=1, keepdims=True)
        chances = np.exp(logits)
        sums = chances.sum(axis=1)
        losses = np.log(sums) - np.einsum("ij,ij->i", logits, wanted)
        chances /= sums[:, None]
        chances -= wanted
        gradient = ((chances * share[:, None]).T @ padded).astype(np.float64)
        gradient[:, :-1] += ridge * matrix[:, :-1]
        value = float(losses @ share) + 0.5 * ridge * float((matrix[:, :-1] ** 2).sum())
        return value, gradient.ravel()

    found = minimize(
        loss,
        start.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "ftol": tol, "gtol": 1e-5, "maxcor": 10},
    )
    return np.asarray(found.x.reshape(-1, d + 1), np.float32)


def best_temperature(logits: Floats, target: Ints | Floats) -> float:
    """The T in TEMPERATURE_RANGE with the least cross-entropy of softmax(logits / T), by golden section on log T.

    `target`: classes (n,), or distributions (n, k). -inf among the logits stands for a class the row's head does not
    know; it must not be the row's target, nor may logits hold any when targets are distributions.
    """
    low, high = np.log(TEMPERATURE_RANGE)
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    if target.ndim == 2:
        right_one = (logits * target).sum(axis=1)
    else:
        right_one = logits[np.arange(len(target)), target.astype(np.int64)]

    def loss(log_t: float) -> float:
        sharp = np.float32(np.exp(-log_t))
        top = logits.max(axis=1)
        sums = np.exp((logits - top[:, None]) * sharp).sum(axis=1)
        return float(np.mean(np.log(sums) - (right_one - top) * sharp))

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


def _by_name(classes: NDArray[Any], solution: Floats) -> Weights:
    return {str(name): solution[row] for row, name in enumerate(classes)}
