"""A training on the local backend, from its spec to its artifact, through the supervisor and a real process."""

import itertools
import json
import os
import signal
import tarfile

import pytest

from compute.port import ArtifactMissing, JobState, TrainingSpec
from tests.compute.conftest import House, is_running, until


def test_a_training_ends_with_its_artifact_metrics_and_no_scratch(house: House) -> None:
    house.supervise()
    house.train(steps="4")
    seen = house.ended()
    assert seen.state == JobState.SUCCEEDED, seen
    assert seen.artifact_uri == house.uri("runs", "t-1", "output", "model.tar.gz")
    assert seen.metrics["validation_accuracy"] == 0.913
    assert seen.metrics["step"] == 4
    assert seen.progress == 1.0
    assert seen.phase == "save"
    assert seen.started_at is not None and seen.ended_at is not None and seen.started_at <= seen.ended_at
    with house.backend.open(seen.artifact_uri) as stream, tarfile.open(fileobj=stream) as archive:
        member = archive.extractfile("rows.txt")
        assert member is not None and member.read() == b"2"
    until(lambda: not (house.spool.jobs / "t-1" / "ml").exists())
    assert len(house.pids()) == 1


def test_the_reason_of_a_failure_is_the_failure_file_cut_to_1024_characters(house: House) -> None:
    house.supervise()
    house.train(do="complain")
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert seen.failure_reason.startswith("Only one label in the data.")
    assert len(seen.failure_reason) == 1024
    assert seen.artifact_uri is None


def test_a_crash_without_failure_file_is_told_by_its_exit_code_and_last_words(house: House) -> None:
    house.supervise()
    house.train(do="crash")
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert "exit code 1" in seen.failure_reason
    assert "ZeroDivisionError" in seen.failure_reason
    assert "about to divide" in seen.log_tail


def test_a_program_killed_from_outside_fails_and_says_by_which_signal(house: House) -> None:
    house.supervise()
    house.train(do="sleep")
    house.when("t-1", lambda seen: seen.phase == "finetune")
    os.kill(house.pids()[0], signal.SIGKILL)
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert "SIGKILL" in seen.failure_reason


@pytest.mark.parametrize("what", ["empty", "bad_artifact"])
def test_a_good_exit_without_a_whole_artifact_is_a_failure(house: House, what: str) -> None:
    house.supervise()
    house.train(do=what)
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert "no usable artifact" in seen.failure_reason
    assert not house.backend.exists(house.uri("runs", "t-1", "output"))


@pytest.mark.parametrize("what", ["sleep", "stubborn"])
def test_a_stopped_training_is_gone_even_when_it_ignores_sigterm(house: House, what: str) -> None:
    house.supervise()
    house.train(do=what)
    house.when("t-1", lambda seen: seen.phase == "finetune")
    house.backend.stop("t-1")
    house.backend.stop("t-1")
    assert house.backend.observe("t-1").state in {JobState.STOPPING, JobState.STOPPED}
    assert house.ended().state == JobState.STOPPED
    assert not is_running(house.pids()[0])


def test_the_time_limit_ends_a_training_that_ignores_sigterm(house: House) -> None:
    house.supervise()
    house.train(max_seconds=3, do="stubborn")
    seen = house.ended()
    assert seen.state == JobState.TIMED_OUT
    assert "limit of 3 s" in seen.failure_reason
    assert not is_running(house.pids()[0])


def test_stopping_a_finished_training_changes_nothing(house: House) -> None:
    house.supervise()
    house.train()
    before = house.ended()
    house.backend.stop("t-1")
    assert house.backend.observe("t-1") == before


def test_a_training_stopped_before_it_began_never_starts(house: House) -> None:
    house.train()
    house.backend.stop("t-1")
    assert house.backend.observe("t-1").state == JobState.STOPPING
    house.supervise()
    assert house.ended().state == JobState.STOPPED
    assert house.pids() == []


def test_without_a_supervisor_a_job_waits_and_says_for_what(house: House) -> None:
    house.train()
    seen = house.backend.observe("t-1")
    assert (seen.state, seen.sub_state) == (JobState.SUBMITTING, "waiting_for_supervisor")


def test_trainings_run_one_at_a_time_in_order_of_submission(house: House) -> None:
    for number in range(3):
        house.train(f"t-{number}", steps="2")
    house.supervise()
    seen = [house.ended(f"t-{number}") for number in range(3)]
    assert [one.state for one in seen] == [JobState.SUCCEEDED] * 3
    for former, following in itertools.pairwise(seen):
        assert former.ended_at is not None and following.started_at is not None
        assert former.ended_at <= following.started_at


def test_a_large_log_is_kept_bounded_and_its_metrics_are_found(house: House) -> None:
    house.supervise()
    house.train(do="shout")
    seen = house.ended()
    assert seen.state == JobState.SUCCEEDED
    assert seen.metrics["validation_accuracy"] == 0.913
    folder = house.spool.jobs / "t-1"
    until(lambda: not (folder / "log.1.txt").exists() and (folder / "log.txt").stat().st_size <= 200_000)
    assert "validation_accuracy=0.913" in seen.log_tail


def test_a_missing_channel_is_refused_at_once(house: House) -> None:
    spec = TrainingSpec("t-1", {"train": (house.folder / "nowhere").as_uri()}, {}, house.uri("runs"), 10)
    with pytest.raises(ArtifactMissing):
        house.backend.start_training(spec)


def test_a_channel_that_vanished_in_the_queue_fails_the_training_with_its_reason(house: House) -> None:
    house.train()
    (house.folder / "data" / "rows.jsonl").unlink()
    (house.folder / "data").rmdir()
    house.supervise()
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert "nothing at file://" in seen.failure_reason


def test_the_container_gets_the_configuration_files_of_its_contract(house: House) -> None:
    house.supervise()
    house.train(do="sleep")
    house.when("t-1", lambda seen: seen.phase == "finetune")
    ml = house.spool.jobs / "t-1" / "ml"
    config = {path.name: json.loads(path.read_text()) for path in (ml / "input" / "config").iterdir()}
    assert config["hyperparameters.json"]["do"] == "sleep"
    assert set(config["inputdataconfig.json"]) == {"train"}
    assert config["resourceconfig.json"]["hosts"] == ["algo-1"]
    assert (ml / "input" / "data" / "train" / "rows.jsonl").is_file()
    assert all((ml / name).is_dir() for name in ("model", "output", "checkpoints"))
    house.backend.stop("t-1")
    house.ended()
