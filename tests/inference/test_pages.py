"""Try a ticket, the loop, Home and the admin, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from annotation.models import Annotation
from compute.port import ComputeBackend
from inference import actions, selectors
from inference.learner.worker import Resident
from inference.models import Deployment, Encoder, TransformRun
from tests.inference.cast import drive, label, make_services, make_tickets, until

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(role: str = "annotator") -> Client:
    client = Client()
    client.force_login(User.objects.create(username=f"{role}-1", role=role))
    return client


def post_try(client: Client, text: str) -> Any:
    return client.post("/api/try/", {"text": text}, content_type="application/json")


def test_nobody_tries_a_ticket_without_signing_in() -> None:
    assert post_try(Client(), "hello").status_code in (401, 403)


def test_before_any_model_the_page_is_told_so(backend: ComputeBackend) -> None:
    answer = post_try(signed_in(), "Where is my parcel? Write to eve@example.com").json()
    assert answer["state"] == "no_model"
    assert "eve@example.com" not in answer["masked_text"]
    assert answer["prediction"] is None


def test_while_the_endpoint_is_coming_up_the_page_is_told_to_wait(backend: ComputeBackend) -> None:
    actions.encoder_ensure(backend=backend)
    assert post_try(signed_in(), "hello").json()["state"] == "starting"


def test_an_empty_and_a_huge_text_are_refused(backend: ComputeBackend) -> None:
    client = signed_in()
    empty = post_try(client, "   ")
    assert (empty.status_code, empty.json()["error"]["code"]) == (400, "empty_text")
    huge = post_try(client, "x" * 100_001)
    assert (huge.status_code, huge.json()["error"]["code"]) == (400, "text_too_long")


def test_a_text_gets_a_service_a_confidence_and_its_nearest_labelled_tickets(
    backend: ComputeBackend, supervisor: object
) -> None:
    services = make_services()
    tickets = make_tickets(40)
    drive(backend)
    for number, ticket in enumerate(tickets[:20]):
        label(ticket, services[number % 3])
    Resident().refresh()
    until(lambda: actions.assistant_ensure(backend=backend).state == "in_service")  # type: ignore[union-attr]
    answer = post_try(signed_in(), tickets[0].text).json()
    assert answer["state"] == "ready"
    assert answer["model"] == {"version": 0, "kind": "encoder"}
    assert sum(p["probability"] for p in answer["probabilities"]) == pytest.approx(1.0, abs=1e-3)
    assert answer["prediction"]["service_id"] == answer["probabilities"][0]["service_id"]
    assert answer["nearest"][0]["ticket_id"] == tickets[0].pk
    assert answer["nearest"][0]["similarity"] == pytest.approx(1.0, abs=1e-3)
    assert 0 <= answer["outlier"] <= 1
    assert not Annotation.objects.filter(annotator__username="annotator-1").exists()
    deployment = Deployment.objects.get()
    actions.assistant_ensure(backend=backend)
    assert Deployment.objects.get() == deployment


def test_a_few_new_tickets_are_embedded_through_the_endpoint(
    backend: ComputeBackend, supervisor: object
) -> None:
    make_tickets(5)
    drive(backend)
    until(lambda: actions.assistant_ensure(backend=backend).state == "in_service")  # type: ignore[union-attr]
    before = TransformRun.objects.count()
    new = make_tickets(7, first=50)
    actions.work_find(backend=backend)
    encoder = selectors.current_encoder()
    assert encoder is not None
    assert encoder.embeddings.filter(ticket__in=new).count() == 7
    assert TransformRun.objects.count() == before


def test_the_loop_of_an_empty_house_says_what_is_missing() -> None:
    answer = signed_in().get("/api/loop/").json()
    boxes = {box["key"]: box for box in answer["boxes"]}
    assert list(boxes) == ["label", "train", "evaluate", "observe", "compare", "promote"]
    assert boxes["label"]["state"] == "blocked"
    assert boxes["label"]["next"]["code"] == "no_services"
    assert (answer["learner"], answer["model"], answer["run"]) == (None, None, None)
    assert answer["embedding"] == {"done": 0, "total": 0}


def test_only_those_who_can_mend_an_empty_house_are_asked_to() -> None:
    codes = [need["code"] for need in signed_in("lead").get("/api/home/").json()["needs"]]
    assert codes == ["no_services", "no_tickets"]
    assert signed_in("annotator").get("/api/home/").json()["needs"] == []


def test_the_loop_counts_towards_the_next_training(backend: ComputeBackend) -> None:
    services = make_services()
    tickets = make_tickets(8)
    actions.encoder_ensure(backend=backend)
    for ticket in tickets[:3]:
        label(ticket, services[0])
    answer = signed_in().get("/api/loop/").json()
    box = answer["boxes"][0]
    assert box["count"] == 3
    assert box["progress"]["done"] == answer["labels"]["since_last"] == 3
    assert box["state"] == "active"
    assert answer["embedding"] == {"done": 0, "total": 8}


def test_home_says_what_needs_me_and_hides_the_leads_work_from_annotators() -> None:
    services = make_services()
    tickets = make_tickets(4)
    label(tickets[0], services[0])
    label(tickets[1], services[0])
    tickets[2].status = "flagged"
    tickets[2].save()
    codes = [need["code"] for need in signed_in().get("/api/home/").json()["needs"]]
    assert "one_label_only" in codes and "flagged" not in codes
    codes = [need["code"] for need in signed_in("lead").get("/api/home/").json()["needs"]]
    assert "flagged" in codes


def test_the_admin_lists_without_a_query_a_row(
    backend: ComputeBackend, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    version = actions.encoder_ensure(backend=backend)
    for _ in range(12):
        TransformRun.objects.create(model_version=version, purpose="pool", state="succeeded")
    client = signed_in("admin")
    for name in ("encoder", "transformrun", "deployment"):
        with django_assert_max_num_queries(12):
            assert client.get(f"/admin/inference/{name}/").status_code == 200
    encoder = Encoder.objects.get()
    page = client.get(f"/admin/inference/encoder/{encoder.pk}/change/")
    assert page.status_code == 200
    assert client.get("/admin/inference/transformrun/?q=17").status_code == 200
