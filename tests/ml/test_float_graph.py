"""float32 without torch: the artifact's own weights as a graph, and torch wherever that would not be the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ml import float_graph
from ml.encoder import Encoder, copy_encoder
from ml.float_graph import keep_check, load_float
from ml.forms import CHECK, FP32, CannotRun
from ml.predictor import Predictor
from ml.schema import TransformInput
from tests.ml.formed import JUDGED, write_artifact

WEIGHTS = "encoder/model.safetensors"


@pytest.fixture
def kept(bert: Path, tmp_path: Path) -> tuple[Encoder, Path]:
    """An artifact's folder with its encoder, and what torch left to check the graph by."""
    encoder, folder = Encoder.load(bert), tmp_path / "artifact"
    copy_encoder(bert, folder / "encoder")
    keep_check(encoder, folder)
    return encoder, folder


def test_its_vectors_are_those_of_torch(kept: tuple[Encoder, Path]) -> None:
    encoder, folder = kept
    found = load_float(folder, encoder.pooling, 1).embed(JUDGED)
    assert np.abs(found - encoder.embed(JUDGED)).max() < 1e-4


def test_weights_whose_names_carry_a_prefix_are_found(kept: tuple[Encoder, Path]) -> None:
    encoder, folder = kept
    held = load_file(folder / WEIGHTS)
    save_file({f"bert.{name}": value for name, value in held.items()}, folder / WEIGHTS)
    found = load_float(folder, encoder.pooling, 1).embed(JUDGED[:5])
    assert np.abs(found - encoder.embed(JUDGED[:5])).max() < 1e-4


def test_weights_that_are_not_those_it_was_checked_by_are_left_to_torch(kept: tuple[Encoder, Path]) -> None:
    encoder, folder = kept
    held = load_file(folder / WEIGHTS)
    name = "encoder.layer.0.output.dense.weight"
    save_file({**held, name: held[name] * 1.5}, folder / WEIGHTS)
    with pytest.raises(CannotRun, match="cosine"):
        load_float(folder, encoder.pooling, 1)


def test_what_it_cannot_run_is_left_to_torch_and_says_why(
    kept: tuple[Encoder, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, folder = kept
    config = json.loads((folder / "encoder/config.json").read_text())
    (folder / "encoder/config.json").write_text(json.dumps(config | {"model_type": "modernbert"}))
    with pytest.raises(CannotRun, match="modernbert"):
        load_float(folder, encoder.pooling, 1)
    with monkeypatch.context() as patch:
        patch.setattr(float_graph, "has_gpu", lambda: True)
        with pytest.raises(CannotRun, match="GPU"):
            load_float(folder, encoder.pooling, 1)
    (folder / WEIGHTS).unlink()
    with pytest.raises(CannotRun, match="safetensors"):
        load_float(folder, encoder.pooling, 1)
    (folder / CHECK).unlink()
    with pytest.raises(CannotRun, match="no vectors were kept"):
        load_float(folder, encoder.pooling, 1)


def test_an_artifact_in_float32_answers_in_its_space_and_loads_no_torch(kept: tuple[Encoder, Path]) -> None:
    encoder, folder = kept
    fingerprint = encoder.fingerprint()
    write_artifact(encoder, folder, {"name": FP32, "encoder": fingerprint, "exact": fingerprint})
    program = (
        "import sys; from pathlib import Path; from ml.predictor import Predictor;"
        "from ml.schema import TransformInput;"
        f"said = Predictor.load(Path({str(folder)!r})).predict([TransformInput('1', {JUDGED[0]!r})]);"
        "print(said[0].encoder, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [fingerprint, "False"], done.stderr


def test_without_the_check_torch_answers_in_the_same_space(
    kept: tuple[Encoder, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, folder = kept
    (folder / CHECK).unlink()
    fingerprint = encoder.fingerprint()
    write_artifact(encoder, folder, {"name": FP32, "encoder": fingerprint, "exact": fingerprint})
    predictor = Predictor.load(folder)
    assert isinstance(predictor.encoder, Encoder) and predictor.space == fingerprint
    assert "torch embeds: no vectors were kept" in capsys.readouterr().err
    assert predictor.predict([TransformInput("1", JUDGED[0])])[0].error is None
