"""What an artifact with a form answers where it is loaded: in its own space, else in float32's under float32's name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import forms
from ml.artifact import ENCODER, read_manifest
from ml.encoder import Encoder, copy_encoder
from ml.forms import GRAPH, fingerprint_of
from ml.predictor import Predictor
from ml.schema import TransformInput
from tests.ml.formed import write_artifact


def test_an_artifact_in_int8_answers_without_torch(fast: tuple[Encoder, Path, dict[str, Any]]) -> None:
    encoder, folder, form = fast
    write_artifact(encoder, folder, form)
    program = (
        "import sys; from pathlib import Path\n"
        "from ml.predictor import Predictor; from ml.schema import TransformInput\n"
        "import ml.serve\n"
        "found = Predictor.load(Path(sys.argv[1]))\n"
        "print(found.predict([TransformInput('1', 'my card is lost')])[0].encoder)\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == [form["encoder"], "[]"], done.stderr


def test_a_machine_that_gives_other_vectors_answers_in_float32_under_another_name(
    fast: tuple[Encoder, Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, folder, form = fast
    with np.load(folder / forms.CHECK) as kept:
        vectors = kept["vectors"]
    with (folder / forms.CHECK).open("wb") as stream:
        np.savez(stream, vectors=np.roll(vectors, 1, axis=1))
    write_artifact(encoder, folder, form)
    predictor = Predictor.load(folder)
    assert "come out another way" in capsys.readouterr().err
    answer = predictor.predict([TransformInput("1", "my card is lost")])[0]
    assert answer.encoder == encoder.fingerprint() != form["encoder"]
    assert np.allclose(answer.embedding, encoder.embed(["my card is lost"])[0], atol=1e-5)


def test_without_onnx_runtime_float32_answers(
    fast: tuple[Encoder, Path, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encoder, folder, form = fast
    write_artifact(encoder, folder, form)
    monkeypatch.delitem(sys.modules, "ml.fast_encoder")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert Predictor.load(folder).space == encoder.fingerprint()
    assert "float32 answers instead" in capsys.readouterr().err


def test_an_artifact_from_before_there_were_forms_loads(bert: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(bert)
    copy_encoder(bert, tmp_path / "artifact" / ENCODER)
    write_artifact(encoder, tmp_path / "artifact", {"encoder": encoder.fingerprint()})
    path = tmp_path / "artifact" / "manifest.json"
    record = json.loads(path.read_text())
    del record["form"]
    path.write_text(json.dumps(record))
    predictor = Predictor.load(tmp_path / "artifact")
    assert predictor.space == predictor.manifest.encoder == encoder.fingerprint()
    assert read_manifest(tmp_path / "artifact").form == {}


def test_a_graph_of_other_weights_names_another_space(
    fast: tuple[Encoder, Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, folder, form = fast
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    with (other / GRAPH).open("ab") as stream:
        stream.write(b"\x00")
    assert fingerprint_of(form, other) != form["encoder"]
    write_artifact(encoder, other, form)
    assert Predictor.load(other).space == encoder.fingerprint(), "never under the name of the other graph"
    assert "not those of the space" in capsys.readouterr().err
