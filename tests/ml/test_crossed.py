"""How much the words are listened to, told by every labelled row answered by heads that did not learn from it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import augment
from ml.crossed import crossed
from ml.mixture import Mixture
from ml.probe import folds_by_group
from ml.rows import Rows
from ml.schema import TrainingRow

LABELS = ("card", "parcel", "refund")
FILLER = ("hello", "please", "still", "thanks", "when", "merci", "today", "order")


def rows(count: int, seed: int = 0, *, telling: bool = True, clear: float = 0.3) -> Rows:
    """Rows whose words say the label (or nothing), and embeddings that say it in a share `clear` of them."""
    rng = np.random.default_rng(seed)
    made, points = [], rng.normal(size=(count, 8)).astype(np.float32)
    for at in range(count):
        place = at % 3
        words = " ".join(rng.choice(FILLER, 5))
        text = f"{words} {LABELS[place]}" if telling else words
        made.append(TrainingRow(str(at), text, LABELS[place], f"g{at}"))
        if rng.random() < clear:
            points[at, place] += 6.0
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return Rows.of(made, LABELS, points)


def found(of: Rows, folds: NDArray[np.int64] | None = None) -> Mixture | None:
    groups = [row.group for row in of.rows]
    return crossed(of.embeddings, of, folds_by_group(groups, 0) if folds is None else folds, ())


def test_words_that_say_it_are_listened_to_more_than_an_encoder_that_does_not() -> None:
    mixture = found(rows(150))
    assert mixture is not None and mixture.share <= 0.5


@pytest.mark.parametrize("seed", range(4))
def test_words_that_say_nothing_are_not_listened_to(seed: int) -> None:
    mixture = found(rows(150, seed, telling=False, clear=0.9))
    assert mixture is not None and not mixture.listens


def test_a_label_that_only_one_fold_has_is_not_judged_by_and_breaks_nothing() -> None:
    made = rows(90)
    folds = np.where(made.targets == 2, 0, 1 + np.arange(90) % 2)
    mixture = found(made, folds)
    assert mixture is not None and np.isfinite([mixture.encoder, mixture.words, mixture.temperature]).all()


def test_too_few_rows_to_judge_by_say_nothing() -> None:
    assert found(rows(12)) is None
    assert found(rows(90), np.zeros(90, np.int64)) is None, "no row is left to learn from"


def test_noisy_copies_teach_and_are_not_judged_by() -> None:
    made = rows(30)
    copies = [
        TrainingRow(f"n{row.id}", row.text, row.label, row.group, origin=augment.ORIGIN)
        for row in made.rows[:18]
    ]
    noise = Rows.of(copies, LABELS, made.embeddings[:18])
    only = Rows.of(
        [*made.rows[:12], *copies], LABELS, np.concatenate([made.embeddings[:12], noise.embeddings])
    )
    assert found(made.joined(noise)) is not None
    assert found(only) is None
