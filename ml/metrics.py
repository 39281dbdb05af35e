"""How good predictions are: accuracy, per-service quality, calibration, and what could be routed without a
person.

numpy only, so that the web and the general worker may load it. Every proportion comes with its Wilson
interval, since a service with nine audit labels deserves no third decimal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Report = dict[str, Any]

BINS = 15
CURVE_POINTS = 101
Z95 = 1.959963984540054


def evaluate(
    y_true: Sequence[str] | NDArray[np.str_],
    y_pred: Sequence[str] | NDArray[np.str_],
    probabilities: NDArray[Any] | None,
    labels: Sequence[str],
) -> Report:
    """Judge n predictions. Returns plain JSON-ready values; figures that nothing supports are None.

    `labels` (k,) are the model's classes, the columns of `probabilities` (n, k) or None without any. Truths
    outside `labels` are counted as errors of the model and listed under `unseen_labels`; predictions outside
    it are refused. Confidence of a prediction = its probability. Macro averages go over the labels that occur
    in `y_true`. Raises ValueError for lengths that differ, NaN, probabilities outside [0, 1] or not summing
    to 1 (within .01).
    """
    truth, guess = [str(t) for t in y_true], [str(p) for p in y_pred]
    names = [str(label) for label in labels]
    _refuse_misfits(truth, guess, names)
    return report(truth, guess, _confidence(guess, probabilities, names), names)


def report(
    truth: Sequence[str], guess: Sequence[str], confidence: Floats | None, labels: Sequence[str]
) -> Report:
    """The figures of `evaluate` from the guesses and their confidence (n,), both checked before."""
    names = list(labels)
    unseen = sorted(set(truth) - set(names))
    every = names + unseen
    column = {name: place for place, name in enumerate(every)}
    confusion = np.zeros((len(every), len(every)), np.int64)
    for t, p in zip(truth, guess, strict=True):
        confusion[column[t], column[p]] += 1
    correct = np.asarray([t == p for t, p in zip(truth, guess, strict=True)], np.bool_)
    services = [_service(every[at], confusion, at) for at in range(len(every))]
    present = [s for s in services if s["support"] > 0]
    curve = risk_coverage(confidence, correct) if confidence is not None else []
    return {
        "n": len(truth),
        "accuracy": _share(int(correct.sum()), len(truth)),
        "accuracy_interval": wilson(int(correct.sum()), len(truth)),
        "macro_precision": _mean([s["precision"] or 0.0 for s in present]),
        "macro_recall": _mean([s["recall"] or 0.0 for s in present]),
        "macro_f1": _mean([s["f1"] or 0.0 for s in present]),
        "ece": calibration_error(confidence, correct) if confidence is not None and len(truth) else None,
        "coverage_at_precision_95": coverage_at(confidence, correct, 0.95)
        if confidence is not None
        else None,
        "risk_coverage": curve,
        "per_service": services,
        "confusion": {"labels": every, "rows_true_columns_predicted": confusion.tolist()},
        "unseen_labels": unseen,
    }


def wilson(successes: int, n: int, z: float = Z95) -> list[float] | None:
    """Wilson score interval [low, high] of successes / n, None for n = 0. Source: Wilson 1927."""
    if n == 0:
        return None
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return [max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)]


def reliability(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> list[Report]:
    """`bins` bins of equal width of the confidence: how many tickets, their mean confidence, the share that was right.

    Empty bins are left out. A calibrated model has `accuracy` = `confidence` in each.
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for at in np.unique(place):
        mine = place == at
        right, n = int(correct[mine].sum()), int(mine.sum())
        found.append(
            {
                "low": float(at / bins),
                "high": float((at + 1) / bins),
                "n": n,
                "confidence": float(confidence[mine].mean()),
                "accuracy": right / n,
                "accuracy_interval": wilson(right, n),
            }
        )
    return found


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error over `bins` equal-width bins: 0 = stated confidence is the accuracy seen."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / max(int(count.sum()), 1))


def risk_coverage(confidence: Floats, correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """At most CURVE_POINTS points {coverage, risk, threshold}: accept the most confident first.

    `risk` is the error rate among the accepted; equal confidences are accepted together.
    """
    thresholds, accepted, right = _accepted(confidence, correct)
    if len(thresholds) == 0:
        return []
    keep = np.unique(
        np.linspace(0, len(thresholds) - 1, min(CURVE_POINTS, len(thresholds))).round().astype(int)
    )
    return [
        {
            "coverage": float(accepted[at] / len(confidence)),
            "risk": float(1 - right[at] / accepted[at]),
            "threshold": float(thresholds[at]),
        }
        for at in keep
    ]


def coverage_at(confidence: Floats, correct: NDArray[np.bool_], precision: float) -> float | None:
    """Largest share accepted with the precision seen among them >= `precision`; 0.0 if none is, None for no
    rows.

    Seen on these rows, so optimistic: a certificate needs more (see `policy`).
    """
    thresholds, accepted, right = _accepted(confidence, correct)
    if len(thresholds) == 0:
        return None
    good = right >= precision * accepted
    return float(accepted[good].max() / len(confidence)) if good.any() else 0.0


def _accepted(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Per distinct threshold, high to low: the threshold, how many reach it, how many of those are right."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = (
        np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    )
    right = np.cumsum(correct[order])[last] if len(ranked) else np.zeros(0)
    return ranked[last], (last + 1).astype(np.float64), np.asarray(right, np.float64)


def _service(name: str, confusion: NDArray[np.int64], at: int) -> Report:
    hit, support, predicted = int(confusion[at, at]), int(confusion[at].sum()), int(confusion[:, at].sum())
    precision, recall = _share(hit, predicted), _share(hit, support)
    return {
        "label": name,
        "support": support,
        "predicted": predicted,
        "precision": precision,
        "precision_interval": wilson(hit, predicted),
        "recall": recall,
        "recall_interval": wilson(hit, support),
        "f1": _share(2 * hit, support + predicted),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _refuse_misfits(truth: list[str], guess: list[str], names: list[str]) -> None:
    if len(truth) != len(guess):
        raise ValueError(f"{len(truth)} truths but {len(guess)} predictions")
    if len(set(names)) != len(names):
        raise ValueError("labels must be distinct")
    strangers = sorted(set(guess) - set(names))
    if strangers:
        raise ValueError(f"predictions outside the model's labels: {strangers[:5]}")


def _confidence(guess: list[str], probabilities: NDArray[Any] | None, names: list[str]) -> Floats | None:
    if probabilities is None:
        return None
    chances = np.asarray(probabilities, np.float64)
    if chances.shape != (len(guess), len(names)):
        raise ValueError(f"probabilities must be ({len(guess)}, {len(names)}), not {chances.shape}")
    if not np.isfinite(chances).all():
        raise ValueError("probabilities hold NaN or infinity")
    if len(guess) and (chances.min() < -1e-6 or np.abs(chances.sum(axis=1) - 1.0).max() > 0.01):
        raise ValueError("probabilities must lie in [0, 1] and sum to 1 in each row")
    column = {name: place for place, name in enumerate(names)}
    own = chances[np.arange(len(guess)), [column[g] for g in guess]] if guess else np.zeros(0)
    return np.clip(own, 0.0, 1.0)
