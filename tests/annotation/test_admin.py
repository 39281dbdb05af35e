"""What an admin does with services, tickets and leases: asked first, by the same actions as the API."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from annotation import actions
from annotation.models import Annotation, QueueItem, Service, Ticket
from tests import factories
from tests.annotation.desk import claim, submit

pytestmark = pytest.mark.django_db
SERVICES, TICKETS, QUEUE = (
    "/admin/annotation/service/",
    "/admin/annotation/ticket/",
    "/admin/annotation/queueitem/",
)


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(factories.person("ada", "admin"))
    return client


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def fields_of(service: Service, **changes) -> dict[str, object]:
    """What the form of a service sends."""
    names = ("name", "name_fr", "description", "guideline", "key", "color", "position")
    values = {name: getattr(service, name) for name in names}
    return {**values, "keywords": "\n".join(service.keywords), **changes}


def test_a_service_is_added_with_a_code_a_key_and_a_place(ada: Client) -> None:
    factories.service("Delivery")
    page = ada.post(f"{SERVICES}add/", {"name": "Refunds", "keywords": "refund\n\nmoney back "}, follow=True)
    made = Service.objects.get(name="Refunds")
    assert page.status_code == 200
    assert (made.code, made.key, made.position, made.color) == ("refunds", "2", 1, 1)
    assert made.keywords == ["refund", "money back"]


def test_a_guideline_is_written_and_the_code_stays(ada: Client, delivery: Service) -> None:
    sent = fields_of(delivery, name="Parcels", guideline="Parcels **only**.")
    ada.post(f"{SERVICES}{delivery.pk}/change/", sent)
    delivery.refresh_from_db()
    assert (delivery.name, delivery.code, delivery.guideline) == ("Parcels", "delivery", "Parcels **only**.")


@pytest.mark.parametrize(("change", "field"), [
    ({"name": "billing"}, "name"),
    ({"name": "  "}, "name"),
    ({"key": "2"}, "key"),
    ({"key": "a"}, "key"),
    ({"color": "99"}, "color"),
])  # fmt: skip
def test_what_the_actions_refuse_stands_beside_its_field_and_nothing_typed_is_lost(
    ada: Client, delivery: Service, billing: Service, change: dict[str, str], field: str
) -> None:
    sent = fields_of(delivery, guideline="Long and just typed", **change)
    page = ada.post(f"{SERVICES}{delivery.pk}/change/", sent)
    assert page.status_code == 200 and list(page.context["adminform"].form.errors) == [field]
    assert "Long and just typed" in page.content.decode()
    delivery.refresh_from_db()
    assert (delivery.name, delivery.guideline) == ("Delivery", "")


def test_switching_a_service_off_says_what_it_means_and_waits_for_a_yes(
    ada: Client, delivery: Service
) -> None:
    ticket = factories.ticket()
    factories.labelled(ticket, delivery)
    address = f"{SERVICES}{delivery.pk}/switch-off/"
    question = ada.get(address)
    delivery.refresh_from_db()
    assert delivery.is_active and "1 tickets carry its label" in question.content.decode()
    ada.post(address)
    delivery.refresh_from_db()
    ticket.refresh_from_db()
    assert not delivery.is_active and ticket.label == delivery
    ada.post(f"{SERVICES}{delivery.pk}/switch-on/")
    delivery.refresh_from_db()
    assert delivery.is_active


def test_the_form_of_a_service_cannot_switch_it_off_by_the_way(ada: Client, delivery: Service) -> None:
    ada.post(f"{SERVICES}{delivery.pk}/change/", fields_of(delivery, is_active=""))
    delivery.refresh_from_db()
    assert delivery.is_active


def test_a_service_that_was_ever_given_cannot_be_deleted_and_an_unused_one_can(
    ada: Client, delivery: Service, billing: Service
) -> None:
    alice, ticket = factories.person(), factories.ticket()
    factories.labelled(ticket, delivery, alice)
    actions.queue_undo(annotator=alice, annotation_id=ticket.annotations.get().pk)
    assert ada.post(f"{SERVICES}{delivery.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "switch-off" in ada.get(f"{SERVICES}{delivery.pk}/change/").content.decode()
    assert ada.get(f"{SERVICES}{billing.pk}/delete/").status_code == 200
    assert Service.objects.count() == 2
    ada.post(f"{SERVICES}{billing.pk}/delete/", {"post": "yes"})
    assert list(Service.objects.all()) == [delivery]


def test_a_ticket_cannot_be_edited(ada: Client, delivery: Service) -> None:
    ticket = factories.ticket()
    assert ada.post(f"{TICKETS}{ticket.pk}/change/", {"text": "other"}).status_code == 403
    assert ada.get(f"{TICKETS}add/").status_code == 403


def test_erasing_a_ticket_asks_and_takes_everything_about_it(ada: Client, delivery: Service) -> None:
    ticket, kept = factories.ticket("Call Mrs Unlikelyname about her sofa"), factories.ticket()
    factories.labelled(ticket, delivery)
    factories.queued(kept)
    question = ada.get(f"{TICKETS}{ticket.pk}/delete/")
    assert question.status_code == 200 and Ticket.objects.filter(pk=ticket.pk).exists()
    ada.post(f"{TICKETS}{ticket.pk}/delete/", {"post": "yes"})
    assert list(Ticket.objects.all()) == [kept]
    assert not Annotation.objects.exists() and QueueItem.objects.get().ticket == kept
    said = LogEntry.objects.get()
    assert ticket.external_id in said.object_repr and "Unlikelyname" not in said.object_repr


def test_many_tickets_are_erased_only_after_a_yes(ada: Client) -> None:
    gone, kept = factories.tickets(3), factories.ticket()
    ticked = {"action": "erase", "_selected_action": [ticket.pk for ticket in gone]}
    question = ada.post(TICKETS, ticked)
    assert question.status_code == 200 and "3 tickets" in question.content.decode()
    assert Ticket.objects.count() == 4
    ada.post(TICKETS, {**ticked, "confirmed": "1"})
    assert list(Ticket.objects.all()) == [kept]


def test_too_many_tickets_at_a_time_are_refused_with_a_message(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.actions.erasure.MOST_AT_ONCE", 2)
    ticked = {"action": "erase", "_selected_action": [t.pk for t in factories.tickets(3)], "confirmed": "1"}
    assert told(ada.post(TICKETS, ticked, follow=True)) == ["Erase at most 2 tickets at a time."]
    assert Ticket.objects.count() == 3


def test_a_label_copied_from_an_erased_ticket_stays(delivery: Service) -> None:
    alice = factories.person()
    one, same = factories.ticket("My parcel is late"), factories.ticket("my  parcel is LATE")
    factories.queued(one, same)
    submit(alice, claim(alice)[0], delivery)
    actions.tickets_erase(ticket_ids=[one.pk])
    same.refresh_from_db()
    assert same.label == delivery
    assert same.annotations.get().source_annotation is None


def test_releasing_a_lease_asks_and_gives_the_ticket_to_the_next(ada: Client) -> None:
    alice, bob = factories.person("alice"), factories.person("bob")
    factories.queued(factories.ticket())
    item = claim(alice)[0]
    ticked = {"action": "release_leases", "_selected_action": [item.pk]}
    assert "alice" not in told(ada.post(QUEUE, ticked))
    assert claim(bob) == []
    ada.post(QUEUE, {**ticked, "confirmed": "1"})
    assert claim(bob)[0].ticket == item.ticket


@pytest.mark.parametrize("kind", ["annotation", "queueitem", "importrun", "scoregeneration"])
def test_rows_that_the_system_writes_are_read_only(ada: Client, kind: str, delivery: Service) -> None:
    factories.labelled(factories.ticket(), delivery)
    decision = Annotation.objects.get()
    assert ada.get(f"/admin/annotation/{kind}/add/").status_code == 403
    for verb in ("change", "delete"):
        answer = ada.post(f"/admin/annotation/annotation/{decision.pk}/{verb}/", {"note": "x", "post": "yes"})
        assert answer.status_code == 403
    assert Annotation.objects.get().note == ""
