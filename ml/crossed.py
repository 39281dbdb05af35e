"""How much the linear head and the words are to be trusted, told by every labelled row and not by the few held back.

Both are cheap: heads over four fifths of the rows answer the last fifth, in turn. Some thirty rows held back could not
tell whether words help: with 514 labels of the demo they were listened to for a share of .15 to .5, by luck, where all
rows said .5 and the test set .62 instead of .51.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml import augment
from ml.mixture import Mixture, mixed
from ml.probe import calibrate
from ml.rows import Rows
from ml.softmax import SoftmaxRegression
from ml.words import fit_words

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
FEWEST = 20


def crossed(points: Floats, rows: Rows, folds: Ints, others: Sequence[str]) -> Mixture | None:
    """The mixture of a head over points (n, d), once as sure as it is right, and one over the rows' words, found on
    rows neither has learnt from.

    `folds` (n,) keep near-duplicates together; `others`: unlabelled texts. Rows of a label that no other fold has, and
    noisy copies, are not judged by; None when fewer than FEWEST are left.
    """
    targets, shape = rows.targets, rows.wanted.shape
    encoder, words = np.full(shape, -np.inf, np.float32), np.full(shape, -np.inf, np.float32)
    judged = np.zeros(len(targets), np.bool_)
    for fold in np.unique(folds):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        known = np.unique(targets[rest])
        if len(known) < 2:
            continue
        names = np.array([f"{target:09d}" for target in targets[rest]])  # sorts like the index
        head = SoftmaxRegression().fit(points[rest], names, rows.weights[rest])
        encoder[np.ix_(held, known)] = head.decision_function(points[held])
        words[np.ix_(held, known)] = _words(rows, rest, held, known, others)
        judged[held] = np.isin(targets[held], known)
    judged &= np.array([row.origin != augment.ORIGIN for row in rows.rows], np.bool_)
    if judged.sum() < FEWEST:
        return None
    own = np.float32(calibrate(encoder[judged], targets[judged]))
    return mixed(encoder[judged] / own, words[judged], targets[judged])


def _words(rows: Rows, rest: Ints, held: Ints, known: Ints, others: Sequence[str]) -> Floats:
    texts = rows.texts
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # reaching the limit of iterations is no fault: what came out is judged
        head = fit_words(
            [texts[at] for at in rest],
            np.searchsorted(known, rows.targets[rest]),
            rows.weights[rest],
            len(known),
            others,
        )
    return head.logits([texts[at] for at in held])
