"""The training program when it is stopped, killed or begun anew, and how far it says it is."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import train
from ml.container import read_manifest, verify_artifact
from ml.encoder import Encoder
from ml.kept import KeptVectors
from ml.probe import Head, score
from ml.schema import Manifest
from tests.ml.conftest import TOPICS
from tests.ml.trainings import MakeRows, MakeTree, failure, noisy, trained, write_rows

pytestmark = pytest.mark.usefixtures("keep_signals")


def test_a_stop_in_the_middle_keeps_a_checkpoint_from_which_the_same_model_comes(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after the first epoch and run again, it leaves the very model of an undisturbed run."""
    from ml.finetune import TuningLoop

    rows = make_rows(180)
    hyper: dict[str, Any] = {"epochs": 2, "max_seconds": 600, "early_stopping_patience": 9}
    whole = read_manifest(trained(make_tree(rows, bert, "whole", **hyper)))
    root = make_tree(rows, bert, "cut", **hyper)
    judge = TuningLoop._judge

    def asked_to_stop(loop: TuningLoop) -> None:
        judge(loop)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TuningLoop, "_judge", asked_to_stop)
    trained(root, code=train.STOPPED)
    assert (root / "checkpoints" / "tuning.pt").exists() and not failure(root)
    monkeypatch.undo()
    resumed = read_manifest(trained(root))
    assert resumed.metrics["steps"] == whole.metrics["steps"]
    assert resumed.metrics["validation_loss"] == pytest.approx(whole.metrics["validation_loss"], abs=1e-4)
    assert not (root / "checkpoints" / "tuning.pt").exists(), "no copy of what it learnt stays behind"


class Killed(BaseException):
    """What no handler of the program catches: the end of a process, as far as its files are concerned."""


@pytest.mark.parametrize("is_written", [False, True], ids=["before", "after"])
def test_the_weights_are_those_of_the_figures_whenever_the_program_was_killed(
    is_written: bool, make_tree: MakeTree, make_rows: MakeRows, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed around the writing of the second epoch's checkpoint, and out of time when it is started again."""
    from ml.finetune import TuningLoop
    from ml.trainer import Trainer

    rows, held_back = make_rows(120), noisy(40, 1)
    root = make_tree(rows, bert, epochs=5, max_seconds=600, early_stopping_patience=9, encoder_lr=1e-3)
    write_rows(root, "validation", [replace(row, id=f"v{row.id}", group=f"v{row.id}") for row in held_back])
    save = TuningLoop.save

    def killed(loop: TuningLoop) -> None:
        is_second = loop.tuning.step == 2 * loop.tuning.steps_per_epoch
        if is_written or not is_second:
            save(loop)
        if is_second:
            raise Killed

    # Every epoch is taken for the best so far: the second one's weights replace the first one's.
    # Nothing joins the head, so that its logits are those that were judged.
    monkeypatch.setattr(Trainer, "_with_words", lambda trainer, outcome, companion, everything: outcome)
    monkeypatch.setattr(TuningLoop, "_is_better", lambda loop, found: True)
    monkeypatch.setattr(TuningLoop, "save", killed)
    with pytest.raises(Killed):
        train.main({"SAGEMAKER_BASE_DIR": str(root)})
    monkeypatch.setattr(TuningLoop, "save", save)
    monkeypatch.setattr(TuningLoop, "_has_time_for_a_step", lambda loop: False)
    model = trained(root)
    figures = read_manifest(model).metrics
    assert figures["best_step"] == figures["steps"] == (8 if is_written else 4)
    codes = np.array([sorted(TOPICS).index(row.label) for row in held_back])
    logits = Head.load(model / "head.npz", 3, 32).logits(
        Encoder.load(model / "encoder").embed([r.text for r in held_back])
    )
    assert score(logits, codes).loss == pytest.approx(figures["validation_loss"], abs=1e-4)


def test_kept_embeddings_that_were_cut_short_are_made_again(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.npz"
    KeptVectors(np.ones((40, 8), np.float32), np.zeros((0, 8), np.float32), 1.0).save(path, "this one")
    assert KeptVectors.load(path, "this one") is not None
    whole = path.read_bytes()
    for length in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert KeptVectors.load(path, "this one") is None


def test_a_checkpoint_of_other_rows_is_not_taken_up(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    root = make_tree(make_rows(30), bert)
    (root / "checkpoints").mkdir()
    (root / "checkpoints" / "tuning.pt").write_bytes(b"something old")
    (root / "checkpoints" / "embeddings.npz").write_bytes(b"something old")
    manifest: Manifest = verify_artifact(trained(root))
    assert manifest.metrics["n_rows"] == 30


def test_progress_only_moves_forward_and_ends_at_one(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from compute.metrics import figures

    trained(make_tree(make_rows(180), bert, epochs=2, max_seconds=60))
    lines = capsys.readouterr().out.splitlines()
    progress = [found["progress"] for line in lines if "progress" in (found := figures(line))]
    assert progress == sorted(progress) and progress[-1] == 1.0 and len(progress) > 10
