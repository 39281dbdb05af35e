"""What a training takes from unlabelled tickets: a teacher over smoothed points, and the student it leaves behind.

A few hundred labels, picked for being hard, are a poor set to fine-tune on: on BANKING77's test set 595 of them gave
.833, less than the linear head's .859. The pool says which tickets are alike. A head over points smoothed within
it (`ml.smoothing`) answers for unlabelled tickets; a plain linear head distilled from it starts the fine-tuning
(.883), and the answers, weighing less than labels, join the rows (.894).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.distil import distilled, sharpened
from ml.rows import Rows
from ml.schema import TrainingRow
from ml.smoothing import Smoother
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FEWEST_POOL = 200
"""Unlabelled tickets below which there is nothing to take from them."""
MOST_POOL = 6000
POOL_SHARE = 0.15
"""Share of the training's time that embedding the pool may take."""
MOST_TAUGHT = 3000
LEFT_SHARE = 0.2
"""Of the pool's tickets, never taught: by a tuned encoder only those tell what is ordinary (`ml.outlier_rank`)."""
TAUGHT_SHARE = 0.5
"""Share of the training's time that EPOCHS epochs over taught rows may take."""
EPOCHS = 3
STEP_COST = 6.0
"""How many times as long as embedding a text takes to train on it."""
TRUST = 0.3
"""Mean weight of a taught row, a label's being 1."""
DISTIL_ON = 2500


@dataclass(frozen=True)
class Lesson:
    """The student's weights (k, d + 1), intercept last, ready for a softmax of temperature 1.

    And what the teacher has a student answer on the pool: `answers` (m, k), each row a distribution, and `trust` (m,),
    the weight each has as a training row.
    """

    weights: Floats
    answers: Floats
    trust: Floats


def pool_rows(available: int, seconds_a_text: float, max_seconds: float) -> int:
    """How many unlabelled texts a training of this length can afford to embed; 0 when too few to be of use."""
    affordable = int(POOL_SHARE * max_seconds / max(seconds_a_text, 1e-6))
    wanted = min(available, MOST_POOL, affordable)
    return wanted if wanted >= FEWEST_POOL else 0


def taught_rows(available: int, labelled: int, seconds_a_text: float, max_seconds: float) -> int:
    """How many of them it can afford to fine-tune on, beside the labelled ones."""
    affordable = int(TAUGHT_SHARE * max_seconds / (EPOCHS * STEP_COST * max(seconds_a_text, 1e-6))) - labelled
    return max(0, min(int((1 - LEFT_SHARE) * available), MOST_TAUGHT, affordable))


def lesson(
    embeddings: Floats, targets: Ints, weights: Floats, pool: Floats, n_labels: int, folds: Ints, seed: int
) -> Lesson:
    """Learn from labelled rows (n, d) with targets and weights (n,), and unlabelled ones (m, d), all of length 1.

    Each of the `n_labels` labels, two or more, has a row.
    """
    n = len(targets)
    together = np.concatenate([embeddings, pool])
    smooth = Smoother(together, seed).pool(together)
    names = np.array([f"{target:09d}" for target in targets])  # sorts like the index
    teacher = SoftmaxRegression().fit(smooth[:n], names, weights, folds)
    if len(teacher.classes_) != n_labels:
        raise ValueError(f"{n_labels} labels expected, rows for {len(teacher.classes_)}")
    answers = teacher.predict_proba(smooth[n:])
    start = np.hstack([teacher.coef_, teacher.intercept_[:, None]]).astype(np.float32)
    sample = slice(0, DISTIL_ON)
    student, temperature = distilled(embeddings, targets, pool[sample], answers[sample], start)
    sure = answers.max(axis=1)
    trust = np.asarray(sure * np.float32(TRUST / max(float(sure.mean()), 1e-6)), np.float32)
    return Lesson(student / np.float32(temperature), sharpened(answers), trust)


def as_rows(
    learnt: Lesson, texts: Sequence[str], embeddings: Floats, labels: Sequence[str], count: int
) -> Rows:
    """The first `count` of the pool's texts, embeddings (m, d), as rows to fine-tune on beside the labelled ones."""
    likeliest = learnt.answers[:count].argmax(axis=1).tolist()
    rows = [
        TrainingRow(f"pool-{at}", texts[at], labels[place], f"pool-{at}", origin="taught")
        for at, place in enumerate(likeliest)
    ]
    return Rows(rows, learnt.answers[:count], learnt.trust[:count], embeddings[:count])
