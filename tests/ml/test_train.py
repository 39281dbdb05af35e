"""The training program with a small real transformer: what it leaves, what it refuses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ml.artifact import OUTLIERS, write_manifest
from ml.augment import noisy_copies
from ml.container import read_manifest, verify_artifact
from ml.dataset import class_weights, split_by_group
from ml.encoder import Encoder
from ml.predictor import Predictor
from ml.probe import fit_probe, folds_by_group, score
from ml.schema import TrainingRow, TransformInput
from tests.ml.conftest import TOPICS
from tests.ml.trainings import MakeRows, MakeTree, answers, failure, noisy, trained

pytestmark = pytest.mark.usefixtures("keep_signals")


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
