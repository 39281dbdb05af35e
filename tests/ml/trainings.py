"""Running the training program in a test's own process, and rows to run it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ml import train
from ml.predictor import Predictor
from ml.schema import TrainingRow, TransformInput, dump_line
from tests.ml.conftest import TOPICS

MakeTree = Callable[..., Path]
MakeRows = Callable[..., list[TrainingRow]]


def trained(root: Path, code: int = 0) -> Path:
    """Run the program in this process over an /opt/ml folder; returns its model folder."""
    assert train.main({"SAGEMAKER_BASE_DIR": str(root)}) == code, failure(root)
    return root / "model"


def failure(root: Path) -> str:
    path = root / "output" / "failure"
    return path.read_text() if path.exists() else ""


def answers(model: Path, rows: list[TrainingRow]) -> list[str | None]:
    records = [TransformInput(row.id, row.text) for row in rows]
    return [output.label for output in Predictor.load(model).predict(records)]


def noisy(count: int, seed: int) -> list[TrainingRow]:
    """Rows of three services, a fifth of them under a wrong label, so that nothing reaches 1.0."""
    rng = np.random.default_rng(seed)
    codes = list(TOPICS)
    made = []
    for number in range(count):
        code = codes[number % 3]
        words = TOPICS[code][number % len(TOPICS[code])]
        label = codes[rng.integers(3)] if rng.random() < 0.2 else code
        filler = " ".join(rng.choice(["hello", "please", "still", "thanks", "when", "merci"], 4))
        made.append(TrainingRow(str(number), f"{filler} {words}", label, f"g{number}"))
    return made


def write_rows(root: Path, channel: str, rows: list[TrainingRow]) -> None:
    """Add a channel to an /opt/ml folder."""
    folder = root / "input" / "data" / channel
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(dump_line(asdict(row)) for row in rows))
    declared = root / "input" / "config" / "inputdataconfig.json"
    declared.write_text(
        json.dumps({**json.loads(declared.read_text()), channel: {"TrainingInputMode": "File"}})
    )
