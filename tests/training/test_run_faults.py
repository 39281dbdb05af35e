"""Deaths, rivals and bad artifacts: nothing is lost and nothing is done twice."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from compute.port import ArtifactMissing, CapacityError
from ml.archive import pack_artifact, unpack_artifact
from tests.compute.conftest import until
from tests.training.workshop import Workshop
from training import registration, runs, selectors, snapshots, tasks
from training.models import DatasetSnapshot, ModelVersion, SnapshotRow, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = {"stop": "stopped"}


class Killed(BaseException):
    """Stands for a kill -9 at this very line."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("victim", "nth"),
    [
        ("put", 1),  # the snapshot's file
        ("put", 2),  # the pool
        ("start_training", 1),
        ("observe", 1),
        ("stop", 1),
        ("get", 1),
        ("delete_prefix", 1),
    ],
)
def test_a_worker_killed_at_any_call_loses_nothing_and_runs_nothing_twice(
    victim: str, nth: int, when: str, trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained.plan("sleep" if victim == "stop" else "learn")
    if victim == "stop":
        trained.until(run, "running")
        TrainingRun.objects.filter(pk=run.pk).update(cancel_requested_at=run.created_at)
    real, calls = getattr(trained.backend, victim), Counter[str]()

    def killed_once(*args: Any, **kwargs: Any) -> Any:
        calls[victim] += 1
        if calls[victim] == nth and when == "before":
            raise Killed
        answer = real(*args, **kwargs)
        if calls[victim] == nth:
            raise Killed
        return answer

    monkeypatch.setattr(trained.backend, victim, killed_once)

    def ended() -> bool:
        try:
            trained.step(run)
        except Killed:
            run.refresh_from_db()
            assert run.is_live, "an end is written only when everything before it is done"
        return not run.is_live

    until(ended, f"the run to survive a death in {victim}", lambda: vars(run))
    assert calls[victim] > nth or when == "after", "it died, and the call was made again"
    assert (run.state, run.attempt) == (ENDS.get(victim, "succeeded"), 1)
    assert len(trained.starts()) <= 1 and set(trained.starts()) <= {run.job_name}
    assert ModelVersion.objects.count() == (0 if victim == "stop" else 1)
    assert (DatasetSnapshot.objects.count(), SnapshotRow.objects.count()) == (1, 4)
    assert not trained.backend.exists(snapshots.pool_folder(run))


@pytest.mark.parametrize("line", ["register", "snapshot", "move"])
def test_a_death_between_two_writes_leaves_none_or_both(
    line: str, trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model version and SUCCEEDED are one write; a snapshot's row comes whole or not at all."""
    owner, name = {
        "register": (registration, "classifier_register"),
        "snapshot": (snapshots, "_record"),
        "move": (runs, "_move"),
    }[line]
    real, deaths = getattr(owner, name), []

    def dies_once(*args: Any, **kwargs: Any) -> Any:
        if not deaths:
            deaths.append(1)
            if line != "register":  # here the first of the two writes has been made
                real(*args, **kwargs)
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, dies_once)
    run = trained.plan()

    def ended() -> bool:
        try:
            trained.step(run)
        except Killed:
            run.refresh_from_db()
            assert (run.state == "succeeded") == ModelVersion.objects.exists()
        return not run.is_live

    until(ended)
    assert deaths and run.state == "succeeded"
    assert (ModelVersion.objects.count(), DatasetSnapshot.objects.count()) == (1, 1)
    assert trained.starts() == [run.job_name]


def test_a_supervisor_killed_in_the_middle_finishes_the_same_job(trained_apart: Workshop) -> None:
    house = trained_apart.house
    first = house.supervisors[0]
    run = trained_apart.plan("slow")
    trained_apart.until(run, "running")
    trained_apart.until_job(run, lambda seen: seen.progress == 0.5)
    house.kill(first)
    trained_apart.step(run)
    assert run.state == "running", "a dead supervisor is no end of the run"
    trained_apart.supervise_apart()
    trained_apart.until(run, "succeeded")
    assert trained_apart.starts() == [run.job_name]
    assert ModelVersion.objects.get().run == run


def test_without_a_supervisor_a_run_waits_and_says_for_what(workshop: Workshop) -> None:
    run = workshop.until(workshop.plan(), "running")
    workshop.step(run)
    assert (run.state, run.sub_state) == ("running", "waiting_for_supervisor")


def test_two_workers_on_one_run_take_turns_and_register_one_version(
    trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained.plan()
    inside, most, started = Counter[int](), [0], []
    guard = threading.Lock()
    real = dict(runs._STEPS)

    def watched(state: Any) -> Any:
        def step(row: TrainingRun, backend: Any) -> None:
            with guard:
                inside[row.pk] += 1
                most[0] = max(most[0], inside[row.pk])
            try:
                real[state](row, backend)
            finally:
                with guard:
                    inside[row.pk] -= 1

        return step

    monkeypatch.setattr(runs, "_STEPS", {state: watched(state) for state in real})
    begin = trained.backend.start_training
    monkeypatch.setattr(trained.backend, "start_training", lambda spec: (started.append(1), begin(spec)))

    def work() -> None:
        try:
            while TrainingRun.objects.filter(pk=run.pk, ended_at=None).exists():
                runs.advance(run.pk, trained.backend)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run.refresh_from_db()
    assert (run.state, most[0], len(started)) == ("succeeded", 1, 1)
    assert trained.starts() == [run.job_name]
    assert ModelVersion.objects.count() == 1


def test_a_worker_that_comes_too_late_changes_nothing(trained: Workshop) -> None:
    """It read the row, slept through the whole run, and wakes up with an old state in hand."""
    run = trained.plan()
    stale = TrainingRun.objects.get(pk=run.pk)
    trained.until(run, "succeeded")
    assert not runs._move(stale, runs.RunState.FAILED, failure_code="stale")
    run.refresh_from_db()
    assert (run.state, run.failure_code) == ("succeeded", "")
    assert not runs.advance(run.pk, trained.backend)


# Artifacts that must not be used


def spoil(workshop: Workshop, run: TrainingRun, how: str) -> None:
    """Damage the artifact after the supervisor has checked and delivered it."""
    tar = Path(workshop.backend.observe(run.job_name).artifact_uri.removeprefix("file://"))
    if how == "cut":
        tar.write_bytes(tar.read_bytes()[:-200])
    elif how == "gone":
        tar.unlink()
    else:
        folder = tar.parent / "opened"
        unpack_artifact(tar, folder)
        (folder / "head.npz").write_bytes(b"another head")
        pack_artifact(folder, tar)


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ("changed", "artifact_refused", "hash_mismatch: head.npz is not the file"),
        ("cut", "artifact_refused", "truncated: "),
        ("gone", "artifact_missing", "nothing at "),
    ],
)
def test_an_artifact_that_is_not_what_its_manifest_says_is_refused(
    how: str, code: str, reason: str, trained: Workshop
) -> None:
    run = trained.plan()
    trained.until(run, "running")
    trained.until_job(run, lambda seen: seen.state.is_final)
    spoil(trained, run, how)
    trained.until(run, "failed")
    assert run.failure_code == code and run.failure_reason.startswith(reason)
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(("what", "code"), [("encoder", "not_a_classifier"), ("strange", "wrong_services")])
def test_a_whole_artifact_of_something_else_is_refused(what: str, code: str, trained: Workshop) -> None:
    run = trained.until(trained.plan(what), "failed")
    assert run.failure_reason.startswith(f"{code}: ")
    assert not ModelVersion.objects.exists()


