"""Answering and taking back: leases, double submits, equal texts, undo."""

import uuid

import pytest

from accounts.errors import Refused
from accounts.models import User
from annotation import actions
from annotation.actions import NewItem
from annotation.models import Annotation, Lane, Mode, QueueItem, Service, Serving
from tests import factories
from tests.annotation.desk import answer, claim, let_leases_run_out, submit


def refusal(call: object, **fields: object) -> str:
    with pytest.raises(Refused) as caught:
        call(**fields)  # type: ignore[operator]
    return caught.value.code


def test_a_key_used_for_another_answer_is_refused(alice: User, delivery: Service, billing: Service) -> None:
    factories.queued(factories.ticket(), factories.ticket())
    one, two = claim(alice, count=2)
    key = uuid.uuid4()
    submit(alice, one, delivery, key=key)
    assert refusal(submit, person=alice, item=one, service=billing, key=key) == "key_reused"
    assert refusal(submit, person=alice, item=two, service=delivery, key=key) == "key_reused"


def test_somebody_else_cannot_answer_with_my_lease(alice: User, bob: User, delivery: Service) -> None:
    factories.queued(factories.ticket())
    item = claim(alice)[0]
    assert refusal(submit, person=bob, item=item, service=delivery) == "lease_not_yours"
    assert not Annotation.objects.exists()
    assert submit(alice, item, delivery).annotator == alice


@pytest.mark.parametrize("pushed", [False, True], ids=["row still there", "row replaced"])
def test_a_late_answer_counts_when_nobody_took_the_ticket(
    alice: User, delivery: Service, pushed: bool
) -> None:
    ticket = factories.ticket()
    factories.queued(ticket)
    item = claim(alice)[0]
    let_leases_run_out()
    if pushed:  # by the ranking layer: the row is gone with its lease
        actions.queue_replace(items=[], generation=2)
    assert submit(alice, item, delivery).ticket == ticket


def test_a_late_answer_is_refused_when_somebody_else_has_the_ticket(
    alice: User, bob: User, delivery: Service
) -> None:
    factories.queued(factories.ticket())
    item = claim(alice)[0]
    let_leases_run_out()
    assert claim(bob)[0].ticket == item.ticket
    assert refusal(submit, person=alice, item=item, service=delivery) == "lease_expired"
    assert not Annotation.objects.exists()


def test_a_late_answer_is_refused_when_somebody_else_has_answered(
    alice: User, bob: User, delivery: Service
) -> None:
    factories.queued(factories.ticket())
    item = claim(alice)[0]
    let_leases_run_out()
    submit(bob, claim(bob)[0], delivery)
    assert refusal(submit, person=alice, item=item, service=delivery) == "already_answered"
    assert Annotation.objects.count() == 1


def test_an_unknown_lease_saves_nothing(alice: User, delivery: Service) -> None:
    unknown = actions.Answer(key=uuid.uuid4(), lease=uuid.uuid4(), kind="label", service_id=delivery.pk)
    assert refusal(actions.queue_submit, annotator=alice, answer=unknown) == "lease_expired"


def test_a_service_that_is_unknown_or_switched_off_is_refused_and_the_lease_stands(
    alice: User, delivery: Service, billing: Service
) -> None:
    factories.queued(factories.ticket())
    item = claim(alice)[0]
    actions.service_update(service_id=billing.pk, is_active=False)
    assert refusal(submit, person=alice, item=item, service=billing) == "unknown_service"
    assert refusal(submit, person=alice, item=item, service=Service(pk=10**9)) == "unknown_service"
    assert refusal(submit, person=alice, item=item, service=None) == "service_needed"
    assert submit(alice, item, delivery).service == delivery


def test_two_services_set_the_ticket_aside_and_must_differ(
    alice: User, delivery: Service, billing: Service
) -> None:
    ticket = factories.ticket()
    factories.queued(ticket)
    item = claim(alice)[0]
    twice = answer(item, delivery, kind="two", second_service_id=delivery.pk)
    assert refusal(actions.queue_submit, annotator=alice, answer=twice) == "two_services_needed"
    submit(alice, item, delivery, kind="two", second_service_id=billing.pk)
    ticket.refresh_from_db()
    assert ticket.status == "set_aside"


