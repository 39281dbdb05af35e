"""Whatever is killed, at whatever moment, nothing is lost and nothing runs twice."""

import json
import os
import random
import signal
import time

import pytest

from compute.port import JobConflict, JobState
from tests.compute.conftest import House, is_running, until


def runner_pid(house: House, name: str = "t-1") -> int:
    path = house.spool.jobs / name / "process.json"
    until(path.exists)
    return int(json.loads(path.read_text())["pid"])


def test_a_training_goes_on_without_its_supervisor_and_is_adopted_by_the_next(house: House) -> None:
    first = house.supervise_apart()
    house.train(steps="25")
    house.when("t-1", lambda seen: seen.metrics.get("step", 0) >= 3)
    house.kill(first)
    assert is_running(house.pids()[0])
    house.supervise()
    assert house.ended().state == JobState.SUCCEEDED
    assert len(house.pids()) == 1


def test_a_training_that_ended_while_no_supervisor_lived_is_delivered_by_the_next(house: House) -> None:
    first = house.supervise_apart()
    house.train(steps="10")
    until(house.pids)
    house.kill(first)
    until(lambda: (house.spool.jobs / "t-1" / "exit.json").exists())
    house.supervise()
    seen = house.ended()
    assert seen.state == JobState.SUCCEEDED
    assert seen.metrics["step"] == 10
    assert len(house.pids()) == 1


def test_a_training_whose_processes_all_vanished_goes_on_from_its_checkpoint(house: House) -> None:
    first = house.supervise_apart()
    house.train(steps="20")
    house.when("t-1", lambda seen: seen.metrics.get("step", 0) >= 5)
    house.kill(first)
    os.killpg(runner_pid(house), signal.SIGKILL)
    until(lambda: not is_running(house.pids()[0]))
    house.supervise()
    seen = house.ended()
    assert seen.state == JobState.SUCCEEDED
    assert len(house.pids()) == 2
    begun = [int(line.split()[-1]) for line in seen.log_tail.splitlines() if line.startswith("from step")]
    assert begun[0] == 0 and begun[1] >= 5


def test_a_training_that_lost_its_runner_is_ended_and_begun_again_never_twice_at_once(house: House) -> None:
    house.supervise()
    house.train(steps="20")
    house.when("t-1", lambda seen: seen.metrics.get("step", 0) >= 2)
    os.kill(runner_pid(house), signal.SIGKILL)
    until(lambda: len(house.pids()) == 2)
    assert not is_running(house.pids()[0])
    assert house.ended().state == JobState.SUCCEEDED


def test_a_program_that_vanishes_again_and_again_fails_in_the_end(house: House) -> None:
    house.supervise()
    house.train(do="sleep")
    for number in range(1, 5):
        until(lambda number=number: len(house.pids()) == number)  # type: ignore[misc]
        os.killpg(os.getpgid(house.pids()[-1]), signal.SIGKILL)
    seen = house.ended()
    assert seen.state == JobState.FAILED
    assert "vanished" in seen.failure_reason


@pytest.mark.parametrize("seed", range(3))
def test_killing_the_supervisor_at_random_moments_runs_a_training_exactly_once(
    house: House, seed: int
) -> None:
    rng = random.Random(seed)
    house.train(steps="8")
    for _ in range(4):
        supervisor = house.supervise_apart()
        time.sleep(rng.uniform(0.15, 0.9))
        house.kill(supervisor)
    house.supervise()
    assert house.ended().state == JobState.SUCCEEDED
    assert len(house.pids()) == 1


def test_a_clean_shutdown_leaves_nothing_running_and_the_next_start_goes_on(house: House) -> None:
    first = house.supervise_apart()
    house.train(steps="20")
    house.when("t-1", lambda seen: seen.metrics.get("step", 0) >= 3)
    runner = runner_pid(house)
    first.terminate()
    assert first.wait(20) == 0
    assert not is_running(house.pids()[0]) and not is_running(runner)
    seen = house.backend.observe("t-1")
    assert (seen.state, seen.sub_state) == (JobState.RUNNING, "waiting_for_supervisor")
    house.supervise()
    seen = house.ended()
    assert seen.state == JobState.SUCCEEDED
    begun = [int(line.split()[-1]) for line in seen.log_tail.splitlines() if line.startswith("from step")]
    assert begun[0] == 0 and begun[1] >= 3


