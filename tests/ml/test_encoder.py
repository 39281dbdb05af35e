"""The encoder: any BERT-like folder embeds, in any batch, the same way, and comes back from the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.container import default_base_model
from ml.encoder import Encoder, set_threads
from ml.pooling import EncoderFolderError
from ml.probe import Head
from ml.tuning import FineTuning, Recipe, read_checkpoint_state
from tests.ml.conftest import TOPICS

TEXTS = [text for texts in TOPICS.values() for text in texts] + ["", "parcel " * 200]


@pytest.fixture
def encoder(bert: Path) -> Encoder:
    return Encoder.load(bert)


def test_vectors_have_length_one_and_come_in_the_order_of_the_texts(encoder: Encoder) -> None:
    vectors = encoder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 32) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    alone = np.concatenate([encoder.embed([text]) for text in TEXTS])
    assert np.allclose(vectors, alone, atol=1e-5), "a text's vector does not depend on its neighbours"


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_size_of_a_batch_changes_no_vector(batch_size: int, encoder: Encoder) -> None:
    assert np.allclose(encoder.embed(TEXTS, batch_size), encoder.embed(TEXTS), atol=1e-5)


def test_no_text_gives_no_vector(encoder: Encoder) -> None:
    assert encoder.embed([]).shape == (0, 32)


def test_the_count_of_texts_done_is_told_after_each_batch(encoder: Encoder) -> None:
    told: list[int] = []
    encoder.embed(TEXTS, 4, told.append)
    assert told == [4, 8, 12, len(TEXTS)]


def test_a_text_is_cut_at_the_limit_and_what_follows_changes_nothing(bert: Path) -> None:
    short = Encoder.load(bert, 8)
    tokens = short.tokenise(["parcel " * 500])
    assert len(tokens[0]) == 8
    ten = "my parcel is late where is the order please help"
    first, second = short.embed([ten, ten + " and refund money back"])
    assert np.allclose(first, second, atol=1e-6)


def test_half_a_surrogate_pair_a_nul_and_an_emoji_are_read(encoder: Encoder) -> None:
    vectors = encoder.embed(["\ud83d parcel", "\x00", "\U0001f4e6 parcel"])
    assert np.isfinite(vectors).all()


def test_a_saved_encoder_gives_the_same_vectors_under_the_same_name(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "saved")
    again = Encoder.load(tmp_path / "saved")
    assert np.allclose(encoder.embed(TEXTS), again.embed(TEXTS), atol=1e-6)
    again.save(tmp_path / "twice")
    assert Encoder.load(tmp_path / "twice").fingerprint() == again.fingerprint()


def test_other_weights_or_another_limit_have_another_name(
    bert: Path, make_bert: Callable[..., Path], tmp_path: Path
) -> None:
    names = {
        Encoder.load(bert).fingerprint(),
        Encoder.load(bert, 16).fingerprint(),
        Encoder.load(make_bert(tmp_path / "other", seed=9)).fingerprint(),
    }
    assert len(names) == 3


@pytest.mark.parametrize(("hidden", "layers", "heads"), [(24, 1, 3), (48, 3, 4), (64, 2, 2)])
def test_any_width_and_depth_will_do(
    hidden: int, layers: int, heads: int, make_bert: Callable[..., Path], tmp_path: Path
) -> None:
    made = Encoder.load(make_bert(tmp_path / "any", hidden=hidden, layers=layers, heads=heads))
    assert made.dim == hidden and made.embed(["my card"]).shape == (1, hidden)


def test_weights_in_the_old_pickled_form_are_read_too(bert: Path, tmp_path: Path) -> None:
    """bert-base-uncased was published as pytorch_model.bin long before it was as safetensors."""
    import torch
    from safetensors.torch import load_file

    old = tmp_path / "old"
    shutil.copytree(bert, old)
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    assert np.allclose(Encoder.load(old).embed(TEXTS), Encoder.load(bert).embed(TEXTS), atol=1e-6)


def test_weights_of_a_masked_language_model_load_without_their_head(bert: Path, tmp_path: Path) -> None:
    """What is published as bert-base-uncased carries the heads it was pre-trained with, and no pooling file."""
    from transformers import BertConfig, BertForPreTraining

    folder = tmp_path / "pretraining"
    shutil.copytree(bert, folder)
    BertForPreTraining(BertConfig.from_pretrained(bert)).save_pretrained(folder)
    assert Encoder.load(folder).embed(["my card"]).shape == (1, 32)


@pytest.mark.parametrize(
    ("missing", "code"),
    [("config.json", "missing_file"), ("model.safetensors", "missing_file"), ("tokenizer.json", "")],
)
def test_a_folder_that_lacks_a_file_says_which(missing: str, code: str, bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lacking"
    shutil.copytree(bert, folder)
    (folder / missing).unlink()
    if not code:
        assert Encoder.load(folder).dim == 32, "vocab.txt is enough for a tokenizer"
        return
    with pytest.raises(EncoderFolderError) as refused:
        Encoder.load(folder)
    assert refused.value.code == code


def test_weights_of_another_shape_are_refused_in_words(bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(bert, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 5}))
    with pytest.raises(EncoderFolderError, match="weights lack"):
        Encoder.load(folder)


def test_weights_that_are_no_weights_are_refused_in_words(bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(bert, folder)
    (folder / "model.safetensors").write_bytes(b"version https://example.test/pointer")
    with pytest.raises(EncoderFolderError, match="cannot be loaded"):
        Encoder.load(folder)


def test_fine_tuning_moves_encoder_and_head_and_comes_back_to_what_was_kept(
    bert: Path, tmp_path: Path
) -> None:
    encoder = Encoder.load(bert)
    texts = [text for texts in TOPICS.values() for text in texts]
    wanted = np.eye(3, dtype=np.float32)[np.repeat(np.arange(3), [len(texts) for texts in TOPICS.values()])]
    start = Head(np.random.default_rng(0).normal(size=(3, 32)).astype(np.float32), np.zeros(3, np.float32))
    weights = np.ones(len(texts), np.float32)
    tuning = FineTuning(encoder, start, texts, wanted, weights, Recipe(1e-3, 1e-2, 4, 0, 0.1))
    before = encoder.embed(texts)
    first = tuning.run_step(0.1)
    tuning.keep()
    kept = encoder.embed(texts)
    assert not np.allclose(before, kept, atol=1e-6)
    losses = [tuning.run_step(0.3) for _ in range(30)]
    assert losses[-1] < first
    tuning.save_checkpoint(tmp_path / "tuning.pt", {"identity": "x"})
    last = encoder.embed(texts)
    tuning.come_back()
    assert np.allclose(encoder.embed(texts), kept, atol=1e-6)
    assert read_checkpoint_state(tmp_path / "tuning.pt") == {"identity": "x"}
    again = FineTuning(Encoder.load(bert), start, texts, wanted, weights, Recipe(1e-3, 1e-2, 4, 0, 0.1))
    again.load_checkpoint(tmp_path / "tuning.pt")
    assert again.step == 31 and np.allclose(again.encoder.embed(texts), last, atol=1e-6)
    again.come_back()
    assert np.allclose(again.encoder.embed(texts), kept, atol=1e-6), "one file holds both"


def test_a_checkpoint_that_cannot_be_read_only_costs_the_time_to_start_again(tmp_path: Path) -> None:
    (tmp_path / "tuning.pt").write_bytes(b"cut short")
    assert read_checkpoint_state(tmp_path / "tuning.pt") is None


def test_the_number_of_threads_is_a_setting() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        assert set_threads({"ML_THREADS": "2"}) == 2
        assert set_threads({"ML_THREADS": "many"}) == 2
    finally:
        torch.set_num_threads(before)


def test_the_default_base_model_tells_like_from_unlike_without_any_training() -> None:
    encoder = Encoder.load(default_base_model())
    parcel, late, password = encoder.embed(
        ["Where is my parcel?", "My delivery has not arrived yet", "I cannot log in, reset my password"]
    )
    assert encoder.dim == 384
    assert parcel @ late > parcel @ password + 0.1
