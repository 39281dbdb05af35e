"""Runs on SageMaker, through its double: the same state machine, what it costs, and what leaves the house."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from compute.port import JobState, Observation
from tests import factories
from training import actions, costs, runs, selectors
from training.models import JobCost, ModelVersion, RetrainPolicy, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    from tests.compute.cloud import account
    from tests.compute.sagemaker_double import Programs
    from tests.training.workshop import PROGRAM

    with account() as double:
        double.images["small"] = Programs([sys.executable, str(PROGRAM)], [])
        yield double


@pytest.fixture
def cloud(account: Any, tmp_path: Path, settings: Any) -> Iterator[Any]:
    """A workshop whose trainings run in the cloud; its base model lies on this machine."""
    from tests.compute.cloud import CloudHouse
    from tests.training.workshop import Workshop

    house = CloudHouse(tmp_path, account, prices={"ml.m5.2xlarge": 3600.0})
    house.choose(image="small")
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    settings.BASE_MODEL = str(base)
    settings.ARTIFACTS_URI = house.root
    yield Workshop(house)
    house.close()


def test_a_run_goes_its_way_in_the_cloud_with_nothing_else_changed(cloud: Any) -> None:
    run = cloud.plan()
    assert cloud.step(run) == "submitting"
    assert cloud.house.jobs(run.job_name) == [], "committed before AWS is called"
    cloud.until(run, "succeeded")
    assert ModelVersion.objects.get().artifact_uri == run.artifact_uri
    assert [point.name for point in run.metrics.all()].count("train_loss") == 1
    assert f"TrainingJobs$3FlogStreamNameFilter$3D{cloud.house.job_name(run.job_name)}" in run.log_url
    cost = JobCost.objects.get()
    assert (cost.run, cost.instance_type, cost.seconds >= 1) == (run, "ml.m5.2xlarge", True)


def test_a_throttled_start_leaves_the_row_as_it_was_and_says_for_what_it_waits(cloud: Any) -> None:
    run = cloud.plan()
    cloud.until(run, "submitting")
    cloud.house.double.fault("throttle", "CreateTrainingJob", times=2)
    assert (cloud.step(run), run.sub_state) == ("submitting", "throttled")
    cloud.until(run, "succeeded")
    assert len(cloud.starts()) == 1


class Killed(BaseException):
    """Stands for a kill -9 at this very line."""


@pytest.mark.parametrize("boundary", ["before the call", "after the call", "in the call"])
def test_a_worker_killed_around_the_call_to_aws_submits_nothing_twice(
    boundary: str, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cloud.plan()
    cloud.until(run, "submitting")
    real = cloud.backend.start_training

    def killed(spec: Any) -> None:
        if boundary == "in the call":  # AWS took it, and nobody heard
            cloud.house.double.fault("lost", "CreateTrainingJob", times=2)
        if boundary != "before the call":
            real(spec)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(cloud.backend, "start_training", killed)
        with pytest.raises(Killed):
            cloud.step(run)
    run.refresh_from_db()
    assert run.state == "submitting"
    cloud.until(run, "succeeded")
    assert cloud.starts() == [cloud.house.job_name(run.job_name)]


def test_a_run_without_a_machine_fails_as_that_and_its_retry_is_another_job(cloud: Any) -> None:
    cloud.house.double.fault("job", "TrainingJob", text="CapacityError: no machine")
    run = cloud.until(cloud.plan(), "failed")
    first = run.job_name
    assert (run.failure_code, run.failure_reason) == ("capacity", "CapacityError: no machine")
    actions.run_retry(run_id=run.pk)
    run.refresh_from_db()
    cloud.until(run, "succeeded")
    assert run.job_name != first and "-a2-" in run.job_name


def test_an_artifact_cut_short_in_s3_is_never_registered(cloud: Any) -> None:
    run = cloud.until(cloud.plan(), "running")
    cloud.until_job(run, lambda seen: seen.state == JobState.SUCCEEDED)
    uri = str(cloud.backend.observe(run.job_name).artifact_uri)
    with cloud.backend.open(uri) as stream:
        half = stream.read()[:200]
    (cloud.house.folder / "half").write_bytes(half)
    cloud.backend.put(cloud.house.folder / "half", uri)
    cloud.until(run, "failed")
    assert run.failure_code == "artifact_refused" and not ModelVersion.objects.exists()


def texts_of(content: bytes) -> bytes:
    """An object's bytes, an archive's members unpacked."""
    if content[:2] != b"\x1f\x8b":
        return content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = [archive.extractfile(member) for member in archive.getmembers()]
        return b"".join(member.read() for member in members if member is not None)


def test_only_masked_text_reaches_s3(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object that a run ever wrote is read, also those it deletes at its end."""
    secrets = ["marie.dupont@example.com", "06 12 34 56 78", "FR7630006000011234567890189"]
    for number, secret in enumerate(secrets * 2):
        ticket = factories.ticket(f"Parcel {number} is late, write to {secret} please")
        if number < 3:
            cloud.label(ticket, number % 2)
    run = cloud.plan()
    cloud.until(run, "submitting")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "_forget_pool", lambda *_: None)  # so that it can be read
        cloud.until(run, "succeeded")
    bucket, prefix = cloud.house.root.removeprefix("s3://").split("/")
    s3 = cloud.house.double.buckets.client
    keys = cloud.house.double.buckets.keys(f"s3://{bucket}/{prefix}/")
    found = {key: texts_of(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}
    assert any(b"is late" in body for key, body in found.items() if "pool" in key), sorted(found)
    assert any(b"is late" in body for key, body in found.items() if "rows.jsonl" in key), sorted(found)
    for key, body in found.items():
        for secret in secrets:
            assert secret.encode() not in body and json.dumps(secret).strip('"').encode() not in body, key


# Costs


def seen(seconds: int | None, price: float | None = 0.5, kind: str = "ml.m5.large") -> Observation:
    return Observation(JobState.RUNNING, instance_type=kind, billable_seconds=seconds, price_per_hour=price)


def test_billed_seconds_of_a_job_never_go_down_and_a_job_on_this_machine_costs_nothing() -> None:
    for seconds in (None, 10, 7200, 30):
        costs.cost_record(job_name="t-1", purpose="training", seen=seen(seconds))
    costs.cost_record(job_name="t-2", purpose="training", seen=Observation(JobState.SUCCEEDED))
    row = JobCost.objects.get()
    assert (row.seconds, row.amount) == (7200, 1.0)


def test_a_months_cost_leaves_out_other_months_and_tells_what_has_no_price(settings: Any) -> None:
    settings.INSTALLATION_TIME_ZONE = "Europe/Paris"
    moments = {
        "old": datetime(2026, 2, 28, 22, 59, tzinfo=UTC),
        "first": datetime(2026, 2, 28, 23, 1, tzinfo=UTC),  # March has begun in Paris
        "unpriced": datetime(2026, 3, 9, tzinfo=UTC),
    }
    for name, at in moments.items():
        costs.cost_record(
            job_name=name, purpose="transform", seen=seen(3600, None if name == "unpriced" else 2.0)
        )
        JobCost.objects.filter(job_name=name).update(at=at)
    month = costs.month_cost(datetime(2026, 3, 10, tzinfo=UTC))
    assert (month.amount, month.seconds, month.unpriced_seconds) == (2.0, 7200, 3600)
    assert costs.month_cost(datetime(2026, 4, 2, tzinfo=UTC)).amount == 0.0


def test_the_cap_holds_back_what_would_start_by_itself_and_no_person(cloud: Any) -> None:
    policy = selectors.policy_current()
    RetrainPolicy.objects.filter(pk=policy.pk).update(minimum_labels=2, min_new_labels=1, monthly_cap=1)
    costs.cost_record(job_name="t-1", purpose="training", seen=seen(7200))
    decision = actions.policy_apply()
    assert (decision.starts, decision.code) == (False, "cost_cap")
    assert decision.params == {"spent": 1.0, "cap": 1}
    assert cloud.plan().state == "planned"
    TrainingRun.objects.all().delete()
    JobCost.objects.update(at=timezone.now() - timedelta(days=40))
    assert actions.policy_apply().starts
