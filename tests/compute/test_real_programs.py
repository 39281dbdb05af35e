"""The container's own programs under the supervisor: a small real transformer is trained, transforms and answers."""

import json
import sys
from pathlib import Path

import pytest

from compute.metrics import figures
from compute.port import EndpointSpec, JobState, TrainingSpec
from ml.container import make_encoder_artifact
from ml.schema import TransformOutput, dump_line
from tests.compute.conftest import House, until
from tests.ml.conftest import training_rows, write_bert

PROGRAMS = ["--train", f"{sys.executable} -m ml train", "--serve", f"{sys.executable} -m ml serve"]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert")


def spec(house: House, bert: Path, name: str = "real-1", **hyperparameters: str) -> TrainingSpec:
    rows = house.folder / "labelled"
    rows.mkdir(exist_ok=True)
    (rows / "rows.jsonl").write_text("".join(dump_line(row.__dict__) for row in training_rows(300)))
    channels = {"train": rows.as_uri(), "base": bert.as_uri()}
    return TrainingSpec(name, channels, {"epochs": "1", **hyperparameters}, house.uri("runs"), 300)


def first_step(log: str) -> int:
    """The first step of fine-tuning that a piece of a log reports."""
    return next(int(found["step"]) for line in log.splitlines() if "train_loss" in (found := figures(line)))


def decoded(house: House, name: str) -> list[TransformOutput]:
    return [TransformOutput.from_dict(record) for record in house.output(name)]


def test_a_model_is_trained_transforms_a_file_and_answers_live(house: House, bert: Path) -> None:
    house.supervise(*PROGRAMS)
    house.backend.start_training(spec(house, bert))
    trained = house.ended("real-1")
    assert trained.state == JobState.SUCCEEDED, trained
    assert trained.artifact_uri is not None
    assert "validation_accuracy" in trained.metrics
    assert trained.progress == 1.0

    house.transform(["my card is lost", "", "where is my parcel"], artifact=trained.artifact_uri)
    transformed = house.ended("b-1")
    assert (transformed.state, transformed.processed) == (JobState.SUCCEEDED, 3), transformed
    outputs = decoded(house, "b-1")
    assert [output.id for output in outputs] == ["0", "1", "2"]
    assert outputs[0].embedding is not None and outputs[0].embedding.shape == (32,)
    assert outputs[0].label in {"card", "parcel", "refund"}

    house.backend.put_endpoint(EndpointSpec("live", trained.artifact_uri))
    until(lambda: house.backend.observe_endpoint("live").state == "in_service")
    answers = house.backend.invoke("live", [{"id": "7", "text": "my card is lost"}, {"id": "8"}], 30)
    assert TransformOutput.from_dict(answers[0]).label == outputs[0].label
    assert answers[1]["error"]["code"] == "missing_text"


def test_an_encoder_without_head_embeds_and_bad_lines_get_error_lines(house: House, bert: Path) -> None:
    tar = house.artifacts / "encoder" / "model.tar.gz"
    make_encoder_artifact(bert, tar)
    lines = [
        '{"id": "1", "text": "hello"}',
        "",
        "{nonsense",
        '{"text": "no id"}',
        '{"id": "2", "text": "bye"}',
    ]
    (house.folder / "b-1.jsonl").write_text("\n".join(lines))
    house.supervise(*PROGRAMS)
    house.transform([], artifact=tar.as_uri())
    assert house.ended("b-1").state == JobState.SUCCEEDED
    outputs = house.output("b-1")
    assert [bool(record["error"]) for record in outputs] == [False, True, True, True, False]
    assert outputs[0]["probabilities"] is None and outputs[0]["dim"] == 32


@pytest.mark.heavy
def test_a_real_training_that_was_shut_down_goes_on_from_its_checkpoint(house: House, bert: Path) -> None:
    first = house.supervise_apart(*PROGRAMS)
    house.backend.start_training(spec(house, bert, epochs="40", early_stopping_patience="40"))
    house.when("real-1", lambda seen: seen.metrics.get("epoch", 0) >= 2)
    first.terminate()
    first.wait(30)
    assert house.backend.observe("real-1").state == JobState.RUNNING
    house.supervise(*PROGRAMS)
    trained = house.ended("real-1")
    assert trained.state == JobState.SUCCEEDED, trained
    log = (house.spool.jobs / "real-1" / "log.txt").read_text()
    before, after = log.split("phase=resume;")
    assert first_step(after) > first_step(before), "it did not begin again"
    assert json.loads((house.spool.jobs / "real-1" / "status.json").read_text())["attempt"] == 2
