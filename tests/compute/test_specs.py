"""Starting a job is idempotent by name, conflicts are told apart, and bad specs are refused."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from compute.port import (
    EndpointSpec,
    InvalidSpec,
    JobConflict,
    JobNotFound,
    JobState,
    TrainingSpec,
    TransformSpec,
    spec_hash,
)
from tests.compute.conftest import ROOT, House

START = """
import json, sys
from pathlib import Path
from compute.local import LocalBackend
from compute.port import TrainingSpec
given = json.load(sys.stdin)
LocalBackend(Path(given["spool"]), Path(given["artifacts"])).start_training(TrainingSpec(**given["spec"]))
"""


def test_starting_the_same_job_again_adopts_it(house: House) -> None:
    house.supervise()
    house.train()
    house.train()
    house.ended()
    house.train()
    assert house.backend.observe("t-1").state == JobState.SUCCEEDED
    assert len(house.pids()) == 1


def test_tags_do_not_make_another_job(house: House) -> None:
    house.train()
    house.backend.start_training(replace(house.training(), tags={"run": "7"}))


def test_another_spec_under_the_same_name_is_a_conflict(house: House) -> None:
    house.train(steps="3")
    with pytest.raises(JobConflict):
        house.train(steps="4")
    with pytest.raises(JobConflict):
        house.transform(["a"], name="t-1")


def test_eight_processes_starting_the_same_training_make_one_job(house: House) -> None:
    house.supervise()
    given = {
        "spool": str(house.spool.root),
        "artifacts": str(house.artifacts),
        "spec": asdict(house.training()),
    }
    starters = [
        subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, stdin=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write(json.dumps(given))
        starter.stdin.close()
    assert [starter.wait() for starter in starters] == [0] * 8
    assert house.ended().state == JobState.SUCCEEDED
    assert len(house.pids()) == 1
    assert list(house.spool.new.iterdir()) == []


@pytest.mark.parametrize("name", ["nothing", "../../etc", "", "a/b"])
def test_a_job_never_started_is_not_found(house: House, name: str) -> None:
    with pytest.raises(JobNotFound):
        house.backend.observe(name)
    with pytest.raises(JobNotFound):
        house.backend.stop(name)


@pytest.mark.parametrize("name", ["", "../up", "a b", "-a", "a" * 64, "a_b", "é"])
def test_a_name_that_sagemaker_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(InvalidSpec):
        EndpointSpec(name, "file:///model.tar.gz")


@pytest.mark.parametrize(
    "change",
    [
        {"hyperparameters": {"epochs": 3}},
        {"hyperparameters": {str(number): "x" for number in range(101)}},
        {"channels": {}},
        {"channels": {"../x": "file:///data"}},
        {"channels": {"train": "/data"}},
        {"output_uri": "http://somewhere/"},
        {"max_seconds": 0},
        {"max_seconds": 1.5},
        {"environment": {"A": 1}},
    ],
)
def test_a_spec_that_no_backend_can_accept_is_refused(change: dict[str, object]) -> None:
    good = {"name": "t", "channels": {"train": "file:///d"}, "hyperparameters": {}, "output_uri": "file:///o"}
    with pytest.raises(InvalidSpec):
        TrainingSpec(**{**good, "max_seconds": 5, **change})  # type: ignore[arg-type]


def test_outputs_outside_the_artifacts_folder_are_refused(house: House, tmp_path: Path) -> None:
    outside = replace(house.training(), output_uri=(tmp_path / "elsewhere").as_uri())
    with pytest.raises(InvalidSpec):
        house.backend.start_training(outside)
    with pytest.raises(InvalidSpec):
        house.backend.start_training(replace(outside, output_uri=house.uri() + "/../elsewhere"))
    with pytest.raises(JobNotFound):
        house.backend.observe("t-1")


def test_an_s3_uri_is_refused_by_the_local_backend(house: House) -> None:
    spec = TransformSpec("b", "s3://bucket/model.tar.gz", "s3://bucket/in.jsonl", house.uri("out"), 10)
    with pytest.raises(InvalidSpec):
        house.backend.start_transform(spec)


def test_the_hash_of_a_spec_depends_on_its_kind_and_content() -> None:
    training = TrainingSpec("a", {"train": "file:///d"}, {}, "file:///o", 5)
    assert spec_hash(training) == spec_hash(replace(training, tags={"x": "y"}))
    assert spec_hash(training) != spec_hash(replace(training, max_seconds=6))
    assert len(spec_hash(training)) == 64
