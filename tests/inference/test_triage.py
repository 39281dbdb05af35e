"""The triage inbox: what the learner puts in, who sees it, and what a decision does."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest
from django.test import Client

from accounts.models import User
from annotation import actions as annotation
from annotation.models import Annotation, QueueItem, Ticket
from inference import actions, loading
from inference.actions import Lone
from inference.learner.worker import Resident
from inference.models import Embedding, Encoder, LoneTicket
from ml.schema import TransformOutput
from tests.inference.cast import label, make_services, make_ticket, make_tickets, someone
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)
DIM = 16


@pytest.fixture
def space() -> ModelVersion:
    version = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///none", manifest_hash="0", encoder="a" * 16, dim=DIM
    )
    Encoder.objects.create(fingerprint=version.encoder, dim=DIM, model_version=version, is_current=True)
    return version


def embed(version: ModelVersion, tickets: list[Ticket], *, alone: int = 0) -> None:
    """Vectors in two tight clouds; the last `alone` each in a direction of its own."""
    rng = np.random.default_rng(0)
    axes = np.eye(DIM, dtype=np.float32)
    answers = []
    for number, ticket in enumerate(tickets):
        left = len(tickets) - number
        vector = axes[DIM - left] if left <= alone else axes[number % 2] + rng.normal(scale=0.05, size=DIM)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        line = loading.line_id(ticket.pk, ticket.text_hash)
        answers.append(TransformOutput(line, version.encoder, "m", vector))
    loading.load(version, answers)


def signed_in(role: str = "reviewer") -> Client:
    client = Client()
    client.force_login(User.objects.get_or_create(username=f"{role}-1", role=role)[0])
    return client


def inbox(client: Client | None = None) -> Any:
    answer = (client or signed_in()).get("/api/triage/")
    assert answer.status_code == 200, answer.content
    return answer.json()


def shown(client: Client | None = None) -> list[int]:
    return [row["ticket_id"] for row in inbox(client)["results"]]


def decide(client: Client, ticket: Ticket, kind: str, **fields: Any) -> Any:
    body = {"kind": kind, "key": str(uuid.uuid4())} | fields
    return client.post(f"/api/triage/{ticket.pk}/", body, content_type="application/json")


def lone(*tickets: Ticket) -> None:
    actions.lone_replace(found=[Lone(one.pk, 0.99, 0.4) for one in tickets])


# What the learner puts in


def test_the_learner_puts_in_the_tickets_no_other_is_like_and_only_those(space: ModelVersion) -> None:
    tickets, services = make_tickets(70), make_services()
    embed(space, tickets, alone=3)
    for ticket in tickets[:12]:
        label(ticket, services[ticket.pk % 2])
    Resident().refresh()
    assert sorted(shown()) == [ticket.pk for ticket in tickets[-3:]]
    first = inbox()["results"][0]
    assert 0.9 < first["outlier"] <= 1 and 0 <= first["uncertainty"] <= 1
    labelled = {ticket.pk for ticket in tickets[:12]}
    assert len(first["nearest"]) == 3 and {one["ticket_id"] for one in first["nearest"]} <= labelled
    cosines = [one["similarity"] for one in first["nearest"]]
    assert cosines == sorted(cosines, reverse=True)


def test_looking_again_changes_nothing_and_decided_ones_do_not_come_back(space: ModelVersion) -> None:
    tickets, services = make_tickets(70), make_services()
    embed(space, tickets, alone=3)
    label(tickets[0], services[0])
    resident = Resident()
    resident.refresh()
    before = list(LoneTicket.objects.values_list("ticket_id", "place"))
    resident.deepen()
    assert list(LoneTicket.objects.values_list("ticket_id", "place")) == before
    assert decide(signed_in(), tickets[-1], "none").status_code == 200
    resident.refresh()
    assert tickets[-1].pk not in LoneTicket.objects.values_list("ticket_id", flat=True)


def test_random_controls_are_never_among_them(space: ModelVersion) -> None:
    tickets = [*make_tickets(68), make_ticket(90, is_audit=True), make_ticket(91)]
    embed(space, tickets, alone=2)
    label(tickets[0], make_services()[0])
    Resident().refresh()
    assert shown() == [tickets[-1].pk]
    Ticket.objects.update(is_audit=True)  # drawn after the last look
    assert shown() == []


def test_a_ticket_erased_meanwhile_is_left_out() -> None:
    kept, erased = make_tickets(2)
    gone = Lone(erased.pk, 0.99, 0.1)
    annotation.tickets_erase(ticket_ids=[erased.pk])
    assert actions.lone_replace(found=[gone, Lone(kept.pk, 0.98, 0.2)]) == 1
    assert shown() == [kept.pk]


# Who sees it, and what it says


@pytest.mark.parametrize(
    ("role", "status"), [("annotator", 403), ("machine", 403), ("lead", 200), ("admin", 200)]
)
def test_it_is_for_reviewers_and_leads(role: str, status: int) -> None:
    (ticket,) = make_tickets(1)
    lone(ticket)
    assert signed_in(role).get("/api/triage/").status_code == status
    if status == 403:
        assert decide(signed_in(role), ticket, "flag").status_code == 403
        assert not Annotation.objects.exists()


def test_before_the_first_look_it_says_so() -> None:
    assert inbox() == {"ready": False, "total": 0, "results": []}


def test_twenty_come_at_once_and_all_are_counted() -> None:
    tickets = make_tickets(25)
    lone(*tickets)
    found = inbox()
    assert found["total"] == 25
    assert [row["ticket_id"] for row in found["results"]] == [ticket.pk for ticket in tickets[:20]]


def test_a_ticket_without_a_vector_is_shown_without_neighbours(space: ModelVersion) -> None:
    (ticket,) = make_tickets(1)
    lone(ticket)
    assert not Embedding.objects.exists()
    assert inbox()["results"][0]["nearest"] == []


# What a decision does


def test_a_label_set_aside_and_a_flag_are_ordinary_decisions_of_the_person() -> None:
    tickets, services = make_tickets(3), make_services()
    lone(*tickets)
    client = signed_in()
    QueueItem.objects.create(ticket=tickets[0], mode="teach", position=1, lane="exploit")
    for ticket, kind, fields in zip(
        tickets, ("label", "none", "flag"), ({"service_id": services[1].pk}, {}, {}), strict=True
    ):
        answer = decide(client, ticket, kind, **fields)
        assert answer.status_code == 200 and answer.json()["kind"] == kind
        ticket.refresh_from_db()
    assert [ticket.status for ticket in tickets] == ["labelled", "set_aside", "flagged"]
    assert tickets[0].label == services[1] and tickets[0].label_source == "person"
    assert {row.annotator.username for row in Annotation.objects.all() if row.annotator} == {"reviewer-1"}
    assert not QueueItem.objects.exists()
    assert shown(client) == []


def test_a_decision_can_be_taken_back_and_the_ticket_is_there_again() -> None:
    (ticket,) = make_tickets(1)
    lone(ticket)
    client = signed_in()
    made = decide(client, ticket, "none").json()
    undone = client.post("/api/queue/undo/", {"annotation_id": made["id"]}, content_type="application/json")
    assert undone.status_code == 200
    assert shown(client) == [ticket.pk]


def test_sent_twice_is_decided_once() -> None:
    (ticket,) = make_tickets(1)
    client, key = signed_in(), str(uuid.uuid4())
    answers = [decide(client, ticket, "flag", key=key).json() for _ in range(2)]
    assert answers[0]["id"] == answers[1]["id"]
    assert Annotation.objects.count() == 1
    other = decide(client, ticket, "none", key=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")


def test_what_somebody_else_decided_meanwhile_stands() -> None:
    (ticket,), services = make_tickets(1), make_services()
    lone(ticket)
    label(ticket, services[0])
    answer = decide(signed_in(), ticket, "label", service_id=services[1].pk)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "decided_meanwhile")
    ticket.refresh_from_db()
    assert ticket.label == services[0]


def test_a_person_who_skipped_the_ticket_may_still_decide() -> None:
    (ticket,), services = make_tickets(1), make_services()
    client = signed_in()
    Annotation.objects.create(
        ticket=ticket, annotator=someone("reviewer-1"), kind="skip", mode="teach", round=ticket.round
    )
    assert decide(client, ticket, "label", service_id=services[0].pk).status_code == 200


def test_bad_decisions_are_refused_and_change_nothing() -> None:
    (ticket,), services = make_tickets(1), make_services()
    off = services[2]
    off.is_active = False
    off.save()
    client = signed_in()
    for kind, fields, status, code in (
        ("label", {}, 400, "service_needed"),
        ("label", {"service_id": off.pk}, 400, "unknown_service"),
        ("skip", {}, 400, None),
        ("flag", {"key": "x"}, 400, None),
    ):
        answer = decide(client, ticket, kind, **fields)
        assert answer.status_code == status, answer.content
        assert code is None or answer.json()["error"]["code"] == code
    gone = client.post(
        "/api/triage/999999/", {"kind": "flag", "key": str(uuid.uuid4())}, content_type="application/json"
    )
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ticket_gone")
    assert not Annotation.objects.exists()
