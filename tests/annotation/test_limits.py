"""Bad input and limits, as the desk meets them over HTTP: a clear state or error each time, and nothing is lost.

The same cases below HTTP: unknown and switched-off services, expired leases, double submits and other people's
leases in ``test_queue_answers.py``; ten people at once in ``test_queue_concurrency.py``; erased tickets in
``test_queue.py``. What the learner does at these limits is in ``tests/inference/test_limits.py`` and
``tests/inference/test_learner_worker.py``.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from annotation.actions import queue_claim
from annotation.actions.services import KEYS
from annotation.models import Annotation, QueueItem, Service, Ticket
from tests import factories
from tests.annotation.desk import let_leases_run_out

pytestmark = pytest.mark.django_db
MEGABYTE = 1_000_000


class Desk:
    """One person at the desk, over HTTP."""

    def __init__(self, name: str, role: str = "annotator") -> None:
        self.person = factories.person(name, role)
        self.client = Client()
        self.client.force_login(self.person)

    def post(self, where: str, **body: Any) -> Any:
        return self.client.post(f"/api/{where}/", json.dumps(body), content_type="application/json")

    def get(self, where: str) -> Any:
        answer = self.client.get(f"/api/{where}/")
        assert answer.status_code == 200, answer.content[:300]
        return answer.json()

    def claim(self, mode: str = "teach") -> dict[str, Any]:
        answer = self.post("queue/claim", mode=mode)
        assert answer.status_code == 200
        return answer.json()

    def lease(self) -> str:
        return self.claim()["items"][0]["lease"]["token"]

    def submit(self, lease: str, service: Any = None, **fields: Any) -> Any:
        body = {"key": str(uuid.uuid4()), "lease": lease, "kind": "label", **fields}
        return self.post("queue/submit", **body, service_id=getattr(service, "pk", service))


@pytest.fixture
def alice() -> Desk:
    return Desk("alice")


@pytest.fixture
def bob() -> Desk:
    return Desk("bob")


@pytest.fixture
def lea() -> Desk:
    return Desk("lea", "lead")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_page_with_hundreds_of_answers_not_saved_yet_goes_on_and_keeps_their_leases(alice: Desk) -> None:
    factories.queued(*(factories.ticket() for _ in range(2)))
    held = [alice.lease(), *(str(uuid.uuid4()) for _ in range(300))]
    kept = alice.post("queue/heartbeat", leases=held)
    assert [one["token"] for one in kept.json()["leases"]] == held[:1]
    following = alice.post("queue/claim", mode="teach", holding=held)
    assert following.status_code == 200 and following.json()["items"][0]["lease"]["token"] not in held


def test_an_unknown_label_is_refused_and_the_ticket_can_still_be_answered(alice: Desk) -> None:
    service = factories.service()
    factories.queued(factories.ticket())
    lease = alice.lease()
    for wrong, error in ((999_999, "unknown_service"), (None, "service_needed"), ("Delivery", "invalid")):
        assert code(alice.submit(lease, wrong)) == (400, error)
    assert code(alice.submit(lease, service, kind="guess")) == (400, "invalid")
    assert not Annotation.objects.exists()
    assert alice.submit(lease, service).status_code == 200


def test_a_label_that_names_no_service_keeps_its_ticket_at_import(lea: Desk) -> None:
    report = lea.post("tickets", tickets=[{"text": "Where is it?", "label": "Nobody"}]).json()
    assert (report["created"], report["errors"][0]["code"]) == (1, "unknown_service")
    assert Ticket.objects.get().status == "open"


def test_an_answer_to_a_vanished_ticket_is_refused_and_the_desk_goes_on(alice: Desk) -> None:
    service = factories.service()
    gone, other = factories.ticket(), factories.ticket()
    factories.queued(gone, other)
    lease = alice.lease()
    gone.delete()
    assert code(alice.submit(lease, service)) == (404, "ticket_gone")
    assert alice.client.get("/api/tickets/999999/").status_code == 404
    assert alice.post("queue/heartbeat", leases=[lease]).json()["lost"] == [lease]
    assert alice.claim()["items"][0]["ticket"]["id"] == other.pk
    assert not Annotation.objects.exists()


def test_a_late_answer_counts_if_nobody_took_the_ticket_and_is_refused_if_somebody_did(
    alice: Desk, bob: Desk
) -> None:
    service = factories.service()
    factories.queued(factories.ticket(), factories.ticket())
    first = alice.lease()
    let_leases_run_out()
    assert alice.submit(first, service).status_code == 200
    second = alice.lease()
    let_leases_run_out()
    theirs = bob.lease()
    assert code(alice.submit(second, service)) == (409, "lease_expired")
    assert Annotation.objects.count() == 1
    assert bob.submit(theirs, service).status_code == 200


def test_a_double_submit_is_one_answer_and_a_reused_key_is_refused(alice: Desk) -> None:
    service, other = factories.service("Delivery"), factories.service("Billing")
    factories.queued(factories.ticket())
    lease, key = alice.lease(), str(uuid.uuid4())
    first, again = (alice.submit(lease, service, key=key).json()["annotation"]["id"] for _ in range(2))
    assert first == again
    assert code(alice.submit(lease, other, key=key)) == (409, "key_reused")
    assert code(alice.submit(lease, other)) == (409, "already_answered")
    assert Annotation.objects.get().service == service


def test_nobody_submits_for_somebody_else(alice: Desk, bob: Desk) -> None:
    service = factories.service()
    factories.queued(factories.ticket())
    lease = alice.lease()
    assert code(bob.submit(lease, service)) == (403, "lease_not_yours")
    assert code(bob.submit(str(uuid.uuid4()), service)) == (409, "lease_expired")
    assert Client().post("/api/queue/submit/").status_code in (401, 403)
    assert not Annotation.objects.exists()
    assert alice.submit(lease, service).status_code == 200


def test_a_text_of_a_megabyte_is_taken_served_shown_and_labelled(alice: Desk, lea: Desk) -> None:
    service = factories.service()
    text = ("Où est mon colis ? " * (MEGABYTE // 19 + 1))[:MEGABYTE].strip()
    report = lea.post(
        "tickets", tickets=[{"text": text, "external_id": "big"}, {"text": "x" + text + "yz"}]
    ).json()
    assert (report["created"], report["rejected"]) == (1, 1)
    assert report["errors"][0] == {
        "line": 2, "code": "text_too_long", "params": {"length": len(text) + 3, "limit": MEGABYTE},
    }  # fmt: skip
    ticket = Ticket.objects.get()
    assert ticket.text == text
    factories.queued(ticket)
    item = alice.claim()["items"][0]
    assert item["ticket"]["text"] == text
    row = alice.get("tickets")["results"][0]
    assert len(row["excerpt"]) <= 120
    assert alice.get(f"tickets/{ticket.pk}")["text"] == text
    assert alice.submit(item["lease"]["token"], service).status_code == 200
    export = lea.client.get("/api/tickets/export/")
    assert text[:1000].encode() in b"".join(export.streaming_content)


def test_three_hundred_services_are_made_listed_and_chosen_and_keys_run_out_gracefully(
    alice: Desk, lea: Desk
) -> None:
    for number in range(300):
        assert lea.post("services", name=f"Service {number:03d}").status_code == 201
    listed = alice.get("services")["results"]
    assert [service["name"] for service in listed] == [f"Service {number:03d}" for number in range(300)]
    keys = [service["key"] for service in listed]
    assert keys[: len(KEYS)] == list(KEYS)
    assert set(keys[len(KEYS) :]) == {""}, "the others are chosen by typing their name"
    assert len({service["code"] for service in listed}) == 300
    factories.queued(factories.ticket(), candidates=[[listed[299]["id"], 0.5], [listed[298]["id"], 0.3]])
    item = alice.claim()["items"][0]
    assert [one["service_id"] for one in item["candidates"]] == [listed[299]["id"], listed[298]["id"]]
    assert alice.submit(item["lease"]["token"], listed[299]["id"]).status_code == 200
    assert Ticket.objects.get().label_id == listed[299]["id"]
    assert code(lea.post("services", name="service 007")) == (400, "name_taken")
    assert Service.objects.count() == 300


def test_without_services_tickets_are_served_and_no_label_can_be_given(alice: Desk, lea: Desk) -> None:
    factories.queued(factories.ticket())
    assert alice.get("services") == {"results": []}
    item = alice.claim()["items"][0]
    assert item["candidates"] == [] and item["suggestion"] is None
    lease = item["lease"]["token"]
    assert code(alice.submit(lease, 1)) == (400, "unknown_service")
    assert "no_services" in [need["code"] for need in lea.get("home")["needs"]]
    assert alice.submit(lease, kind="skip").status_code == 200, "the desk is not stuck"
    assert Ticket.objects.get().status == "open"


def test_without_tickets_every_page_has_something_to_say(alice: Desk, lea: Desk) -> None:
    factories.service()
    for mode in ("teach", "check"):
        nothing = alice.claim(mode)
        assert (nothing["items"], nothing["left"]) == ([], 0)
    assert alice.claim()["reason"] == "no_tickets"
    table = alice.get("tickets")
    assert (table["results"], table["total"], table["next"]) == ([], 0, None)
    assert alice.get("queue/progress")["left"] == {"teach": 0, "check": 0}
    lea.get("home")
    lea.get("loop")
    export = lea.client.get("/api/tickets/export/")
    assert export.status_code == 200
    assert b"".join(export.streaming_content).count(b"\n") == 1, "the names of the columns"


def test_one_label_only_is_said_and_the_desk_goes_on(alice: Desk, lea: Desk) -> None:
    service = factories.service("Delivery")
    factories.service("Billing")
    factories.queued(*factories.tickets(3))
    for _ in range(2):
        assert alice.submit(alice.lease(), service).status_code == 200
    assert "one_label_only" in [need["code"] for need in lea.get("home")["needs"]]
    refused = lea.post("runs")
    assert code(refused) == (409, "too_few_services")
    assert alice.claim()["items"]


def test_when_every_ticket_is_labelled_the_desk_says_so_and_undo_still_works(alice: Desk) -> None:
    service = factories.service()
    factories.queued(*factories.tickets(2))
    done = [alice.submit(alice.lease(), service).json()["annotation"]["id"] for _ in range(2)]
    assert alice.claim() == {"items": [], "left": 0, "reason": "all_labelled"}
    undone = alice.post("queue/undo", annotation_id=done[1])
    assert undone.status_code == 200
    assert undone.json()["item"]["ticket"]["id"] == Annotation.objects.get(pk=done[1]).ticket_id
    assert Ticket.objects.filter(status="open").count() == 1


def test_a_ticket_whose_text_changes_under_the_desk_is_not_labelled_by_the_old_answer(alice: Desk) -> None:
    service = factories.service()
    ticket = factories.ticket("Where is my parcel?", external_id="A1")
    factories.queued(ticket)
    lease = alice.lease()
    factories.ticket("My card is lost", external_id="A1")
    answer = alice.submit(lease, service)
    assert code(answer) == (409, "lease_expired")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.text) == ("open", "My card is lost")
    assert queue_claim(annotator=alice.person, mode="teach") == []
    assert not QueueItem.objects.exists()
