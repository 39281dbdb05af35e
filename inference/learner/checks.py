"""What Check serves: predictions where a correction is worth most. Never audit tickets. Pure functions.

Near the threshold: one answer decides whether a threshold holds. Weak: imported labels nobody confirmed.
Suspect: labels that a head which never saw them doubts. Spot: a random draw of sure predictions, which keeps
the sure ones honest. Outcome: tickets the desk moved elsewhere than they had been sent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ml.policy import LOST_BELOW, SURE_FROM
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHARES = {"suspect": 0.25, "outcome": 0.2, "weak": 0.15, "confirm": 0.3, "spot": 0.1}
NEAR = 0.15
DOUBT_BELOW = 0.10
SURE_OF_OTHER = 0.70
FOLDS = 3
ITERATIONS = 40
FEWEST_LABELS = 60
_BLAS = ThreadpoolController()


@dataclass(frozen=True)
class Suspect:
    """A labelled row (place in what was passed) whose label the others do not support."""

    place: int
    service: str
    probability: float
    given_probability: float


def near_threshold(p1: Floats, eligible: Bools, n: int) -> Ints:
    """Rows whose best probability lies within NEAR of the limit of "sure", nearest first."""
    gap = np.abs(p1 - SURE_FROM)
    rows = np.flatnonzero(eligible & (gap <= NEAR) & (p1 > LOST_BELOW))
    return np.asarray(rows[np.argsort(gap[rows], kind="stable")][:n], np.int64)


def spot_checks(p1: Floats, eligible: Bools, n: int, rng: np.random.Generator) -> tuple[Ints, float]:
    """A uniform draw of sure predictions outside the near ones, and the probability of being drawn."""
    rows = np.flatnonzero(eligible & (p1 >= SURE_FROM + NEAR))
    taken = rng.permutation(rows)[:n]
    return np.asarray(taken, np.int64), len(taken) / len(rows) if len(rows) else 0.0


def suspects(points: Floats, labels: NDArray[np.str_], groups: Ints, *, most: int = 2000) -> list[Suspect]:
    """Labels that a head fitted without them (and without their near-duplicates) confidently contradicts.

    points (m, d), labels (m,), groups (m,). Worst first. Nothing below FEWEST_LABELS labels: a head that knows
    so little doubts everything.
    """
    if len(labels) < FEWEST_LABELS or len(set(labels.tolist())) < 2:
        return []
    rows = np.arange(len(labels))[-most:]
    points, labels, groups = points[rows], labels[rows], groups[rows]
    fold = (groups.astype(np.uint64) >> np.uint64(7)) % np.uint64(FOLDS)
    found: list[Suspect] = []
    with _BLAS.limit(limits=1):  # as in ml.learner: on a busy machine more threads wait for each other
        for held_fold in range(FOLDS):
            held = fold == held_fold
            if not held.any() or len(set(labels[~held].tolist())) < 2:
                continue
            head = SoftmaxRegression(max_iter=ITERATIONS, tol=1e-4).fit(points[~held], labels[~held])
            found += _contradicted(head, points[held], labels[held], rows[held])
    return sorted(found, key=lambda one: one.given_probability - one.probability)


def _contradicted(
    head: SoftmaxRegression, points: Floats, labels: NDArray[np.str_], places: Ints
) -> list[Suspect]:
    chances = head.predict_proba(points)
    names = [str(name) for name in head.classes_]
    column = {name: at for at, name in enumerate(names)}
    found = []
    for at, label in enumerate(labels):
        if str(label) not in column:  # all its examples were held out: nothing can be said
            continue
        best = int(chances[at].argmax())
        given = float(chances[at, column[str(label)]])
        if given < DOUBT_BELOW and chances[at, best] >= SURE_OF_OTHER:
            found.append(Suspect(int(places[at]), names[best], float(chances[at, best]), given))
    return found
