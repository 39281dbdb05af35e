"""The forms an artifact may embed in: made, judged, kept apart, and left alone where a machine cannot run them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from ml import forms, quantising
from ml.artifact import ENCODER, encoder_fingerprint
from ml.bert_graph import NoGraph, Shape, products
from ml.encoder import Encoder
from ml.fast_encoder import batches
from ml.forms import GRAPH, INT8, fingerprint_of, load_graph, texts_for
from ml.int8 import MOST_IN_16
from ml.machine import adds_bytes_exactly
from ml.predictor import Predictor
from ml.schema import TransformInput
from tests.ml.formed import JUDGED, SENTENCES, make_form, write_artifact


def test_the_int8_form_keeps_the_labels_and_has_a_space_of_its_own(
    fast: tuple[Encoder, Path, dict[str, Any]],
) -> None:
    encoder, folder, form = fast
    assert form["name"] == "int8", form
    assert form["agreement"] >= 0.995 and form["judged"] == len(JUDGED)
    assert form["exact"] == encoder.fingerprint() and form["encoder"] not in ("", form["exact"])
    assert json.loads(json.dumps(form)) == form, "the manifest is JSON"
    vectors = load_graph(folder, encoder.pooling, 1).embed(JUDGED)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert (vectors * encoder.embed(JUDGED)).sum(axis=1).min() > 0.999


def test_a_texts_int8_vector_does_not_depend_on_its_neighbours(
    fast: tuple[Encoder, Path, dict[str, Any]],
) -> None:
    encoder, folder, _ = fast
    quick = load_graph(folder, encoder.pooling, 1)
    together = quick.embed(JUDGED)
    alone = np.concatenate([quick.embed([text]) for text in JUDGED])
    assert np.abs(together - alone).max() < 1e-5
    assert np.array_equal(quick.embed(JUDGED[::-1])[::-1].argmax(axis=1), together.argmax(axis=1))


def test_equal_texts_get_equal_vectors_and_odd_ones_are_read(
    fast: tuple[Encoder, Path, dict[str, Any]],
) -> None:
    encoder, folder, _ = fast
    quick = load_graph(folder, encoder.pooling, 1)
    told: list[int] = []
    texts = ["my card", "\ud83d parcel", "my card", "\x00", "", "parcel " * 500]
    vectors = quick.embed(texts, 2, told.append)
    assert np.array_equal(vectors[0], vectors[2]) and np.isfinite(vectors).all()
    assert told[-1] == len(texts) and sorted(told) == told
    assert quick.embed([]).shape == (0, encoder.dim)
    assert quick.tokenise(texts) == encoder.tokenise(texts)


def test_a_form_that_changes_labels_is_not_used(bert: Path, tmp_path: Path, always_faster: None) -> None:
    """Labels by the lowest bits of a vector: no rounding survives that."""

    def fickle(vectors: Any) -> Any:
        return (np.abs(vectors[:, 0]) * 1e7).astype(np.int64) % 7

    form = make_form(Encoder.load(bert), tmp_path / "artifact", labels=fickle)
    assert form["name"] == "fp32" and form["encoder"] == form["exact"]
    left = {path.name for path in (tmp_path / "artifact" / "fast").iterdir()}
    assert "agrees on" in form["reason"] and left == {"tokenizer.json", "check.npz"}, "float32's own"
    assert [one["form"] for one in form["tried"]] == ["int8", "int8x2", "bf16", "fp32"]


def test_a_second_byte_of_the_activations_rounds_less(
    bert: Path, tmp_path: Path, always_faster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first form that agrees is taken: where one byte does not, two may."""
    encoder = Encoder.load(bert)
    exact = encoder.embed(JUDGED)
    asked = iter([0.99, 0.996])
    monkeypatch.setattr(forms, "agreement", lambda *given: next(asked))
    form = make_form(encoder, tmp_path / "two")
    assert form["name"] == "int8x2" and form["agreement"] == 0.996
    monkeypatch.undo()
    monkeypatch.setattr(forms._Judge, "_speeds", lambda *_, **__: (2.0, 1.0))
    one = make_form(encoder, tmp_path / "one")
    assert one["name"] == "int8" and one["encoder"] != form["encoder"]
    lost = [
        np.abs(load_graph(tmp_path / name, encoder.pooling, 1).embed(JUDGED) - exact).mean()
        for name in ("one", "two")
    ]
    # Weights of seven bits leave more of an error of their own, which a second byte of the activations does not touch.
    assert lost[1] < (0.8 if adds_bytes_exactly() else 0.85) * lost[0]


