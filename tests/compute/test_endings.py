"""The last lines of a job: a fault between two of them is made up for, without doing the work again."""

import os
import random
import sys
import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from compute.port import JobState, TrainingSpec, TransformSpec
from compute.supervisor.job import Job
from compute.supervisor.serving import ServePool
from compute.supervisor.training import Graces, TrainingRun
from compute.supervisor.transform import TransformRun
from tests.compute.conftest import PROGRAMS, House, until


class Killed(BaseException):
    """Stands for a kill -9 of the supervisor at this line."""


@pytest.fixture
def kill_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first job that ends is never told so."""
    finish = Job.finish

    def killed(self: Job, *_: Any, **__: Any) -> None:
        monkeypatch.setattr(Job, "finish", finish)
        raise Killed

    monkeypatch.setattr(Job, "finish", killed)


def training_run(house: House) -> TrainingRun:
    job = Job(house.spool.jobs / "t-1")
    spec = job.load()
    assert isinstance(spec, TrainingSpec)
    return TrainingRun(job, spec, [sys.executable, str(PROGRAMS / "train.py")], Graces(), Event())


def transform_run(house: House, pool: ServePool) -> TransformRun:
    job = Job(house.spool.jobs / "b-1")
    spec = job.load()
    assert isinstance(spec, TransformSpec)
    return TransformRun(job, spec, pool, Event())


@pytest.mark.usefixtures("kill_at_the_end")
def test_an_artifact_in_place_before_the_last_word_is_delivered_without_training_again(house: House) -> None:
    house.train()
    with pytest.raises(Killed):
        training_run(house).run()
    assert house.backend.exists(house.uri("runs", "t-1", "output", "model.tar.gz"))
    assert house.backend.observe("t-1").state == JobState.RUNNING
    training_run(house).run()
    assert house.backend.observe("t-1").state == JobState.SUCCEEDED
    assert len(house.pids()) == 1


@pytest.mark.usefixtures("kill_at_the_end")
def test_an_output_in_place_before_the_last_word_is_not_made_again(house: House) -> None:
    house.transform(["a", "b"])
    pool = ServePool(house.spool, [sys.executable, str(PROGRAMS / "serve.py")])
    try:
        with pytest.raises(Killed):
            transform_run(house, pool).run()
        output = Path(house.artifacts / "out" / "b-1.jsonl.out")
        before = output.stat()
        transform_run(house, pool).run()
        assert house.backend.observe("b-1").state == JobState.SUCCEEDED
        assert house.backend.observe("b-1").processed == 2
        assert output.stat().st_ino == before.st_ino
    finally:
        pool.stop_all(1.0)


def test_an_output_that_cannot_be_written_fails_the_job_with_the_reason(house: House) -> None:
    (house.artifacts / "runs").write_text("a file where a folder is needed")
    (house.artifacts / "out").write_text("here too")
    house.supervise()
    house.train()
    house.transform(["a"])
    for name in ("t-1", "b-1"):
        seen = house.ended(name)
        assert seen.state == JobState.FAILED
        assert "a directory" in seen.failure_reason.lower() or "exists" in seen.failure_reason.lower()


@pytest.mark.parametrize("seed", range(2))
def test_killing_the_supervisor_at_random_moments_gives_each_line_one_answer(house: House, seed: int) -> None:
    rng = random.Random(seed)
    texts = [f"text {number}" if number % 50 else "slow 0.02" for number in range(3_000)]
    house.transform(texts)
    for _ in range(4):
        supervisor = house.supervise_apart()
        time.sleep(rng.uniform(0.3, 1.0))
        house.kill(supervisor)
    house.supervise()
    seen = house.ended("b-1")
    assert (seen.state, seen.processed) == (JobState.SUCCEEDED, 3_000), seen
    assert [record["said"] for record in house.output()] == texts


def test_a_stop_that_meets_a_good_end_leaves_one_clear_state(house: House) -> None:
    house.supervise()
    for number in range(4):
        house.train(f"t-{number}", steps="1", seconds="0")
        until(lambda number=number: len(house.pids()) > number)  # type: ignore[misc]
        time.sleep(0.05 * number)
        house.backend.stop(f"t-{number}")
        seen = house.ended(f"t-{number}")
        assert seen.state in {JobState.SUCCEEDED, JobState.STOPPED}
        assert (seen.artifact_uri is not None) == (seen.state == JobState.SUCCEEDED)
    assert os.listdir(house.spool.new) == []