# What is worth another try, and what beat finds


def test_a_full_backend_is_asked_again_and_a_lost_snapshot_file_is_not(
    trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained.plan()
    trained.step(run)
    real, answers = trained.backend.start_training, [CapacityError("no machine now")]

    def full_once(spec: Any) -> None:
        if answers:
            raise answers.pop()
        real(spec)

    monkeypatch.setattr(trained.backend, "start_training", full_once)
    assert trained.step(run) == "submitting"
    assert trained.step(run) == "running"
    trained.until(run, "succeeded")


def test_a_snapshot_file_that_is_gone_fails_the_run_and_is_made_again_for_the_next(trained: Workshop) -> None:
    run = trained.plan()
    trained.step(run)
    trained.backend.delete_prefix(run.snapshot.uri)
    assert trained.backend.exists(run.snapshot.uri) is False
    folder = run.snapshot.uri.rsplit("/", 1)[0]
    trained.backend.delete_prefix(folder)
    assert trained.step(run) == "failed"
    assert run.failure_code == ArtifactMissing.code
    following = trained.until(trained.plan(), "succeeded")
    assert following.snapshot == run.snapshot


def test_beat_takes_a_run_on_from_its_row_when_every_nudge_was_lost(
    trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "backend", lambda: trained.backend)
    run = trained.plan()

    def driven() -> bool:
        tasks.runs_drive()
        return selectors.live_run() is None

    until(driven)
    run.refresh_from_db()
    assert run.state == "succeeded"
    tasks.runs_drive()
