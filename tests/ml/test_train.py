"""The training program with a small real transformer: what it leaves, what it refuses, when it stops."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import train
from ml.artifact import OUTLIERS, write_manifest
from ml.augment import noisy_copies
from ml.container import read_manifest, verify_artifact
from ml.dataset import class_weights, split_by_group
from ml.encoder import Encoder
from ml.kept import KeptVectors
from ml.predictor import Predictor
from ml.probe import Head, fit_probe, folds_by_group, score
from ml.schema import Manifest, TrainingRow, TransformInput, dump_line
from tests.ml.conftest import TOPICS

MakeTree = Callable[..., Path]
MakeRows = Callable[..., list[TrainingRow]]

pytestmark = pytest.mark.usefixtures("keep_signals")


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


def test_a_training_leaves_a_whole_artifact_that_answers(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    rows = make_rows(180)
    model = trained(make_tree(rows, bert, epochs=1, max_seconds=60))
    manifest = verify_artifact(model)
    assert (manifest.kind, manifest.dim, manifest.labels) == ("classifier", 32, sorted(TOPICS))
    assert manifest.metrics["n_rows"] == 180 and manifest.metrics["n_validation"] >= 20
    given = answers(model, rows)
    right = sum(answer == row.label for answer, row in zip(given, rows, strict=True))
    assert right > 0.8 * len(rows), "it learnt what the words say"


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_model_says_how_strange_a_ticket_is_to_it_and_an_artifact_without_it_answers_as_before(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path, epochs: int
) -> None:
    rows = make_rows(180)
    model = trained(make_tree(rows, bert, epochs=epochs, max_seconds=60))
    predictor = Predictor.load(model)
    asked = [TransformInput(row.id, row.text) for row in rows]
    ranks = np.array([output.outlier for output in predictor.predict(asked)], np.float64)
    assert ((ranks >= 0) & (ranks <= 1)).all() and np.median(ranks) < 0.7
    odd = [TransformInput(str(at), "qqq zz 0000 xyxy jj kk " * (at + 1)) for at in range(5)]
    strange = predictor.predict(odd)
    assert all(output.outlier is not None and output.outlier > np.median(ranks) for output in strange)
    assert predictor.predict([TransformInput("1", " ")])[0].outlier is None
    (model / OUTLIERS).unlink()
    write_manifest(model, read_manifest(model))
    older = Predictor.load(model).predict(asked)
    assert {output.outlier for output in older} == {None}
    assert [output.label for output in older] == [output.label for output in predictor.predict(asked)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_model_chosen_is_never_worse_than_the_probe_on_the_rows_held_back(
    seed: int, make_tree: MakeTree, bert: Path
) -> None:
    """A head that overshoots (rates a hundred times too high) must lose against the probe it began with."""
    rows = noisy(200, seed)
    wild = make_tree(rows, bert, epochs=3, max_seconds=60, seed=seed, encoder_lr=0.05, head_lr=0.5)
    figures = read_manifest(trained(wild)).metrics
    assert figures["chosen"] == "probe" and figures["gain"] <= figures["gain_error"]
    assert figures["validation_accuracy"] == figures["probe_accuracy"]
    gentle = make_tree(rows, bert, "gentle", epochs=3, max_seconds=60, seed=seed)
    figures = read_manifest(trained(gentle)).metrics
    assert (figures["chosen"] == "finetune") == (figures["gain"] > figures["gain_error"])


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


def test_the_probe_is_judged_on_groups_it_has_never_seen(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    """The figure can be computed again from outside."""
    rows = make_rows(180)
    twins = [TrainingRow(f"t{row.id}", row.text, row.label, row.group) for row in rows]
    model = trained(make_tree([*rows, *twins], bert, epochs=0, seed=4))
    inside, held = split_by_group([*rows, *twins], 0.15, 4)
    encoder = Encoder.load(bert)
    codes = np.array([sorted(TOPICS).index(row.label) for row in inside])
    folds = folds_by_group([row.group for row in inside], 4)
    weights = np.ones(len(inside), np.float32)
    head, _ = fit_probe(encoder.embed([row.text for row in inside]), codes, weights, 3, folds)
    wanted = np.array([sorted(TOPICS).index(row.label) for row in held])
    expected = score(head.logits(encoder.embed([row.text for row in held])), wanted)
    figures = read_manifest(model).metrics
    assert figures["n_validation"] == len(held)
    assert figures["probe_accuracy"] == pytest.approx(expected.accuracy)
    assert figures["validation_loss"] == pytest.approx(expected.loss, abs=1e-3)


def test_noisy_copies_are_of_rows_to_fit_alone_and_never_of_one_held_back(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    """Again computed from outside: a copy of a held-back row in training would change the figures."""
    rows = make_rows(180)
    model = trained(make_tree(rows, bert, epochs=0, seed=4, noise_share=1, rare_floor=90, class_balance=0.5))
    inside, held = split_by_group(rows, 0.15, 4)
    copies = noisy_copies(rows, share=1, floor=90, level=0.1, seed=4)
    fitted = [*inside, *(copy for copy in copies if copy.group in {row.group for row in inside})]
    encoder, names = Encoder.load(bert), sorted(TOPICS)
    codes = np.array([names.index(row.label) for row in fitted])
    weights = class_weights([row.label for row in fitted], 0.5)
    # Embedded as the training does, all in one go: the solver makes .001 of loss of a difference of 1e-8.
    texts = [row.text for row in [*rows, *copies]]
    vectors = dict(zip(texts, encoder.embed(texts), strict=True))
    head, _ = fit_probe(np.stack([vectors[row.text] for row in fitted]), codes, weights, 3)
    wanted = np.array([names.index(row.label) for row in held])
    expected = score(head.logits(np.stack([vectors[row.text] for row in held])), wanted)
    figures = read_manifest(model).metrics
    assert (figures["n_rows"], figures["n_noise"], figures["n_validation"]) == (180, len(copies), len(held))
    assert figures["validation_loss"] == pytest.approx(expected.loss, abs=1e-3)


def test_the_same_rows_and_seed_give_the_same_model_in_any_order(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    rows = make_rows(60)
    first = read_manifest(trained(make_tree(rows, bert, "first", seed=3)))
    again = read_manifest(trained(make_tree(rows, bert, "again", seed=3)))
    assert first.files == again.files


# Time


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_time_box_too_short_for_anything_still_leaves_a_model_that_answers(
    seconds: int, make_tree: MakeTree, make_rows: MakeRows, bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = make_rows(180)
    model = trained(make_tree(rows, bert, epochs=3, max_seconds=seconds))
    manifest = verify_artifact(model)
    assert manifest.metrics["chosen"] == "probe"
    assert "skipped=no_time" in capsys.readouterr().out
    assert set(answers(model, rows)) == set(TOPICS)


# Few rows, few services


@pytest.mark.parametrize("each", [1, 2, 5])
def test_a_handful_of_labels_a_service_is_enough_for_a_model(
    each: int, make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    rows = make_rows(3 * each)
    assert set(Counter(row.label for row in rows).values()) == {each}
    model = trained(make_tree(rows, bert, epochs=3))
    assert verify_artifact(model).labels == sorted(TOPICS)
    assert answers(model, rows) == [row.label for row in rows]


def test_a_service_with_one_label_among_many_is_kept_and_never_held_back(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    rows = [*make_rows(180, 2), TrainingRow("lone", "refund my money", "refund", "lone")]
    model = trained(make_tree(rows, bert, epochs=1, max_seconds=60))
    assert verify_artifact(model).labels == ["card", "parcel", "refund"]


def test_one_service_alone_gives_a_model_that_knows_nothing_else(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    """The platform asks for two services; the program itself does not fail over one."""
    rows = make_rows(40, 1)
    model = trained(make_tree(rows, bert, epochs=2))
    assert verify_artifact(model).labels == ["card"]
    output = Predictor.load(model).predict([TransformInput("1", "where is my parcel")])[0]
    assert output.label == "card" and output.probabilities is not None
    assert output.probabilities.tolist() == [1.0]


def test_rows_that_are_all_the_same_text_under_two_labels_are_trained_without_an_error(
    make_tree: MakeTree, bert: Path
) -> None:
    rows = [TrainingRow(str(n), "hello", ("card", "parcel")[n % 2], "same") for n in range(60)]
    model = trained(make_tree(rows, bert, epochs=2))
    assert verify_artifact(model).metrics["chosen"] == "probe", "one group cannot be split"


def test_an_empty_text_and_a_very_long_one_are_rows_like_others(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    odd = [
        TrainingRow("e", "", "card", "e"),
        TrainingRow("l", "late parcel " * 50_000, "parcel", "l"),
        TrainingRow("s", "\ud83d half a pair \x00", "refund", "s"),
    ]
    verify_artifact(trained(make_tree([*make_rows(30), *odd], bert, epochs=1)))


# Refusals


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "the train channel holds no labelled row (no_rows)"),
        ('{"tombstone": "ab"}\n', "the train channel holds no labelled row (no_rows)"),
        ('{"id": "1", "text": "a"}\n', "line 1: label is missing (missing_label)"),
        ("{nonsense\n", "line 1: the line is not valid JSON (bad_json)"),
        ('{"id": "1", "text": "a", "label": "b", "weight": 0}\n', "weight must be positive"),
    ],
)
def test_rows_it_cannot_use_end_it_with_a_reason_people_understand(
    line: str, reason: str, make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    root = make_tree(make_rows(3), bert)
    (root / "input/data/train/rows.jsonl").write_text(line)
    model = trained(root, code=1)
    assert reason in failure(root)
    assert not model.exists() or not any(model.iterdir())


def test_a_base_model_that_is_none_is_named(make_tree: MakeTree, make_rows: MakeRows, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "readme.txt").write_text("nothing here")
    root = make_tree(make_rows(6), empty)
    trained(root, code=1)
    assert failure(root) == "the encoder folder has no config.json (missing_file)"


def test_a_hyperparameter_that_is_no_number_is_named(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    root = make_tree(make_rows(6), bert, epochs="many")
    trained(root, code=1)
    assert "epochs: 'many' is not a number" in failure(root)


# Stopping


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


def write_rows(root: Path, channel: str, rows: list[TrainingRow]) -> None:
    """Add a channel to an /opt/ml folder."""
    folder = root / "input" / "data" / channel
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(dump_line(asdict(row)) for row in rows))
    declared = root / "input" / "config" / "inputdataconfig.json"
    declared.write_text(
        json.dumps({**json.loads(declared.read_text()), channel: {"TrainingInputMode": "File"}})
    )


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