def test_without_exact_products_of_bytes_weights_keep_to_seven_bits_and_vectors_near_float32s(
    bert: Path, tmp_path: Path, always_faster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight bits overflow where each two products are added in sixteen, and are then ten times as far off."""
    monkeypatch.setattr(quantising, "adds_bytes_exactly", lambda: False)
    encoder = Encoder.load(bert)
    assert make_form(encoder, tmp_path / "artifact")["name"] == INT8
    weights = [
        onnx.numpy_helper.to_array(held)
        for held in onnx.load(tmp_path / "artifact" / GRAPH).graph.initializer
        if held.data_type == onnx.TensorProto.INT8
    ]
    assert len(weights) >= 6 and max(int(np.abs(one.astype(int)).max()) for one in weights) == MOST_IN_16
    vectors = load_graph(tmp_path / "artifact", encoder.pooling, 1).embed(JUDGED)
    assert np.abs(vectors - encoder.embed(JUDGED)).mean() < 5e-5


def test_few_texts_conclude_nothing(bert: Path, tmp_path: Path) -> None:
    form = make_form(Encoder.load(bert), tmp_path / "artifact", judged=JUDGED[:99])
    assert form["name"] == "fp32" and "99 texts" in form["reason"] and form["tried"] == []


def test_what_goes_wrong_in_making_a_form_leaves_the_artifact_in_float32(
    bert: Path, tmp_path: Path, always_faster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder.load(bert)
    monkeypatch.setattr(encoder, "tokenizer_json", lambda: "{}")
    monkeypatch.setattr(forms, "BF16_FLAGS", set())
    form = make_form(encoder, tmp_path / "artifact")
    assert form["name"] == "fp32" and "could not be made" in form["reason"]
    assert "no bfloat16" in form["reason"] and not (tmp_path / "artifact" / "fast").exists()
    write_artifact(encoder, tmp_path / "artifact", form)
    assert Predictor.load(tmp_path / "artifact").space == encoder.fingerprint()


def test_time_that_is_over_leaves_float32(bert: Path, tmp_path: Path) -> None:
    def over() -> None:
        raise forms.CannotRun("no time was left")

    form = make_form(Encoder.load(bert), tmp_path / "artifact", check=over)
    assert form["name"] == "fp32" and "no time was left" in form["reason"]


@pytest.mark.parametrize("mode", ["cls", "max", "mean", "mean_sqrt_len", "lasttoken", "mean+cls"])
def test_every_pooling_has_a_fast_form(
    mode: str, bert: Path, tmp_path: Path, always_faster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "ENOUGH", 0.9)
    folder = tmp_path / "pooled"
    shutil.copytree(bert, folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": mode}))
    encoder = Encoder.load(folder)
    form = make_form(encoder, tmp_path / "artifact")
    assert form["name"] == "int8", form
    quick = load_graph(tmp_path / "artifact", encoder.pooling, 1)
    assert (quick.embed(JUDGED) * encoder.embed(JUDGED)).sum(axis=1).min() > 0.99


def test_a_roberta_counts_positions_after_its_padding(
    bert: Path, tmp_path: Path, always_faster: None
) -> None:
    import torch
    from transformers import RobertaConfig, RobertaModel

    folder = tmp_path / "roberta"
    shutil.copytree(bert, folder)
    size = json.loads((bert / "config.json").read_text())["vocab_size"]
    torch.manual_seed(1)
    RobertaModel(
        RobertaConfig(
            vocab_size=size, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=66, pad_token_id=0, type_vocab_size=1,
        )
    ).save_pretrained(folder)  # fmt: skip
    form = make_form(Encoder.load(folder), tmp_path / "artifact")
    assert form["name"] == "int8", form


def test_an_encoder_of_another_build_is_refused_in_words() -> None:
    with pytest.raises(NoGraph, match="mpnet"):
        Shape.read({"model_type": "mpnet"}, {})
    with pytest.raises(NoGraph, match="relu"):
        Shape.read({"model_type": "bert", "hidden_act": "relu"}, {})
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 1, "hidden_size": 2}
    with pytest.raises(NoGraph, match=products(0)[0]):
        Shape.read({"model_type": "bert", **sizes}, {})


def test_batches_hold_every_row_once_and_no_more_tokens_than_allowed() -> None:
    tokens = [[1] * int(size) for size in np.random.default_rng(0).integers(1, 90, 300)]
    made = list(batches(tokens, 8, 100))
    assert sorted(row for rows in made for row in rows) == list(range(300))
    assert all(len(rows) == 1 or len(rows) * max(len(tokens[row]) for row in rows) <= 100 for rows in made)
    assert max(map(len, made)) == 8


def test_texts_to_judge_by_did_not_calibrate() -> None:
    train, held, pool = SENTENCES[:150], SENTENCES[150:200], SENTENCES[140:300]
    calibration, judged = texts_for(train, held, pool, 0)
    assert not set(calibration) & set(judged) and set(held) <= set(judged) <= set(held) | set(pool)
    assert texts_for(train, held, pool, 0) == (calibration, judged)
    alone, own = texts_for(SENTENCES, [], [], 0)
    assert len(own) == len(SENTENCES) // 2 and not set(alone) & set(own)


def test_a_training_chooses_a_form_and_registers_its_space(
    bert: Path,
    make_tree: Callable[..., Path],
    make_rows: Callable[..., Any],
    always_faster: None,
    keep_signals: None,
) -> None:
    from ml.container import ContainerPaths
    from ml.trainer import Trainer

    rows = [row.__class__(str(at), text, row.label, f"g{at}")
            for at, (row, text) in enumerate(zip(make_rows(len(SENTENCES)), SENTENCES, strict=True))]  # fmt: skip
    root = make_tree(rows, bert, epochs=0)
    paths = ContainerPaths(root)
    manifest = Trainer(paths, {"OMP_NUM_THREADS": "1"}, lambda: False, root / "scratch").run()
    assert manifest.form["tried"] and manifest.form["judged"] >= 100
    assert manifest.encoder == fingerprint_of(manifest.form, paths.model)
    exact = encoder_fingerprint(paths.model / ENCODER, Encoder.load(paths.model / ENCODER).pooling)
    assert manifest.form["exact"] == exact
    assert Predictor.load(paths.model).space == manifest.encoder


def test_where_the_probe_stands_every_form_embeds_as_the_base_model_and_not_as_what_was_tuned(
    bert: Path,
    make_tree: Callable[..., Path],
    make_rows: Callable[..., Any],
    always_faster: None,
    keep_signals: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ml.container import ContainerPaths
    from ml.finetune import TuningLoop
    from ml.trainer import Trainer

    rows = [row.__class__(str(at), text, row.label, f"g{at}")
            for at, (row, text) in enumerate(zip(make_rows(len(SENTENCES)), SENTENCES, strict=True))]  # fmt: skip
    root = make_tree(rows, bert, epochs=1, encoder_lr=0.01)
    monkeypatch.setattr(TuningLoop, "_is_better", lambda loop, found: False)
    paths = ContainerPaths(root)
    manifest = Trainer(paths, {"OMP_NUM_THREADS": "1"}, lambda: False, root / "scratch").run()
    assert (manifest.metrics["chosen"], manifest.form["name"]) == ("probe", INT8)
    assert manifest.metrics["steps"] > 0
    answers = Predictor.load(paths.model).predict(
        [TransformInput(str(at), one) for at, one in enumerate(SENTENCES[:50])]
    )
    served = np.stack([answer.embedding for answer in answers if answer.embedding is not None])
    assert (served * Encoder.load(bert).embed(SENTENCES[:50])).sum(axis=1).min() > 0.99
