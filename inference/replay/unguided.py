"""What the same learner knows when tickets are labelled in random order: the labels that the queue has saved."""

from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from annotation.models import AnswerKey
from inference.learner.worker import Resident
from inference.replay import steps
from inference.replay.history import TestSet
from ml.softmax import SoftmaxRegression

GROWTH = 1.15
_BLAS = ThreadpoolController()
MOST_TIMES = 5
"""Beyond this many times the labels of the replay, the random order is given up."""


def curve(
    resident: Resident,
    vectors: steps.Floats,
    test: TestSet,
    *,
    labels: int,
    batch: int,
    accuracy: float,
    seed: int,
    progress: steps.Progress,
) -> list[dict[str, Any]]:
    """Points {labels, accuracy, macro_f1} until ``accuracy`` is reached, and at least as far as ``labels``.

    One ticket of each near-duplicate group, in an order drawn by ``seed``. All labels train: nothing is kept apart for
    control, which favours the random order. The heads learn on smoothed points, as the queue's own.
    """
    space = resident.space
    if space is None:
        return []
    rows, codes = _shuffled(space.ids, seed)
    judged = space.smoother.apply(space.units(vectors))
    head = SoftmaxRegression()
    most = min(len(rows), MOST_TIMES * labels)
    given, points = 0, []
    while given < most:
        step = max(4 * batch, 100) if given < labels else int(given * (GROWTH - 1))
        end = labels if given < labels < given + step else most
        given = min(given + max(step, 1), end)
        with _BLAS.limit(limits=1):  # as in ml.learner
            head.fit(space.smooth[rows[:given]], codes[:given])
            found = steps.judge([str(name) for name in head.classes_], head.predict_proba(judged), test)
        points.append({"labels": given, "accuracy": found["accuracy"], "macro_f1": found["macro_f1"]})
        progress(given, most)
        if given >= labels and found["accuracy"] >= accuracy:
            break
    return points


def needed(points: list[dict[str, Any]], accuracy: float) -> int | None:
    """How many labels in random order reach this accuracy, between two points by a straight line; None: not reached."""
    before = {"labels": 0, "accuracy": 0.0}
    for point in points:
        if point["accuracy"] >= accuracy:
            share = (accuracy - before["accuracy"]) / max(point["accuracy"] - before["accuracy"], 1e-9)
            return round(before["labels"] + share * (point["labels"] - before["labels"]))
        before = point
    return None


def _shuffled(ids: Any, seed: int) -> tuple[Any, Any]:
    """(rows in the space, codes) of tickets with an answer, one a group, in random order."""
    keys = AnswerKey.objects.exclude(code="").order_by("ticket__group", "ticket_id").distinct("ticket__group")
    answers = dict(keys.values_list("ticket_id", "code"))
    known = np.flatnonzero(np.isin(ids, list(answers)))
    order = np.random.default_rng([seed, 1]).permutation(known)
    return order, np.asarray([answers[int(ids[row])] for row in order], np.str_)
