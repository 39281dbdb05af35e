"""A run's states, one after the other, over a real supervisor and a real program."""

from __future__ import annotations

import pytest

from accounts.errors import Refused
from compute.port import JobState
from tests import factories
from tests.training.workshop import Workshop
from training import actions, runs, selectors, snapshots
from training.models import DatasetSnapshot, ModelVersion, RunMetric, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_goes_from_planned_to_a_model_version_one_state_a_step(trained: Workshop) -> None:
    run = trained.plan()
    assert run.state == "planned"
    assert trained.step(run) == "submitting"
    assert run.snapshot.rows == 4 and run.job_name.startswith(f"train-r{run.pk}-a1-")
    assert not (trained.backend.spool.jobs / run.job_name).exists(), "committed before the backend is called"
    assert trained.step(run) == "running"
    trained.until(run, "succeeded")
    version = ModelVersion.objects.get()
    assert (version.run, version.number, version.kind) == (run, 1, "classifier")
    assert version.labels == sorted(service.code for service in trained.services)
    assert version.artifact_uri == run.artifact_uri and trained.backend.exists(run.artifact_uri)
    assert (run.progress, run.failure_code, run.ended_at is not None) == (1.0, "", True)


def test_progress_phase_log_and_curves_reach_the_row_while_it_runs(trained: Workshop) -> None:
    run = trained.plan("sleep")
    trained.until(run, "running")
    trained.until_job(run, lambda seen: seen.progress == 0.5)
    trained.step(run)
    assert (run.state, run.progress, run.phase) == ("running", 0.5, "finetune")
    assert "train_loss=0.7" in run.log_tail
    point = RunMetric.objects.get()
    assert (point.name, point.step, point.value, point.attempt) == ("train_loss", 3, 0.7, 1)


def test_the_containers_own_reason_is_what_a_failed_run_shows(trained: Workshop) -> None:
    run = trained.until(trained.plan("complain"), "failed")
    assert (run.failure_code, run.failure_reason) == ("failed", "The labels are all the same (one_label)")
    assert not ModelVersion.objects.exists()


def test_a_run_over_the_limit_is_timed_out_and_says_which(
    trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0)
    run = trained.until(trained.plan("sleep", max_seconds="1"), "timed_out")
    assert "limit of 1 s" in run.failure_reason


# Cancel


def test_a_planned_run_that_is_cancelled_stops_without_a_job(trained: Workshop) -> None:
    run = trained.plan()
    actions.run_cancel(run_id=run.pk)
    assert trained.step(run) == "stopped"
    assert trained.starts() == [] and run.snapshot is None


def test_a_submitting_run_that_is_cancelled_stops(trained: Workshop) -> None:
    run = trained.plan("sleep")
    trained.step(run)
    actions.run_cancel(run_id=run.pk)
    seen = [trained.step(run), trained.step(run)]
    assert seen == ["running", "stopping"]
    trained.until(run, "stopped")
    assert trained.backend.observe(run.job_name).state == JobState.STOPPED


def test_a_running_run_that_is_cancelled_goes_through_stopping_to_stopped(trained: Workshop) -> None:
    run = trained.plan("sleep")
    trained.until(run, "running")
    trained.until_job(run, lambda seen: seen.progress == 0.5)
    actions.run_cancel(run_id=run.pk)
    asked = TrainingRun.objects.get(pk=run.pk).cancel_requested_at
    assert trained.step(run) == "stopping"
    actions.run_cancel(run_id=run.pk)
    run.refresh_from_db()
    assert run.cancel_requested_at == asked, "asking twice is the same"
    trained.until(run, "stopped")
    assert (run.failure_code, ModelVersion.objects.count()) == ("", 0)


def test_a_job_that_succeeds_while_it_is_being_stopped_gives_no_version(trained: Workshop) -> None:
    """The person said no: a model that came a moment too late is not taken into use."""
    run = trained.plan()
    trained.until(run, "running")
    trained.until_job(run, lambda seen: seen.state.is_final)
    actions.run_cancel(run_id=run.pk)
    trained.until(run, "stopped")
    assert not ModelVersion.objects.exists()