def test_a_clean_shutdown_also_ends_a_program_that_ignores_sigterm(house: House) -> None:
    first = house.supervise_apart("--shutdown-grace", "0.5")
    house.train(do="stubborn")
    house.when("t-1", lambda seen: seen.phase == "finetune")
    first.terminate()
    assert first.wait(20) == 0
    assert not is_running(house.pids()[0])


def test_a_stop_wished_while_no_supervisor_lived_is_done_by_the_next(house: House) -> None:
    first = house.supervise_apart()
    house.train(do="stubborn")
    house.when("t-1", lambda seen: seen.phase == "finetune")
    house.kill(first)
    house.backend.stop("t-1")
    house.supervise()
    assert house.ended().state == JobState.STOPPED
    assert not is_running(house.pids()[0])
    assert len(house.pids()) == 1


def test_a_supervisor_killed_while_it_was_stopping_a_job_is_followed_by_one_that_finishes_it(
    house: House,
) -> None:
    first = house.supervise_apart("--stop-grace", "60")
    house.train(max_seconds=1, do="stubborn")
    house.when("t-1", lambda seen: seen.sub_state == "stopping")
    house.kill(first)
    house.supervise()
    assert house.ended().state == JobState.TIMED_OUT
    assert not is_running(house.pids()[0])


def test_a_second_supervisor_refuses_to_start(house: House) -> None:
    house.supervise()
    house.train()
    house.ended()
    second = house.supervise_apart()
    assert second.wait(30) == 1
    assert "another local-compute supervisor" in (house.folder / "supervisor.txt").read_text()


def test_garbage_in_the_spool_does_not_disturb_the_other_jobs(house: House) -> None:
    jobs = house.spool.jobs
    (jobs / "a file").write_text("x")
    (jobs / "not a name").mkdir()
    (jobs / ".hidden").mkdir()
    (jobs / "no-spec").mkdir()
    for name, text in {
        "half": '{"kind": "training", "spec": {"na',
        "binary": "\x00\xff",
        "list": "[]",
        "strange": '{"kind": "dance", "spec": {}}',
        "missing": '{"kind": "training", "spec": {"name": "missing"}}',
        "deep": "[" * 100_000,
    }.items():
        (jobs / name).mkdir()
        (jobs / name / "spec.json").write_text(text)
    house.train("good")
    (jobs / "good" / "status.json").write_text('{"state": ')
    (house.spool.endpoints / "junk").mkdir()
    (house.spool.endpoints / "junk" / "spec.json").write_text("{")
    (house.spool.serving / "junk").mkdir()
    (house.spool.serving / "file").write_text("")
    house.supervise()
    assert house.ended("good").state == JobState.SUCCEEDED
    for name in ("half", "binary", "list", "strange", "missing", "deep", "no-spec"):
        seen = house.ended(name)
        assert seen.state == JobState.FAILED
        assert "the job's spec on disk" in seen.failure_reason
    assert (jobs / "a file").exists()
    until(lambda: house.backend.observe_endpoint("junk").state == "failed")
    with pytest.raises(JobConflict):
        house.train("half")


def test_a_finished_job_leaves_only_its_record_and_an_old_record_goes(house: House) -> None:
    first = house.supervise_apart()
    house.train()
    house.train("t-2")
    house.ended("t-2")
    folder = house.spool.jobs / "t-1"
    until(
        lambda: (
            {path.name for path in folder.iterdir()} == {"spec.json", "status.json", "log.txt", "run.lock"}
        )
    )
    first.terminate()
    first.wait(20)
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"ended_at": time.time() - 100 * 86_400}))
    house.supervise()
    until(lambda: not folder.exists())
    assert house.backend.observe("t-2").state == JobState.SUCCEEDED
