"""What a training takes from unlabelled tickets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import taught
from ml.predictor import Predictor
from ml.schema import TrainingRow, dump_line
from ml.softmax import SoftmaxRegression, softmax

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def clouds(n: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Six wide, overlapping clouds of unit vectors."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(6, 32))
    member = np.arange(n) % 6
    points = centres[member] + rng.normal(size=(n, 32)) * 1.6
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), member.astype(
        np.int64
    )


def test_unlabelled_tickets_make_the_head_better() -> None:
    labelled, targets = clouds(18, seed=1)
    pool, truth = clouds(1500, seed=2)
    fresh, expected = clouds(1500, seed=3)
    learnt = taught.lesson(labelled, targets, np.ones(18, np.float32), pool, 6, np.arange(18) % 3, 0)
    alone = SoftmaxRegression().fit(labelled, targets.astype(str)).decision_function(fresh)
    helped = fresh @ learnt.weights[:, :-1].T + learnt.weights[:, -1]
    assert (helped.argmax(1) == expected).mean() > (alone.argmax(1) == expected).mean() + 0.02
    assert (learnt.answers.argmax(1) == truth).mean() > 0.7
    assert np.isfinite(softmax(helped)).all()


def test_a_taught_row_weighs_less_than_a_label_and_more_when_sure() -> None:
    labelled, targets = clouds(60, seed=1)
    pool, truth = clouds(600, seed=2)
    learnt = taught.lesson(labelled, targets, np.ones(60, np.float32), pool, 6, np.arange(60) % 3, 0)
    assert learnt.trust.mean() == pytest.approx(taught.TRUST)
    assert learnt.trust.min() > 0 and learnt.trust.max() < 1
    right = learnt.answers.argmax(1) == truth
    assert learnt.trust[right].mean() > learnt.trust[~right].mean()


def test_a_short_training_takes_less_from_the_pool() -> None:
    assert taught.pool_rows(100_000, 0.004, 900) == taught.MOST_POOL
    assert taught.pool_rows(100_000, 0.004, 60) == 2250
    assert taught.pool_rows(100_000, 0.004, 3) == 0
    assert taught.pool_rows(50, 0.004, 900) == 0
    assert taught.taught_rows(6000, 600, 0.004, 900) == taught.MOST_TAUGHT
    assert taught.taught_rows(6000, 600, 0.004, 60) == 0


def test_a_label_without_a_row_is_refused() -> None:
    labelled, targets = clouds(12)
    pool, _ = clouds(300)
    with pytest.raises(ValueError, match="7 labels expected"):
        taught.lesson(labelled, targets, np.ones(12, np.float32), pool, 7, np.arange(12) % 3, 0)


# In the training program


def write_pool(root: Path, lines: list[str]) -> None:
    folder = root / "input" / "data" / "pool"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text("".join(lines))
    config = root / "input" / "config" / "inputdataconfig.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "pool": {"TrainingInputMode": "File"}}))


def train(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    from ml.train import main

    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(root))
    assert main() == 0
    return dict(json.loads((root / "model" / "manifest.json").read_text()))


def test_a_training_learns_from_the_pool_channel_too(
    make_tree: Callable[..., Path],
    make_rows: Callable[..., list[TrainingRow]],
    bert: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep_signals: None,
) -> None:
    rows = make_rows(420)
    root = make_tree(rows[:150], base=bert, epochs=1, max_seconds=600)
    write_pool(
        root, [dump_line({"id": row.id, "text": row.text}) for row in rows[150:]] + ["broken\n", "{}\n"]
    )
    metrics = train(root, monkeypatch)["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["n_rows"] == 150
    assert metrics["n_taught"] == 216, "a fifth is kept to tell what is ordinary"
    ranks = Predictor.load(root / "model").outliers
    assert ranks is not None and ranks.neighbours is not None
    assert len(ranks.neighbours.points) == (54 if metrics["chosen"] == "finetune" else 270)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_where_the_pool_taught_too_any_gain_on_the_rows_held_back_takes_the_fine_tuning_and_no_loss_does(
    seed: int,
    make_tree: Callable[..., Path],
    make_rows: Callable[..., list[TrainingRow]],
    bert: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep_signals: None,
) -> None:
    rows = make_rows(420)
    rates = {"encoder_lr": 0.05, "head_lr": 0.5} if seed == 3 else {}  # overshoots, and must lose
    root = make_tree(rows[:150], base=bert, epochs=2, max_seconds=600, seed=seed, **rates)
    write_pool(root, [dump_line({"id": row.id, "text": row.text}) for row in rows[150:]])
    metrics = train(root, monkeypatch)["metrics"]
    assert isinstance(metrics, dict) and metrics["n_taught"] > 0
    assert (metrics["chosen"] == "finetune") == (metrics["gain"] > 0)
    assert seed != 3 or metrics["chosen"] == "probe"


def test_an_empty_pool_is_no_obstacle(
    make_tree: Callable[..., Path],
    make_rows: Callable[..., list[TrainingRow]],
    bert: Path,
    monkeypatch: pytest.MonkeyPatch,
    keep_signals: None,
) -> None:
    root = make_tree(make_rows(150), base=bert, epochs=0, max_seconds=600)
    write_pool(root, [])
    assert train(root, monkeypatch)["labels"] == ["card", "parcel", "refund"]
