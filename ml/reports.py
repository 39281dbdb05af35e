"""What the learner answers: small frozen records, so that readers need not load the learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FitReport:
    """What a refit did. `temperature` divides the scores before the softmax; below 1 it sharpens them."""

    n_labels: int
    classes: list[str]
    seconds: float
    temperature: float


@dataclass(frozen=True)
class Pick:
    """One ranked ticket. `lane`: start, exploit, novelty or (lone outliers only) triage.

    `probability` is that of having been drawn in its lane: 1.0, since these lanes leave nothing to chance.
    """

    row: int
    id: int
    lane: str
    uncertainty: float
    outlier: float
    probability: float


@dataclass(frozen=True)
class Scores:
    """Per row of the pool. top1/top2 index `classes`; -1 and probability 0 where there is none."""

    uncertainty: Floats
    outlier: Floats
    top1: Ints
    p1: Floats
    top2: Ints
    p2: Floats
    classes: list[str]


@dataclass(frozen=True)
class Guess:
    """What the head says of one embedding: `probabilities` (k,) as `classes`; both empty before any label."""

    classes: list[str]
    probabilities: Floats
    uncertainty: float
    outlier: float


@dataclass(frozen=True)
class LinearHead:
    """softmax((coef (k, d) · unit embedding + intercept (k,)) / temperature) over `classes`, for processes without the
    pool. k = 0 before any label.
    """

    classes: list[str]
    coef: NDArray[Any]
    intercept: NDArray[Any]
    temperature: float
