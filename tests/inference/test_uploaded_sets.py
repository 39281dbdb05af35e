"""Uploaded test sets: read like tickets, answered by a batch transform, measured once, and never near the pool."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.models import Service, Ticket
from compute.port import ComputeBackend
from inference import actions, runs, testing
from inference.models import TestAnswer, TransformPurpose, TransformRun
from ml.schema import TransformOutput, WireError
from tests import factories
from tests.compute.conftest import until
from tests.inference.desk import Desk
from training import selectors as measured
from training.models import Evaluation, ModelVersion, TestRow, TestSet

pytestmark = pytest.mark.django_db

ROWS = """text,service,language
the billing of bob@example.com,Billing,EN
a delivery to me,delivery,fr
a delivery again,Returns,fr
something else,none,fr
"""


def lead() -> Client:
    client = Client()
    client.force_login(factories.person("chloe", "lead"))
    return client


def upload(content: str, name: str = "march.csv", **fields: str) -> Any:
    return lead().post("/api/test-sets/", {"file": SimpleUploadedFile(name, content.encode()), **fields})


def code(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


@pytest.fixture
def services(db: None) -> None:
    for name in ("Billing", "Delivery", "Returns"):
        factories.service(name)


def test_a_set_is_masked_counted_and_kept_apart_from_tickets(services: None) -> None:
    made = upload(ROWS).json()
    assert (made["name"], made["rows"], made["rejected"]) == ("march.csv", 4, 0)
    assert made["services"] == {"": 1, "billing": 1, "delivery": 1, "returns": 1}
    texts = list(TestRow.objects.values_list("text", flat=True))
    assert not any("bob@example.com" in text for text in texts)
    assert not Ticket.objects.exists()
    assert upload(ROWS, "again.csv").json()["id"] == made["id"]


def test_rows_that_cannot_be_taken_are_named_and_the_others_are_taken(services: None) -> None:
    made = upload(ROWS + ",Billing,en\nwhere is it,Warehouse,en\na delivery to me,Billing,en\n").json()
    assert [(one["line"], one["code"]) for one in made["errors"]] == [
        (6, "empty_text"), (7, "unknown_service"), (8, "repeated_text"),
    ]  # fmt: skip
    assert (made["rows"], made["rejected"]) == (4, 3)


def test_what_teaches_a_model_does_not_test_it(services: None) -> None:
    known = factories.ticket("a delivery to me")
    factories.labelled(known, Service.objects.get(code="delivery"))
    control = factories.ticket("a delivery again", audit=True)
    factories.labelled(control, Service.objects.get(code="delivery"))
    made = upload(ROWS).json()
    assert (made["rows"], made["taught"]) == (3, 1)


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        ("", {}, "empty_file"),
        ("text\nhello\n", {}, "label_column_needed"),
        ("text,service\nhello,Billing\n", {"text_column": "body"}, "unknown_column"),
        ("text,service\nhello,Warehouse\n", {}, "nothing_to_test"),
    ],
)
def test_a_file_that_is_no_test_set_is_refused_in_words(
    services: None, content: str, fields: dict[str, str], expected: str
) -> None:
    answer = upload(content, **fields)
    assert (answer.status_code, code(answer)) == (400, expected)
    assert not TestSet.objects.exists()


def test_json_lines_are_read_too(services: None) -> None:
    made = upload(
        '{"text": "pay me", "label": "billing"}\n{"text": "hello", "label": null}\n', "x.jsonl"
    ).json()
    assert made["services"] == {"": 1, "billing": 1}


def test_a_version_answers_a_set_by_batch_transform_and_is_measured_on_it_once(quiet_desk: Desk) -> None:
    upload(ROWS + "broken,Returns,fr\n")
    test_set, version, backend = TestSet.objects.get(), quiet_desk.version, quiet_desk.house.backend
    run = actions.transform_plan(model_version=version, purpose=TransformPurpose.TEST, test_set=test_set)
    assert run is not None

    def ended() -> bool:
        runs.advance(run.pk, backend)
        run.refresh_from_db()
        return run.state in ("succeeded", "failed")

    until(ended, "the transform")
    assert (run.state, run.loaded, run.rejected) == ("succeeded", 4, 1)
    assert not testing.rows_unanswered(version, test_set).exists() and not Ticket.objects.exists()
    evaluation = actions.test_evaluate(model_version=version, test_set=test_set)
    assert actions.test_evaluate(model_version=version, test_set=test_set) == evaluation
    assert (evaluation.n, evaluation.accuracy) == (3, pytest.approx(2 / 3))
    report = evaluation.metrics
    assert (report["tickets"], report["unusable"], report["out_of_scope"]["tickets"]) == (5, 1, 1)
    shown = lead().get(f"/api/models/1/evaluation/?test_set={test_set.pk}").json()
    assert shown["evaluation"]["metrics"]["accuracy"] == pytest.approx(2 / 3)
    wrong = lead().get(f"/api/models/1/tickets/?test_set={test_set.pk}&truth=returns&guess=delivery").json()
    assert [one["text"] for one in wrong["results"]] == ["a delivery again"]
    listed = lead().get("/api/test-sets/").json()["results"]
    assert [(one["version"], one["n"]) for one in listed[0]["evaluations"]] == [(1, 3)]


def test_a_test_set_neither_certifies_nor_counts_as_the_evaluation_of_a_version(quiet_desk: Desk) -> None:
    upload(ROWS)
    version, test_set = quiet_desk.version, TestSet.objects.get()
    testing.load(version, (refusal(row) for row in TestRow.objects.all()))
    actions.test_evaluate(model_version=version, test_set=test_set)
    assert Evaluation.objects.get().metrics["state"] == "unusable_probabilities"
    assert measured.latest_evaluation(version) is None
    assert actions.certificate_try(model_version=version) is None
    assert lead().get("/api/models/1/").json()["evaluation"] is None


def refusal(row: TestRow) -> TransformOutput:
    return TransformOutput(f"{row.pk}.{row.text_hash}", "", "m", error=WireError("model_failed", "no"))


def test_answers_that_come_twice_are_kept_once(quiet_desk: Desk) -> None:
    upload(ROWS)
    for _ in range(2):
        testing.load(quiet_desk.version, (refusal(row) for row in TestRow.objects.all()))
    assert TestAnswer.objects.count() == 4 and not TransformRun.objects.exists()


def test_beat_finds_a_set_that_waits_and_measures_the_newest_version_on_it(
    backend: ComputeBackend, services: None
) -> None:
    newest = ModelVersion.objects.create(
        number=1, kind="classifier", artifact_uri="file:///none", manifest_hash="1", encoder="e" * 16, dim=8,
        labels=["billing", "delivery"],
    )  # fmt: skip
    upload(ROWS)
    actions.work_find(backend=backend, live=False)
    run = TransformRun.objects.get(purpose=TransformPurpose.TEST)
    assert (run.model_version, run.test_set) == (newest, TestSet.objects.get())
    actions.work_find(backend=backend, live=False)
    assert TransformRun.objects.filter(purpose=TransformPurpose.TEST).count() == 1
    testing.load(newest, (refusal(row) for row in TestRow.objects.all()))
    TransformRun.objects.update(state="succeeded")
    actions.work_find(backend=backend, live=False)
    assert measured.latest_evaluation(newest, TestSet.objects.get().pk) is not None
