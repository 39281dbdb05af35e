"""Services over HTTP: made, renamed, switched off; what cannot be is refused with its code."""

from typing import Any

import pytest
from django.test import Client

from annotation.models import Service
from annotation.signals import services_changed
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def client(lea: Any) -> Client:
    signed_in = Client()
    signed_in.force_login(lea)
    return signed_in


def make(client: Client, **fields: Any) -> Any:
    return client.post("/api/services/", fields, JSON)


def change(client: Client, service: Service, **fields: Any) -> Any:
    return client.patch(f"/api/services/{service.pk}/", fields, JSON)


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_service_needs_a_name_alone_and_gets_the_rest(client: Client) -> None:
    first, second = make(client, name="Delivery").json(), make(client, name="Été & Noël").json()
    assert (first["code"], first["key"], first["color"], first["position"]) == ("delivery", "1", 0, 0)
    assert (second["code"], second["key"], second["color"], second["position"]) == ("ete-noel", "2", 1, 1)
    assert first["is_active"] and first["label_count"] == 0


def test_two_names_of_one_code_are_told_apart(client: Client) -> None:
    assert make(client, name="After sales").json()["code"] == "after-sales"
    assert make(client, name="After-sales").json()["code"] == "after-sales-2"
    assert make(client, name="售后").json()["code"] == "service"


def test_renaming_keeps_the_code_and_the_key(client: Client, delivery: Service) -> None:
    renamed = change(client, delivery, name="Parcels", name_fr="Colis").json()
    assert (renamed["name"], renamed["name_fr"]) == ("Parcels", "Colis")
    assert (renamed["code"], renamed["key"]) == (delivery.code, delivery.key)


@pytest.mark.parametrize(("fields", "code"), [
    ({"name": "DELIVERY "}, "name_taken"),
    ({"name": "Refunds", "key": "1"}, "key_taken"),
    ({"name": "Refunds", "key": "u"}, "key_not_allowed"),
    ({"name": "Refunds", "key": "ß"}, "key_not_allowed"),
])  # fmt: skip
def test_what_people_could_not_tell_apart_is_refused(
    client: Client, delivery: Service, billing: Service, fields: dict[str, str], code: str
) -> None:
    assert refused(make(client, **fields)) == (400, code)
    assert refused(change(client, billing, **fields)) == (400, code)
    assert Service.objects.count() == 2


@pytest.mark.parametrize("fields", [
    {}, {"name": ""}, {"name": "   "}, {"name": "x" * 81}, {"name": None}, {"name": "x", "key": "ab"},
    {"name": "x", "color": -1}, {"name": "x", "keywords": "one"}, {"name": "x", "keywords": ["y" * 81]},
    {"name": "x", "position": 10**12}, {"name": "nul\x00"},
])  # fmt: skip
def test_fields_of_the_wrong_kind_are_named(client: Client, fields: dict[str, Any]) -> None:
    answer = make(client, **fields)
    assert refused(answer) == (400, "invalid") and answer.json()["error"]["fields"]
    assert not Service.objects.exists()


def test_the_code_cannot_be_chosen_or_changed(client: Client, delivery: Service) -> None:
    assert change(client, delivery, code="other").json()["code"] == "delivery"
    assert make(client, name="Billing", code="mine").json()["code"] == "billing"


def test_keys_run_out_gracefully(client: Client) -> None:
    keys = [make(client, name=f"Desk {number}").json()["key"] for number in range(40)]
    given = [key for key in keys if key]
    assert len(set(given)) == len(given) >= 26
    assert keys[-1] == "" and not set(given) & set("afhnstxcuv")


def test_switching_off_keeps_labels_and_says_so_to_the_layers_above(
    client: Client, delivery: Service, django_capture_on_commit_callbacks: Any
) -> None:
    factories.labelled(factories.ticket(), delivery)
    heard: list[list[int]] = []
    services_changed.connect(lambda service_ids, **_: heard.append(service_ids), weak=False, dispatch_uid="t")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            off = change(client, delivery, is_active=False).json()
    finally:
        services_changed.disconnect(dispatch_uid="t")
    assert (off["is_active"], off["label_count"]) == (False, 1)
    assert heard == [[delivery.pk]]
    assert change(client, delivery, is_active=True).json()["is_active"] is True


def test_a_service_that_is_not_there_is_404(client: Client) -> None:
    assert refused(client.patch("/api/services/987654321/", {"name": "x"}, JSON)) == (404, "not_found")


def test_an_annotator_reads_services_and_changes_none(alice: Any, delivery: Service) -> None:
    annotator = Client()
    annotator.force_login(alice)
    assert annotator.get("/api/services/").json()["results"][0]["name"] == "Delivery"
    assert make(annotator, name="x").status_code == change(annotator, delivery, name="x").status_code == 403
