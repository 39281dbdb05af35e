"""Runs, versions and the policy over HTTP: what the pages are told, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ml import metrics
from tests import factories
from training import actions
from training.models import DatasetSnapshot, ModelVersion, RetrainPolicy, RunMetric, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)

LABELS = ["billing", "delivery", "returns"]


def signed_in(role: str = "annotator") -> Client:
    client = Client()
    client.force_login(factories.person(f"{role}-1", role))
    return client


def patch(client: Client, **changes: Any) -> Any:
    return client.patch("/api/policy/", changes, content_type="application/json")


def make_run(state: str = "succeeded", **fields: Any) -> TrainingRun:
    reason = {"code": "enough_labels", "params": {"new": 50, "needed": 50}}
    return TrainingRun.objects.create(**{"state": state, "reason": reason, **fields})


def make_snapshot(rows: int = 120) -> DatasetSnapshot:
    number = DatasetSnapshot.objects.count()
    return DatasetSnapshot.objects.create(
        fingerprint=f"{number:064x}",
        uri="file:///x",
        rows=rows,
        services={"billing": rows},
        last_annotation_id=1,
    )


def make_version(number: int, truth: list[str] | None = None, guess: list[str] | None = None) -> ModelVersion:
    version = ModelVersion.objects.create(
        number=number,
        kind="classifier",
        run=make_run(snapshot=make_snapshot(100 + number)),
        artifact_uri="file:///x",
        manifest={
            "base_model": "some-bert",
            "temperature": 1.2,
            "metrics": {"chosen": "probe", "n_rows": 101},
        },
        manifest_hash=str(number),
        encoder="e" * 16,
        dim=8,
        labels=LABELS,
    )
    if truth and guess:
        figures = metrics.evaluate(truth, guess, None, LABELS)
        actions.evaluation_record(
            model_version_id=version.pk, fingerprint=f"f{number}", n=len(truth), metrics=figures
        )
    return version


def test_a_versions_page_gets_the_whole_report_with_intervals_and_the_version_before() -> None:
    make_version(1, ["billing", "returns"], ["billing", "billing"])
    make_version(2, ["billing", "returns", "returns"], ["billing", "returns", "billing"])
    answer = signed_in().get("/api/models/2/").json()
    assert (answer["is_current"], answer["rows"], answer["base_model"]) == (True, 102, "some-bert")
    report = answer["evaluation"]["metrics"]
    assert report["accuracy"] == pytest.approx(2 / 3)
    low, high = report["accuracy_interval"]
    assert low < 2 / 3 < high
    returns = next(one for one in report["per_service"] if one["label"] == "returns")
    assert (returns["precision"], returns["recall"], returns["support"]) == (1.0, 0.5, 2)
    delivery = next(one for one in report["per_service"] if one["label"] == "delivery")
    assert delivery["precision"] is None and delivery["precision_interval"] is None
    assert report["confusion"]["rows_true_columns_predicted"] == [[1, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert answer["previous"]["version"] == 1
    assert answer["previous"]["evaluation"]["accuracy"] == 0.5
    assert answer["training"]["chosen"] == "probe"


def test_a_version_never_measured_has_no_evaluation_and_the_first_has_none_before() -> None:
    make_version(1)
    answer = signed_in().get("/api/models/1/").json()
    assert (answer["evaluation"], answer["previous"], answer["evaluations"]) == (None, None, [])


def test_an_older_report_with_fewer_figures_is_still_shown() -> None:
    version = make_version(1)
    actions.evaluation_record(model_version_id=version.pk, fingerprint="f", n=3, metrics={"accuracy": 0.5})
    evaluation = signed_in().get("/api/models/1/").json()["evaluation"]
    assert (evaluation["accuracy"], evaluation["metrics"]["per_service"]) == (0.5, [])


def test_the_list_of_versions_takes_no_query_a_row(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(1, 13):
        make_version(number, ["billing"], ["billing"])
    client = signed_in()
    with django_assert_max_num_queries(8):
        rows = client.get("/api/models/").json()["results"]
    assert [row["version"] for row in rows] == list(range(12, 0, -1))
    assert [row["is_current"] for row in rows] == [True] + [False] * 11
    assert "metrics" not in rows[0]["evaluation"]


def test_runs_come_newest_first_a_page_at_a_time() -> None:
    made = [make_run().pk for _ in range(35)]
    client = signed_in()
    first = client.get("/api/runs/").json()
    rest = client.get("/api/runs/", {"cursor": first["next"]}).json()
    assert [run["id"] for run in first["results"] + rest["results"]] == made[::-1]
    assert rest["next"] is None
    assert client.get("/api/runs/", {"cursor": "x"}).json()["error"]["code"] == "bad_cursor"


def test_a_runs_page_gets_the_curve_of_this_attempt_only() -> None:
    run = make_run("running", attempt=2)
    RunMetric.objects.create(run=run, attempt=1, step=1, name="train_loss", value=9.0)
    RunMetric.objects.create(run=run, attempt=2, step=1, name="train_loss", value=2.0)
    answer = signed_in().get(f"/api/runs/{run.pk}/").json()
    assert answer["metrics"] == [{"step": 1, "name": "train_loss", "value": 2.0}]
    assert answer["can"] == {"cancel": True, "retry": False}


def test_annotators_look_but_neither_start_nor_stop_a_training() -> None:
    run = make_run("running")
    client = signed_in()
    assert client.get("/api/runs/").status_code == 200
    for address in ("/api/runs/", f"/api/runs/{run.pk}/cancel/", f"/api/runs/{run.pk}/retry/"):
        assert client.post(address).status_code == 403
    assert client.get("/api/policy/").status_code == 403
    run.refresh_from_db()
    assert run.cancel_requested_at is None


def test_a_training_without_labels_of_two_services_is_refused_in_figures() -> None:
    answer = signed_in("lead").post("/api/runs/")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "too_few_services"
    assert answer.json()["error"]["params"] == {"have": 0, "needed": 2}
    assert not TrainingRun.objects.exists()


def test_the_policy_says_when_its_clock_next_strikes_and_what_it_last_decided() -> None:
    client = signed_in("lead")
    assert client.get("/api/policy/").json()["next_at"] is None
    actions.policy_apply()
    answer = patch(client, cron="0 6 * * 1", min_new_labels=30).json()
    assert (answer["min_new_labels"], answer["zone"]) == (30, "Europe/Paris")
    assert answer["next_at"] is not None
    assert answer["decision"]["code"] == "too_few_labels"
    assert RetrainPolicy.objects.get().min_new_labels == 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cron": "every monday"}, "bad_schedule"),
        ({"cron": "0 0 30 2 *"}, "bad_schedule"),
        ({"min_new_labels": 0}, "invalid"),
        ({"epochs": -1}, "invalid"),
        ({"cooldown_minutes": "soon"}, "invalid"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_and_the_old_one_stands(
    changes: dict[str, Any], code: str
) -> None:
    client = signed_in("lead")
    before = client.get("/api/policy/").json()
    answer = patch(client, min_new_labels=changes.pop("min_new_labels", 77), **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert client.get("/api/policy/").json() == before


def test_a_crontab_line_can_be_tried_before_it_is_saved() -> None:
    client = signed_in("lead")
    tried = client.get("/api/policy/schedule/", {"cron": "30 6 * * *"}).json()
    assert (
        tried["zone"] == "Europe/Paris" and len(tried["next"]) == 3 and tried["next"] == sorted(tried["next"])
    )
    refused = client.get("/api/policy/schedule/", {"cron": "30 6 * *"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_schedule")
    assert RetrainPolicy.objects.count() == 0