def test_an_ended_run_cannot_be_cancelled(trained: Workshop) -> None:
    run = trained.until(trained.plan("complain"), "failed")
    with pytest.raises(Refused) as refused:
        actions.run_cancel(run_id=run.pk)
    assert refused.value.code == "run_ended"
    with pytest.raises(Refused, match="no such run"):
        actions.run_cancel(run_id=run.pk + 1)


# Retry


@pytest.mark.parametrize("end", ["failed", "stopped", "timed_out"])
def test_an_ended_run_is_tried_again_on_the_same_snapshot_under_a_new_name(
    end: str, trained: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0 if end == "timed_out" else 60)
    what = {"failed": "complain", "stopped": "sleep", "timed_out": "sleep"}[end]
    run = trained.plan(what, **({"max_seconds": "1"} if end == "timed_out" else {}))
    trained.until(run, "running")
    if end == "stopped":
        actions.run_cancel(run_id=run.pk)
    trained.until(run, end)
    first, snapshot = run.job_name, run.snapshot
    trained.label(trained.tickets[4], 0)
    actions.run_retry(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt, run.failure_reason, run.job_name) == ("planned", 2, "", "")
    trained.tell(run, "learn", max_seconds="60")
    trained.until(run, "succeeded")
    assert run.snapshot == snapshot and run.snapshot.rows == 4
    assert run.job_name != first and trained.starts().count(run.job_name) == 1
    assert ModelVersion.objects.get().run == run


def test_a_run_that_succeeded_or_still_runs_is_not_tried_again(trained: Workshop) -> None:
    run = trained.plan()
    for state in ("running", "succeeded"):
        trained.until(run, state)
        with pytest.raises(Refused) as refused:
            actions.run_retry(run_id=run.pk)
        assert refused.value.code == "run_not_retryable"


def test_a_retry_takes_the_base_model_set_now(trained: Workshop, settings: object) -> None:
    right, settings.BASE_MODEL = settings.BASE_MODEL, "/nowhere/at/all"  # type: ignore[attr-defined]
    run = trained.until(trained.plan(), "failed")
    assert run.failure_code == "artifact_missing" and "/nowhere/at/all" in run.failure_reason
    settings.BASE_MODEL = right  # type: ignore[attr-defined]
    actions.run_retry(run_id=run.pk)
    run.refresh_from_db()
    trained.until(run, "succeeded")


# One at a time


def test_only_one_run_is_live_at_a_time(trained: Workshop) -> None:
    run = trained.plan("complain")
    with pytest.raises(Refused) as refused:
        trained.plan()
    assert refused.value.code == "run_live"
    trained.until(run, "failed")
    other = trained.plan("sleep")
    with pytest.raises(Refused) as again:
        actions.run_retry(run_id=run.pk)
    assert again.value.code == "run_live"
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("failed", 1), "a refused retry changes nothing"
    assert selectors.live_run() == other


# What a run is given, and what it leaves


def test_a_run_needs_labels_of_two_services(trained: Workshop) -> None:
    for ticket in trained.tickets[:4]:
        ticket.refresh_from_db()
        ticket.label = trained.services[0]
        ticket.save(update_fields=["label"])
    with pytest.raises(Refused) as refused:
        trained.plan()
    assert (refused.value.code, refused.value.params) == ("too_few_services", {"have": 1, "needed": 2})


def test_labels_taken_back_before_the_snapshot_fail_the_run_in_words(trained: Workshop) -> None:
    run = trained.plan()
    trained.services[1].is_active = False
    trained.services[1].save(update_fields=["is_active"])
    assert trained.step(run) == "failed"
    assert (run.failure_code, run.failure_reason) == (
        "too_few_services",
        "A training needs labels of two services.",
    )
    assert not DatasetSnapshot.objects.exists()


@pytest.mark.parametrize("what", ["learn", "complain"])
def test_the_pool_of_texts_is_gone_when_the_run_has_ended(what: str, trained: Workshop) -> None:
    run = trained.plan(what)
    trained.step(run)
    assert trained.backend.exists(snapshots.pool_folder(run))
    trained.until(run, "succeeded", "failed")
    assert not trained.backend.exists(snapshots.pool_folder(run))


def test_versions_count_up_from_one(trained: Workshop) -> None:
    trained.until(trained.plan(), "succeeded")
    trained.label(factories.ticket("one more"), 1)
    trained.until(trained.plan(), "succeeded")
    assert sorted(ModelVersion.objects.values_list("number", flat=True)) == [1, 2]
