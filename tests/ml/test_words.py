"""What the words say beside the encoder, and how much a model listens to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.artifact import HEAD, WORDS, ArtifactError
from ml.mixture import mixed
from ml.predictor import Predictor
from ml.probe import Head
from ml.schema import TrainingRow, TransformInput
from ml.softmax import softmax
from ml.words import MOST_WEIGHTS, WordsHead, _counts, fit_words

TEXTS = [
    "remboursement du colis",
    "colis perdu",
    "carte refusée",
    "carte bloquée hier",
    "mot de passe",
    "passe oublié",
]
TARGETS = np.array([0, 0, 1, 1, 2, 2])
ONES = np.ones(6, np.float32)


def test_words_alone_tell_the_services_apart_with_or_without_accents() -> None:
    head = fit_words(TEXTS, TARGETS, ONES, 3)
    asked = ["mon colis est perdu", "CARTE REFUSEE", "j'ai oublié le mot de passe"]
    assert head.logits(asked).argmax(axis=1).tolist() == [0, 1, 2]


def test_a_text_without_a_known_word_gets_the_bias_alone() -> None:
    head = fit_words(TEXTS, TARGETS, ONES, 3)
    assert np.allclose(head.logits(["xyzzy"])[0], head.bias)
    assert head.logits([]).shape == (0, 3)


@given(st.lists(st.text("ab é", max_size=12), max_size=5), st.booleans(), st.integers(0, 40))
def test_logits_are_those_of_a_plain_product_over_all_buckets(
    texts: list[str], is_empty: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    seen = np.flatnonzero(np.asarray(_counts(["a b", "ab ba", "éa b a"]).sum(axis=0)).ravel())
    places = seen[:0] if is_empty else np.sort(rng.choice(seen, len(seen) // 2 + 1, replace=False))
    idf, weight = rng.random(len(places)) + 1, rng.normal(size=(3, len(places)))
    head = WordsHead(places, idf.astype(np.float32), weight.astype(np.float32), np.ones(3, np.float32))
    counts = _counts(texts).toarray()[:, places]
    points = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    assert np.allclose(head.logits(texts), points @ weight.T + 1, atol=1e-5)


def test_two_labels_keep_a_row_each() -> None:
    head = fit_words(TEXTS[:4], TARGETS[:4], ONES[:4], 2)
    assert head.weight.shape[0] == 2 and head.bias.shape == (2,)
    assert head.logits(["colis", "carte"]).argmax(axis=1).tolist() == [0, 1]


def test_words_common_in_the_pool_count_less() -> None:
    alone = fit_words(TEXTS, TARGETS, ONES, 3)
    beside = fit_words(TEXTS, TARGETS, ONES, 3, ["colis"] * 50)
    rare, common = (head.logits(["colis"])[0, 0] - head.bias[0] for head in (alone, beside))
    assert beside.idf.min() < alone.idf.min() and np.isfinite(rare) and np.isfinite(common)


def test_a_great_many_labels_keep_the_most_frequent_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.words.MOST_WEIGHTS", 6)
    head = fit_words(TEXTS, TARGETS, ONES, 3)
    assert head.weight.shape == (3, 2)
    assert MOST_WEIGHTS > 1_000_000


def test_a_head_comes_back_from_its_file_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    head = fit_words(TEXTS, TARGETS, ONES, 3)
    path = tmp_path / WORDS
    head.save(path)
    again = WordsHead.load(path, 3)
    assert np.array_equal(again.logits(TEXTS), head.logits(TEXTS))
    # As a live ticket needs them: the weights of each word beside one another, whatever a file holds.
    rows = WordsHead(head.places, head.idf, np.ascontiguousarray(head.weight), head.bias)
    assert all(one.weight.T.flags.c_contiguous for one in (head, again, rows, head.scaled(2.0)))
    with pytest.raises(ArtifactError, match="shapes"):
        WordsHead.load(path, 4)
    path.write_bytes(b"cut short")
    with pytest.raises(ArtifactError, match="cannot be read"):
        WordsHead.load(path, 3)


def test_no_word_stands_in_the_file(tmp_path: Path) -> None:
    fit_words(TEXTS, TARGETS, ONES, 3).save(tmp_path / WORDS)
    with np.load(tmp_path / WORDS) as arrays:
        assert {array.dtype.kind for array in arrays.values()} <= {"i", "f"}


# How much they are listened to


def noisy(right: NDArray[Any], share_right: float, seed: int, k: int = 4) -> NDArray[Any]:
    """Logits that name the right one that often."""
    rng = np.random.default_rng(seed)
    named = np.where(rng.random(len(right)) < share_right, right, rng.integers(0, k, len(right)))
    return (np.eye(k)[named] * 3 + rng.normal(size=(len(right), k))).astype(np.float32)


def test_words_that_know_more_than_the_encoder_are_listened_to() -> None:
    right = np.random.default_rng(0).integers(0, 4, 300)
    encoder, words = noisy(right, 0.4, 1), noisy(right, 0.8, 2)
    found = mixed(encoder, words, right)
    assert found.listens
    both = softmax((found.encoder * encoder + found.words * words) / found.temperature)
    assert (both.argmax(1) == right).mean() > (encoder.argmax(1) == right).mean() + 0.2


def test_words_that_know_nothing_are_not_listened_to() -> None:
    right = np.random.default_rng(0).integers(0, 4, 300)
    noise = np.random.default_rng(3).normal(size=(300, 4)).astype(np.float32)
    assert not mixed(noisy(right, 0.9, 1), noise, right).listens


@given(st.integers(0, 1000), st.integers(20, 80), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_mixture_is_finite_and_never_worse_on_the_rows_it_was_found_on(
    seed: int, n: int, first: float, second: float
) -> None:
    right = np.random.default_rng(seed).integers(0, 4, n)
    encoder, words = noisy(right, first, seed + 1), noisy(right, second, seed + 2)
    found = mixed(encoder, words, right)
    assert 0 < found.share <= 1 and np.isfinite([found.encoder, found.words, found.temperature]).all()

    def loss(logits: NDArray[Any]) -> float:
        return float(-np.log(softmax(logits)[np.arange(n), right] + 1e-9).mean())

    alone = mixed(encoder, np.zeros_like(words), right).temperature
    assert (
        loss((found.encoder * encoder + found.words * words) / found.temperature)
        <= loss(encoder / alone) + 0.05
    )


# In the training program


def long_rows(count: int) -> list[TrainingRow]:
    """What decides stands at the end of a long text, where the encoder no longer reads."""
    rng = np.random.default_rng(5)
    rows = []
    for at in range(count):
        filler = " ".join(rng.choice(["the", "my", "and", "please", "hello", "order"], 80))
        label = ["card", "parcel", "refund"][at % 3]
        rows.append(TrainingRow(str(at), f"{filler} {label}", label, group=f"g{at}"))
    return rows


def test_an_artifact_answers_with_the_words_where_they_help(
    make_tree: Callable[..., Path], bert: Path, monkeypatch: pytest.MonkeyPatch, keep_signals: None
) -> None:
    from ml.train import main

    rows = long_rows(200)
    root = make_tree(rows[:150], base=bert, epochs=0, max_seconds=600)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(root))
    assert main() == 0
    predictor = Predictor.load(root / "model")
    assert predictor.words is not None and predictor.manifest.metrics["words_share"] > 0.5
    outputs = predictor.predict([TransformInput(row.id, row.text) for row in rows[150:]])
    assert np.mean([output.label == row.label for output, row in zip(outputs, rows[150:], strict=True)]) > 0.9
    head = Head.load(root / "model" / HEAD, 3, predictor.manifest.dim)
    assert outputs[0].embedding is not None and outputs[0].probabilities is not None
    logits = head.logits(outputs[0].embedding[None]) + predictor.words.logits([rows[150].text])
    expected = softmax(logits / np.float32(predictor.manifest.temperature))[0]
    assert np.allclose(outputs[0].probabilities, expected, atol=1e-5)
