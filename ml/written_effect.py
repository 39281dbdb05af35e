"""What tickets written by experts change: a linear head with and without them, judged on real tickets alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.probe import folds_by_group
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class ServiceEffect:
    """One service: its real and written tickets, and the share of the real ones found without and with the written
    ones (None without a real ticket: then nothing can be measured).
    """

    service: str
    real: int
    written: int
    without: float | None
    with_written: float | None


@dataclass(frozen=True)
class Effect:
    """``gained`` real tickets are right only with the written ones, ``lost`` only without; ``p``: the chance of so
    uneven a split by luck (exact McNemar test). ``services``: those with written tickets first.
    """

    real: int
    right_without: int
    right_with: int
    gained: int
    lost: int
    p: float
    services: list[ServiceEffect]


def written_effect(
    points: Floats, labels: NDArray[Any], groups: list[str], is_written: Bools, seed: int
) -> Effect:
    """By cross-validation over the real tickets: n unit vectors (n, d), labels and groups, real and written together.

    Near-duplicates never cross a fold. Each real ticket is answered by a head that has not seen its group: once by one
    of real tickets alone, once by one that learned from all written ones too. ValueError without two labels.
    """
    if len(np.unique(labels[~is_written])) < 2:
        raise ValueError("real tickets of two services are needed")
    folds = folds_by_group(groups, seed)
    without, with_written = np.zeros(len(labels), np.bool_), np.zeros(len(labels), np.bool_)
    for fold in np.unique(folds[~is_written]):
        held = ~is_written & (folds == fold)
        for right, seen in ((without, ~is_written & ~held), (with_written, ~held)):
            if len(np.unique(labels[seen])) < 2:
                continue  # a head that knows one service answers nothing right on purpose
            head = SoftmaxRegression().fit(points[seen], labels[seen])
            right[held] = head.predict(points[held]) == labels[held]
    real = ~is_written
    gained, lost = int((with_written & ~without)[real].sum()), int((without & ~with_written)[real].sum())
    return Effect(
        real=int(real.sum()),
        right_without=int(without[real].sum()),
        right_with=int(with_written[real].sum()),
        gained=gained,
        lost=lost,
        p=_sign_test(gained, lost),
        services=_by_service(labels, is_written, without, with_written),
    )


def _by_service(
    labels: NDArray[Any], is_written: Bools, without: Bools, with_written: Bools
) -> list[ServiceEffect]:
    found = []
    for name in np.unique(labels):
        own = labels == name
        real = own & ~is_written
        n = int(real.sum())
        shares = [float(right[real].mean()) if n else None for right in (without, with_written)]
        found.append(ServiceEffect(str(name), n, int((own & is_written).sum()), *shares))
    return sorted(found, key=lambda one: (-one.written, one.service))


def _sign_test(gained: int, lost: int) -> float:
    """Two-sided exact binomial test of an even split; 1 when nothing differs."""
    n, k = gained + lost, min(gained, lost)
    tail = float(sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    return float(min(1.0, 2 * tail))
