"""A loaded artifact embeds what it must, and only that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ml.predictor import Predictor
from ml.schema import Manifest, TransformInput

SPACE = "5" * 16


class Letters:
    """Embeds a text as the direction of its length, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[np.cos(len(text)), np.sin(len(text))] for text in texts], np.float32).reshape(-1, 2)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def predictor(letters: Letters) -> Predictor:
    manifest = Manifest(
        kind="encoder", dim=2, encoder=SPACE, base_model="letters", created_by="test", files={"-": "-"}
    )
    return Predictor(manifest, "m", letters, None)


KNOWN = np.array([0.6, 0.8], np.float32)


def test_a_vector_of_this_space_is_taken_as_it_is_and_the_other_texts_are_embedded(
    predictor: Predictor, letters: Letters
) -> None:
    records = [
        TransformInput("1", "new"),
        TransformInput("2", "seen before", SPACE, KNOWN),
        TransformInput("3", " "),
    ]
    new, seen, empty = predictor.predict(records)
    assert letters.asked == ["new"]
    assert list(seen.embedding) == list(KNOWN) and (seen.encoder, seen.id) == (SPACE, "2")  # type: ignore[arg-type]
    assert np.allclose(new.embedding, [np.cos(3), np.sin(3)])  # type: ignore[arg-type]
    assert empty.error is not None and empty.error.code == "empty_text"


def test_where_all_vectors_are_known_nothing_is_embedded(predictor: Predictor, letters: Letters) -> None:
    predictor.predict([TransformInput(str(at), "seen", SPACE, KNOWN) for at in range(3)])
    assert letters.asked == []


@pytest.mark.parametrize(
    ("space", "vector"),
    [("6" * 16, KNOWN), (SPACE, np.ones(3, np.float32))],
    ids=["another space", "another dimension"],
)
def test_a_vector_of_something_else_is_not_looked_at(
    predictor: Predictor, letters: Letters, space: str, vector: np.ndarray
) -> None:
    (answer,) = predictor.predict([TransformInput("1", "text", space, vector)])
    assert letters.asked == ["text"] and np.allclose(answer.embedding, [np.cos(4), np.sin(4)])  # type: ignore[arg-type]
