"""Whatever goes wrong between us and AWS, or inside it: one job, a true state, nothing registered by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compute.port import (
    CapacityError,
    EndpointBusy,
    EndpointSpec,
    JobConflict,
    JobState,
    PlatformUnavailable,
    Throttled,
)
from compute.sagemaker.clients import NotAllowed
from ml.archive import unpack_artifact
from ml.artifact import ArtifactError
from tests.compute.cloud import CloudHouse
from tests.compute.conftest import until

CREATED = "CreateTrainingJob"


# Starting a job


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", Throttled),
        ("error", PlatformUnavailable),
        ("unsent", PlatformUnavailable),
        ("limit", CapacityError),
    ],
)
def test_a_refusal_longer_than_boto3s_patience_is_retryable_and_the_next_call_makes_one_job(
    kind: str, error: type[Exception], cloud_house: CloudHouse
) -> None:
    cloud_house.double.fault(
        kind, CREATED, times=1 if kind == "limit" else 2
    )  # boto3 does not try that again
    with pytest.raises(error) as raised:
        cloud_house.train()
    assert raised.value.retryable  # type: ignore[attr-defined]
    assert cloud_house.jobs("t-1") == []
    cloud_house.train()
    assert cloud_house.ended().state == JobState.SUCCEEDED
    assert len(cloud_house.pids()) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_a_job_whose_making_was_never_answered_is_adopted(times: int, cloud_house: CloudHouse) -> None:
    """Lost once, boto3 itself sends again and meets its own job; lost twice, we look for it."""
    cloud_house.double.fault("lost", CREATED, times)
    cloud_house.train()
    assert cloud_house.ended().state == JobState.SUCCEEDED
    assert len(cloud_house.pids()) == 1


def test_an_answer_lost_for_another_spec_is_a_conflict(cloud_house: CloudHouse) -> None:
    cloud_house.train(steps="1")
    cloud_house.double.fault("lost", "DescribeTrainingJob", 1)
    with pytest.raises(JobConflict):
        cloud_house.train(steps="2")


def test_a_job_that_somebody_else_made_without_our_tag_is_not_adopted(cloud_house: CloudHouse) -> None:
    cloud_house.train()
    cloud_house.double.tags.pop(cloud_house.double.trainings[cloud_house.job_name("t-1")].arn)
    with pytest.raises(JobConflict):
        cloud_house.train()


def test_a_transform_whose_making_was_never_answered_is_adopted(cloud_house: CloudHouse) -> None:
    cloud_house.double.fault("lost", "CreateTransformJob", 2)
    cloud_house.transform(["a", "b"])
    assert cloud_house.ended("b-1").state == JobState.SUCCEEDED
    assert len(cloud_house.double.called("CreateTransformJob", cloud_house.job_name("b-1"))) <= 2


# While it runs


def test_a_job_without_a_machine_fails_in_a_category_of_its_own(cloud_house: CloudHouse) -> None:
    said = "CapacityError: Unable to provision requested ML compute capacity."
    for kind in ("TrainingJob", "TransformJob"):
        cloud_house.double.fault("job", kind, text=said)
    cloud_house.train()
    cloud_house.transform(["a"])
    for name in ("t-1", "b-1"):
        seen = cloud_house.ended(name)
        assert (seen.state, seen.failure_code) == (JobState.FAILED, "capacity")
        assert seen.failure_reason == said


def test_a_status_nobody_knows_is_a_job_at_work(cloud_house: CloudHouse) -> None:
    cloud_house.double.fault("secondary", "TrainingJob", text="Levitating")
    cloud_house.train(do="sleep")
    seen = cloud_house.when("t-1", lambda one: one.sub_state == "Levitating")
    assert seen.state == JobState.RUNNING
    job = cloud_house.double.trainings[cloud_house.job_name("t-1")]
    job.status = "Dreaming"
    assert cloud_house.backend.observe("t-1").state == JobState.RUNNING
    job.status = "InProgress"


def test_an_interrupted_spot_training_goes_on_from_its_checkpoint(cloud_house: CloudHouse) -> None:
    cloud_house.choose(spot=True)
    cloud_house.train(steps="12", seconds="0.1")
    cloud_house.when("t-1", lambda seen: seen.metrics.get("step", 0) >= 5)
    cloud_house.double.trainings[cloud_house.job_name("t-1")].interrupted.set()
    seen = cloud_house.ended()
    assert (seen.state, seen.metrics["step"]) == (JobState.SUCCEEDED, 12)
    begun = [int(line.split()[-1]) for line in seen.log_tail.splitlines() if line.startswith("from step")]
    assert begun[0] == 0 and 1 <= begun[1] <= 11
    assert len(cloud_house.pids()) == 2 and len(cloud_house.jobs("t-1")) == 1


def test_a_spot_training_that_waited_too_long_is_timed_out_not_stopped(cloud_house: CloudHouse) -> None:
    cloud_house.choose(spot=True, spot_wait_seconds=0)
    cloud_house.train(max_seconds=1, do="sleep")
    seen = cloud_house.ended()
    assert (seen.state, "spare machine" in seen.failure_reason) == (JobState.TIMED_OUT, True), seen


def test_a_stop_that_meets_the_end_is_no_error(cloud_house: CloudHouse) -> None:
    cloud_house.train()
    cloud_house.ended()
    jobs = cloud_house.backend.trainings.jobs
    jobs.stop(cloud_house.job_name("t-1"), {"TrainingJobStatus": "InProgress"})
    assert cloud_house.backend.observe("t-1").state == JobState.SUCCEEDED


def test_a_stopped_training_that_saved_a_model_is_still_no_success(cloud_house: CloudHouse) -> None:
    """SageMaker packs what lies in `model/` also after a stop, and its own waiters call that a success."""
    cloud_house.train(steps="1", do="learn")
    cloud_house.ended()
    job = cloud_house.double.trainings[cloud_house.job_name("t-1")]
    job.status, job.secondary = "Stopped", "Stopped"
    seen = cloud_house.backend.observe("t-1")
    assert (seen.state, seen.artifact_uri) == (JobState.STOPPED, None)


# What a job leaves


def test_a_completed_training_whose_artifact_is_gone_is_a_failure(cloud_house: CloudHouse) -> None:
    cloud_house.train()
    seen = cloud_house.ended()
    cloud_house.backend.delete_prefix(str(seen.artifact_uri))
    again = cloud_house.backend.observe("t-1")
    assert (again.state, again.artifact_uri) == (JobState.FAILED, None)
    assert "no usable artifact" in again.failure_reason


def test_a_completed_training_that_left_nothing_is_a_failure(cloud_house: CloudHouse) -> None:
    cloud_house.train(do="empty")
    assert cloud_house.ended().state == JobState.FAILED


def test_an_altered_artifact_is_told_when_it_is_read_whole(cloud_house: CloudHouse, tmp_path: Path) -> None:
    cloud_house.train(do="bad_artifact")
    cloud_house.backend.get(str(cloud_house.ended().artifact_uri), tmp_path / "model.tar.gz")
    with pytest.raises(ArtifactError) as raised:
        unpack_artifact(tmp_path / "model.tar.gz", tmp_path / "model")
    assert raised.value.code == "hash_mismatch"


@pytest.mark.parametrize("text", ["refuse", "die always"])
def test_a_transform_that_lost_a_file_fails_and_leaves_no_output(text: str, cloud_house: CloudHouse) -> None:
    cloud_house.transform(["a", text, "b"])
    assert cloud_house.ended("b-1").state == JobState.FAILED
    assert not cloud_house.backend.exists(cloud_house.uri("out"))


def test_a_transform_that_left_an_answer_out_is_not_taken(cloud_house: CloudHouse) -> None:
    cloud_house.transform(["a", "swallow", "b"])
    seen = cloud_house.ended("b-1")
    assert (seen.state, seen.output_uri) == (JobState.FAILED, None)
    assert seen.failure_reason == "part-00000.jsonl.out has 2 lines for 3 records"


def test_empty_lines_between_answers_do_not_count(cloud_house: CloudHouse) -> None:
    cloud_house.double.empty_lines_between_answers = True
    cloud_house.transform(["a", "b"])
    assert cloud_house.ended("b-1").state == JobState.SUCCEEDED
    assert [record["said"] for record in cloud_house.output()] == ["a", "b"]


def test_a_worker_killed_after_the_join_and_before_its_mark_joins_again(
    cloud_house: CloudHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(uri: str) -> None:
        raise Killed

    cloud_house.transform(["a", "b"])
    with monkeypatch.context() as patch:
        patch.setattr(cloud_house.backend.objects, "mark", killed)
        with pytest.raises(Killed):
            cloud_house.ended("b-1")
    assert cloud_house.ended("b-1").state == JobState.SUCCEEDED
    assert [record["said"] for record in cloud_house.output()] == ["a", "b"]


# Reading and permissions


def test_a_description_that_fails_is_no_news_of_the_job(cloud_house: CloudHouse) -> None:
    cloud_house.train(do="sleep")
    cloud_house.double.fault("error", "DescribeTrainingJob", times=2)
    with pytest.raises(PlatformUnavailable):
        cloud_house.backend.observe("t-1")
    assert not cloud_house.backend.observe("t-1").state.is_final


def test_what_the_policy_forbids_is_said_and_not_tried_for_ever(cloud_house: CloudHouse) -> None:
    cloud_house.double.fault("deny", CREATED)
    with pytest.raises(NotAllowed, match="not authorized") as raised:
        cloud_house.train()
    assert not raised.value.retryable


# Endpoints


def wish(house: CloudHouse, artifact: str = "first", **environment: str) -> str:
    uri = house.artifact(artifact)
    house.backend.put_endpoint(EndpointSpec("live", uri, environment))
    return uri


def served(house: CloudHouse, uri: str) -> None:
    def is_so() -> bool:
        seen = house.backend.observe_endpoint("live")
        return (seen.state, seen.artifact_uri, seen.reason) == ("in_service", uri, "")

    until(is_so, "live", lambda: house.backend.observe_endpoint("live"))


def test_an_update_while_updating_is_busy_and_the_same_wish_again_is_not(cloud_house: CloudHouse) -> None:
    cloud_house.choose(canary_seconds=60)
    first = wish(cloud_house)
    served(cloud_house, first)
    wish(cloud_house, "second")
    wish(cloud_house, "second")
    with pytest.raises(EndpointBusy) as raised:
        wish(cloud_house, "third")
    assert raised.value.retryable
    seen = cloud_house.backend.observe_endpoint("live")
    assert (seen.state, seen.artifact_uri, seen.reason) == ("in_service", first, "updating")


def alarm(house: CloudHouse, state: str) -> None:
    name = f"{house.job_name('live')}-errors"
    house.double.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def test_an_alarm_undoes_an_update_which_is_not_tried_again_until_another_wish(
    cloud_house: CloudHouse,
) -> None:
    cloud_house.choose(canary_seconds=60)
    first = wish(cloud_house)
    served(cloud_house, first)
    second = wish(cloud_house, "second")
    alarm(cloud_house, "ALARM")
    until(lambda: "rolled back" in cloud_house.backend.observe_endpoint("live").reason)
    assert cloud_house.backend.observe_endpoint("live").artifact_uri == first
    alarm(cloud_house, "OK")
    asked = len(cloud_house.double.called("UpdateEndpoint", cloud_house.job_name("live")))
    wish(cloud_house, "second")
    assert len(cloud_house.double.called("UpdateEndpoint", cloud_house.job_name("live"))) == asked
    wish(cloud_house)
    served(cloud_house, first)
    cloud_house.choose(canary_seconds=0)
    wish(cloud_house, "second")
    served(cloud_house, second)


def test_a_first_endpoint_that_failed_is_deleted_then_made_anew(cloud_house: CloudHouse) -> None:
    cloud_house.double.fault("job", "Endpoint", text="CapacityError: Insufficient capacity")
    wish(cloud_house)
    until(lambda: cloud_house.backend.observe_endpoint("live").state == "failed")
    with pytest.raises(EndpointBusy):
        wish(cloud_house)
    until(lambda: cloud_house.backend.observe_endpoint("live").state == "absent")
    served(cloud_house, wish(cloud_house))


def test_a_configuration_that_is_not_to_be_seen_yet_is_asked_for_again(cloud_house: CloudHouse) -> None:
    cloud_house.double.fault("lag", "EndpointConfig")
    with pytest.raises(PlatformUnavailable):
        wish(cloud_house)
    served(cloud_house, wish(cloud_house))


def test_old_and_new_side_by_side_is_a_failure_that_names_no_artifact(cloud_house: CloudHouse) -> None:
    served(cloud_house, wish(cloud_house))
    cloud_house.double.fault("status", "Endpoint", text="UpdateRollbackFailed")
    seen = cloud_house.backend.observe_endpoint("live")
    assert (seen.state, seen.artifact_uri) == ("failed", None)
    cloud_house.double.fault("status", "Endpoint", text="Contemplating")
    assert cloud_house.backend.observe_endpoint("live").state == "in_service"


def test_an_observer_that_crashes_or_is_slow_does_not_touch_production(cloud_house: CloudHouse) -> None:
    served(cloud_house, wish(cloud_house))
    backend = cloud_house.backend
    backend.put_endpoint(EndpointSpec("observer", cloud_house.artifact("second")))
    until(lambda: backend.observe_endpoint("observer").state == "in_service")
    record: dict[str, Any] = {"id": "1", "text": "die always"}
    with pytest.raises(Exception, match="observer"):
        backend.invoke("observer", [record], 5)
    assert backend.invoke("live", [{"id": "1", "text": "hello"}], 10)[0]["said"] == "hello"