def test_equal_texts_get_the_same_label_and_are_marked(alice: User, delivery: Service) -> None:
    texts = ("Where is my parcel?", "where is  my PARCEL?", "Where is my parcel?")
    one, two, left_out = (factories.ticket(text) for text in texts)
    other = factories.ticket()
    factories.queued(one, two, left_out, other)
    annotation = submit(alice, claim(alice)[0], delivery, except_ticket_ids=(left_out.pk,))

    for ticket in (two, left_out, other):
        ticket.refresh_from_db()
    assert (two.status, two.label, two.label_source) == ("labelled", delivery, "similar")
    assert two.annotations.get().source_annotation == annotation
    assert (left_out.status, other.status) == ("open", "open")
    assert {item.ticket_id for item in QueueItem.objects.all()} == {left_out.pk, other.pk}


def test_an_equal_text_in_somebody_elses_hands_is_left_to_them(
    alice: User, bob: User, delivery: Service
) -> None:
    one, two = (factories.ticket("Where is my parcel?") for _ in range(2))
    factories.queued(one, two)
    mine, theirs = claim(alice)[0], claim(bob)[0]
    submit(alice, mine, delivery)
    two.refresh_from_db()
    assert two.status == "open"
    assert submit(bob, theirs, delivery).ticket == two


def test_undo_takes_back_the_copies_too_and_hands_the_ticket_back(
    alice: User, bob: User, delivery: Service, billing: Service
) -> None:
    one, two = (factories.ticket("Where is my parcel?") for _ in range(2))
    factories.queued(one, two)
    annotation = submit(alice, claim(alice)[0], delivery)
    _, item = actions.queue_undo(annotator=alice, annotation_id=annotation.pk)

    for ticket in (one, two):
        ticket.refresh_from_db()
        assert (ticket.status, ticket.label) == ("open", None)
    assert item is not None and item.ticket == one and item.leased_by == alice
    assert claim(bob) == []
    assert submit(alice, item, billing).service == billing
    two.refresh_from_db()
    assert two.label == billing


def test_a_decision_that_a_lead_has_corrected_cannot_be_undone(
    alice: User, lea: User, delivery: Service, billing: Service
) -> None:
    ticket = factories.ticket()
    factories.queued(ticket)
    annotation = submit(alice, claim(alice)[0], delivery)
    actions.ticket_relabel(ticket_id=ticket.pk, service_id=billing.pk, annotator=lea)
    assert refusal(actions.queue_undo, annotator=alice, annotation_id=annotation.pk) == "superseded"
    ticket.refresh_from_db()
    assert ticket.label == billing


def test_a_flagged_ticket_can_be_reopened_and_served_again(alice: User, lea: User, delivery: Service) -> None:
    ticket = factories.ticket()
    factories.queued(ticket)
    submit(alice, claim(alice)[0], kind="flag")
    actions.ticket_reopen(ticket_id=ticket.pk)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    factories.queued(ticket)
    assert submit(alice, claim(alice)[0], delivery).service == delivery


def test_a_control_ticket_is_served_and_recorded_without_a_suggestion(alice: User, delivery: Service) -> None:
    control = factories.ticket(audit=True)
    told = NewItem(control.pk, Mode.TEACH, 0.0, Lane.EXPLOIT, 0.5, 0.5, 0.1, delivery.pk, 0.9)
    actions.queue_replace(items=[told], generation=1)
    item = claim(alice)[0]
    assert (item.lane, item.suggested_service_id, item.candidates) == ("audit", None, [])
    assert submit(alice, item, delivery).suggested_service_id is None
    assert Serving.objects.get().lane == "audit"


def test_a_control_ticket_never_comes_up_in_check(alice: User, delivery: Service) -> None:
    control = NewItem(factories.ticket(audit=True).pk, Mode.CHECK, 0.0, Lane.CONFIRM)
    actions.queue_replace(items=[control], generation=1)
    assert claim(alice, Mode.CHECK) == []
