"""Better a person: an escalated ticket comes first in Teach, and the person's decision is the desk's answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from annotation import actions as annotation
from annotation.actions import NewItem
from annotation.models import Annotation, QueueItem, Ticket
from inference import actions
from inference.actions import escalations
from inference.models import Escalation, RoutingDecision
from tests import factories
from tests.inference.desk import Desk
from tests.inference.people import browser, claim, decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return factories.person("alice")


def escalate(name: str, text: str, *, audit: bool = False, minutes: int = 0, asked_by: User) -> Ticket:
    """A ticket that nothing could route, so many minutes ago."""
    from compute.registry import backend

    record = {"external_id": name, "text": text}
    actions.tickets_route(records=[record], asked_by=asked_by, backend=backend(), arrived=0.0)
    since = timezone.now() - timedelta(minutes=minutes)
    Escalation.objects.filter(decision__ticket__external_id=name).update(opened_at=since)
    ticket = Ticket.objects.get(external_id=name)
    Ticket.objects.filter(pk=ticket.pk).update(is_audit=audit)
    QueueItem.objects.filter(ticket=ticket).delete()
    actions.escalations_queue()
    return ticket


@pytest.fixture
def robot() -> User:
    return factories.person("helpdesk", "machine")


# In Teach


def test_a_waiting_customer_comes_before_whatever_the_model_would_learn_most_from(
    desk: Desk, alice: User
) -> None:
    other = factories.ticket("an ordinary one")
    annotation.queue_replace(items=[NewItem(other.pk, "teach", 0.0, "exploit")], generation=1)
    desk.route("A-1", "perhaps delivery")
    desk.route("A-2", "perhaps returns")
    first, second, third = claim(alice, 3)
    assert [one["ticket"]["external_id"] for one in (first, second, third)] == [
        "A-1",
        "A-2",
        other.external_id,
    ]
    pair = first["why"]["params"]["service_ids"]
    assert first["why"]["code"] == "customer_waiting" and pair[0] == desk.services["delivery"].pk
    assert first["why"]["params"]["reason"] == "uncertain" and first["why"]["params"]["since"]
    assert first["candidates"][0] == {"service_id": pair[0], "probability": 0.5}


def test_the_longest_wait_comes_first(quiet_desk: Desk, alice: User, robot: User) -> None:
    for name, minutes in (("A-1", 1), ("A-2", 30), ("A-3", 5)):
        escalate(name, f"where is {name}", minutes=minutes, asked_by=robot)
    assert [one["ticket"]["external_id"] for one in claim(alice, 3)] == ["A-2", "A-3", "A-1"]


def test_a_new_ranking_leaves_waiting_customers_where_they_are(quiet_desk: Desk, robot: User) -> None:
    waiting = escalate("A-1", "where is it", asked_by=robot)
    others = factories.tickets(5)
    items = [
        NewItem(one.pk, "teach", float(place), "exploit") for place, one in enumerate([*others, waiting])
    ]
    annotation.queue_replace(items=items, generation=2)
    assert QueueItem.objects.order_by("position").values_list("ticket_id", "lane")[0] == (waiting.pk, "live")
    assert QueueItem.objects.count() == 6


def test_a_persons_decision_answers_the_desk_and_is_a_marked_label(
    desk: Desk, alice: User, settled: Any
) -> None:
    desk.route("A-1", "perhaps delivery")
    with settled():
        decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    said = desk.ask("A-1")
    assert (said["state"], said["answer"]["kind"], said["answer"]["service"]) == (
        "answered",
        "label",
        "returns",
    )
    assert said["answer"]["seconds"] >= 0 and said["answer"]["revision"] == 1
    assert said["service"] is None, "what the routing decided stays what it was"
    label = Annotation.objects.get()
    assert (label.lane, label.suggested_service) == ("live", desk.services["delivery"])
    ticket = Ticket.objects.get()
    assert ticket.trains and not QueueItem.objects.exists()


def test_two_services_and_none_of_ours_are_answers_too(desk: Desk, alice: User, settled: Any) -> None:
    desk.route("A-1", "perhaps delivery")
    desk.route("A-2", "perhaps returns")
    first, second = claim(alice, 2)
    ids = {name: one.pk for name, one in desk.services.items()}
    with settled():
        decide(alice, first, "two", service_id=ids["delivery"], second_service_id=ids["billing"])
        decide(alice, second, "none")
    answer = desk.ask("A-1")["answer"]
    assert (answer["kind"], answer["service"], answer["second_service"]) == ("two", "delivery", "billing")
    answer = desk.ask("A-2")["answer"]
    assert (answer["kind"], answer["service"], answer["second_service"]) == ("none", None, None)


def test_a_flagged_ticket_still_waits_and_a_leads_word_from_its_page_answers_it(
    desk: Desk, alice: User, settled: Any
) -> None:
    desk.route("A-1", "perhaps delivery")
    with settled():
        decide(alice, claim(alice)[0], "flag")
    assert desk.ask("A-1")["state"] == "waiting"
    chloe = factories.person("chloe", "lead")
    (row,) = browser(chloe).get("/api/escalations/").json()["waiting"]
    assert row["standing"] == "flagged"
    actions.escalations_drive()
    assert not QueueItem.objects.exists(), "nobody is asked again what was put before a lead"
    with settled():
        annotation.ticket_relabel(
            ticket_id=Ticket.objects.get().pk, service_id=desk.services["billing"].pk, annotator=chloe
        )
    assert desk.ask("A-1")["answer"]["service"] == "billing"


def test_equal_tickets_that_wait_are_answered_by_one_decision(desk: Desk, alice: User, settled: Any) -> None:
    desk.route("A-1", "perhaps delivery")
    desk.route("A-2", "perhaps delivery")
    with settled():
        decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    assert [desk.ask(name)["answer"]["service"] for name in ("A-1", "A-2")] == ["returns", "returns"]
    assert not QueueItem.objects.exists()


def test_a_ticket_that_a_person_has_labelled_before_is_answered_by_that(
    desk: Desk, alice: User, settled: Any
) -> None:
    factories.labelled(
        factories.ticket("perhaps delivery", external_id="A-1"), desk.services["returns"], alice
    )
    assert desk.route("A-1", "perhaps delivery")["state"] == "waiting"
    actions.escalations_drive()
    assert desk.ask("A-1")["answer"]["service"] == "returns"


def test_a_correction_is_a_new_revision_and_an_undo_alone_changes_nothing(
    desk: Desk, alice: User, settled: Any
) -> None:
    desk.route("A-1", "perhaps delivery")
    with settled():
        made = decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    with settled():
        again = (
            browser(alice).post("/api/queue/undo/", {"annotation_id": made["id"]}, "application/json").json()
        )
    assert desk.ask("A-1")["answer"]["service"] == "returns"
    with settled():
        decide(alice, again["item"], service_id=desk.services["billing"].pk)
    answer = desk.ask("A-1")["answer"]
    assert (answer["service"], answer["revision"]) == ("billing", 2)


def test_a_change_of_mind_days_later_is_not_sent_to_the_desk(desk: Desk, alice: User, settled: Any) -> None:
    desk.route("A-1", "perhaps delivery")
    with settled():
        decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    Escalation.objects.update(answered_at=timezone.now() - timedelta(days=3))
    with settled():
        annotation.ticket_relabel(
            ticket_id=Ticket.objects.get().pk, service_id=desk.services["billing"].pk, annotator=alice
        )
    assert desk.ask("A-1")["answer"]["service"] == "returns"


# Random controls


def test_a_control_is_asked_blind_answers_the_desk_and_is_no_control_label(
    quiet_desk: Desk, alice: User, robot: User, settled: Any
) -> None:
    ticket = escalate("A-1", "where is it", audit=True, asked_by=robot)
    twin = factories.ticket("where is it", audit=True)
    RoutingDecision.objects.update(candidates=[[quiet_desk.services["billing"].pk, 0.5]])
    QueueItem.objects.all().delete()
    actions.escalations_queue()
    (item,) = claim(alice)
    assert (
        item["candidates"] == [] and item["suggestion"] is None and item["why"]["params"]["service_ids"] == []
    )
    (row,) = browser(alice).get("/api/escalations/").json()["waiting"]
    assert row["candidates"] == []
    with settled():
        decide(alice, item, service_id=quiet_desk.services["billing"].pk)
    assert quiet_desk.ask("A-1")["answer"]["service"] == "billing"
    for one in (ticket, twin):
        one.refresh_from_db()
        assert (one.status, one.label) == ("open", None), "it is still to be labelled in its turn"
    annotation.queue_replace(items=[NewItem(ticket.pk, "teach", 0.0, "audit")], generation=3)
    (again,) = claim(alice)
    assert again["control"] and again["ticket"]["id"] == ticket.pk, "by the same person too"
    decide(alice, again, service_id=quiet_desk.services["returns"].pk)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.label) == ("labelled", quiet_desk.services["returns"])


# What beat finds again


def test_an_answer_whose_signal_was_lost_is_found_again_from_the_rows(desk: Desk, alice: User) -> None:
    desk.route("A-1", "perhaps delivery")
    decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    assert desk.ask("A-1")["state"] == "waiting"
    actions.escalations_drive()
    assert desk.ask("A-1")["state"] == "answered"
    assert actions.escalations_settle(ticket_ids=[Ticket.objects.get().pk]) == 0, (
        "doing it twice changes nothing"
    )


def test_waits_that_nobody_decided_do_not_stand_before_one_that_somebody_did(
    desk: Desk, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalations, "AT_ONCE", 1)
    desk.route("A-1", "perhaps delivery")
    decide(alice, claim(alice)[0], "skip")
    desk.route("A-2", "perhaps returns")
    decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)
    actions.escalations_drive()
    assert [desk.ask(name)["state"] for name in ("A-1", "A-2")] == ["waiting", "answered"]


def test_a_wait_that_lost_its_place_gets_it_back_and_one_in_somebodys_hands_is_left_there(
    desk: Desk, alice: User
) -> None:
    desk.route("A-1", "perhaps delivery")
    QueueItem.objects.all().delete()
    actions.escalations_drive()
    (item,) = claim(alice)
    actions.escalations_drive()
    assert str(QueueItem.objects.get().lease) == item["lease"]["token"]


# The inbox


def test_the_inbox_shows_who_waits_and_how_fast_people_answered(
    desk: Desk, alice: User, settled: Any
) -> None:
    desk.route("A-1", "perhaps delivery", channel="chat")
    desk.route("A-2", "alien returns")
    desk.route("A-3", "perhaps billing")
    Escalation.objects.filter(decision__ticket__external_id="A-1").update(
        opened_at=timezone.now() - timedelta(minutes=3)
    )
    with settled():
        decide(alice, claim(alice)[0], service_id=desk.services["delivery"].pk)
    claim(alice)
    inbox = browser(alice).get("/api/escalations/").json()
    assert (inbox["total"], inbox["answered"]) == (2, 1) and 180 <= inbox["median_seconds"] < 200
    assert [(one["external_id"], one["reason"], one["standing"]) for one in inbox["waiting"]] == [
        ("A-2", "out_of_scope", "held"), ("A-3", "uncertain", "free"),
    ]  # fmt: skip
    assert inbox["recent"][0]["service_id"] == desk.services["delivery"].pk
    needs = browser(alice).get("/api/home/").json()["needs"]
    assert needs[0] == {"code": "waiting", "params": {"count": 2}, "link": "/waiting"}
