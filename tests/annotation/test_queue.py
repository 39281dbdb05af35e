"""Claiming and releasing, what each answer does to a ticket, pushes from the learner; see also test_queue_answers."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Refused
from annotation import actions, progress, selectors
from annotation.models import Annotation, QueueItem
from annotation.signals import labels_changed
from tests import factories as make

pytestmark = pytest.mark.django_db


def claim(user, mode="teach", count=1, holding=()):
    return actions.queue_claim(annotator=user, mode=mode, count=count, holding=holding)


def refusal(call, *args, **kwargs) -> Refused:
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    return refused.value


def end_leases():
    QueueItem.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def alice():
    return make.person("alice")


@pytest.fixture
def bob():
    return make.person("bob")


@pytest.fixture
def delivery():
    return make.service("Delivery")


def test_tickets_come_in_rank_order_and_nobody_gets_anothers(alice, bob):
    first, second, third = make.tickets(3)
    make.queued(first, second, third)
    assert [item.ticket_id for item in claim(alice, count=2)] == [first.pk, second.pk]
    assert [item.ticket_id for item in claim(bob)] == [third.pk]
    assert claim(bob, holding=[QueueItem.objects.get(ticket=third).lease]) == []


def test_reloading_the_page_shows_the_same_ticket_under_the_same_lease(alice):
    make.queued(*make.tickets(2))
    before = claim(alice)[0]
    again = claim(alice)[0]
    assert again.ticket_id == before.ticket_id and again.lease == before.lease


def test_a_customer_who_waits_comes_before_what_the_same_person_holds_already(alice):
    ranked, (first, second) = make.tickets(3), make.tickets(2)
    make.queued(*ranked)
    held = claim(alice, count=2)
    start = timezone.now()
    actions.live_push(items=[actions.LiveItem(second.pk, start, "uncertain")])
    late = claim(alice)[0]
    assert late.ticket_id == second.pk
    actions.live_push(items=[actions.LiveItem(first.pk, start - timedelta(minutes=1), "uncertain")])
    again = claim(alice, count=5)
    assert [item.ticket_id for item in again] == [first.pk, second.pk, *(ticket.pk for ticket in ranked)]
    assert [item.lease for item in again[1:4]] == [late.lease, *(item.lease for item in held)]


def test_a_customer_whom_somebody_else_answers_is_not_served_again(alice, bob):
    (waiting,) = make.tickets(1)
    actions.live_push(items=[actions.LiveItem(waiting.pk, timezone.now(), "uncertain")])
    assert claim(alice)[0].ticket_id == waiting.pk
    assert claim(bob) == []


def test_what_the_page_already_shows_is_not_served_again(alice):
    make.queued(*make.tickets(2))
    held = claim(alice)[0]
    assert claim(alice, holding=[held.lease])[0].ticket_id != held.ticket_id


def test_an_expired_lease_gives_the_ticket_to_someone_else(alice, bob):
    make.queued(make.ticket())
    claim(alice)
    assert claim(bob) == []
    end_leases()
    assert len(claim(bob)) == 1


def test_nobody_releases_or_prolongs_anothers_lease(alice, bob):
    make.queued(make.ticket())
    lease = claim(alice)[0].lease
    assert actions.queue_release(annotator=bob, leases=[lease]) == 0
    assert actions.queue_heartbeat(annotator=bob, leases=[lease]).lost == [lease]
    assert QueueItem.objects.get().leased_by == alice


def test_a_heartbeat_prolongs_and_says_what_is_lost(alice):
    make.queued(make.ticket())
    item = claim(alice)[0]
    end_leases()
    gone = uuid.uuid4()
    beat = actions.queue_heartbeat(annotator=alice, leases=[item.lease, gone])
    assert list(beat.kept) == [item.lease] and beat.lost == [gone]
    item.refresh_from_db()
    assert item.is_held


def test_a_released_ticket_is_free_at_once(alice, bob):
    make.queued(make.ticket())
    actions.queue_release(annotator=alice, leases=[claim(alice)[0].lease])
    assert len(claim(bob)) == 1


def test_the_same_key_twice_is_one_answer(alice, delivery):
    make.queued(make.ticket())
    answer = make.answer(claim(alice)[0].lease, service_id=delivery.pk)
    once = actions.queue_submit(annotator=alice, answer=answer)
    twice = actions.queue_submit(annotator=alice, answer=answer)
    assert once.pk == twice.pk and Annotation.objects.count() == 1


def test_an_answer_to_a_ticket_that_was_erased_is_refused_clearly(alice, delivery):
    ticket = make.ticket()
    make.queued(ticket)
    lease = claim(alice)[0].lease
    ticket.delete()
    answer = make.answer(lease, service_id=delivery.pk)
    assert refusal(actions.queue_submit, annotator=alice, answer=answer).code == "ticket_gone"


@pytest.mark.parametrize(("kind", "status"), [("none", "set_aside"), ("flag", "flagged"), ("skip", "open")])
def test_each_kind_of_answer_puts_the_ticket_where_it_belongs(alice, kind, status):
    ticket = make.ticket()
    make.queued(ticket)
    actions.queue_submit(annotator=alice, answer=make.answer(claim(alice)[0].lease, kind))
    ticket.refresh_from_db()
    assert ticket.status == status


def test_a_skipped_ticket_goes_to_somebody_else_and_not_back_to_the_same_person(alice, bob):
    make.queued(make.ticket())
    actions.queue_submit(annotator=alice, answer=make.answer(claim(alice)[0].lease, "skip"))
    assert claim(alice) == []
    assert selectors.why_nothing(alice, "teach") == "no_services"
    assert len(claim(bob)) == 1


def test_undo_puts_the_same_ticket_back_in_the_same_hands(alice, bob, delivery):
    ticket = make.ticket()
    make.queued(ticket)
    done = actions.queue_submit(
        annotator=alice, answer=make.answer(claim(alice)[0].lease, service_id=delivery.pk)
    )
    _, item = actions.queue_undo(annotator=alice, annotation_id=done.pk)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.label, ticket.round) == ("open", None, 1)
    assert item is not None and item.leased_by == alice and claim(bob) == []
    actions.queue_submit(annotator=alice, answer=make.answer(item.lease, service_id=delivery.pk))
    ticket.refresh_from_db()
    assert ticket.label == delivery
    assert [a.kind for a in ticket.annotations.order_by("id")] == ["label", "undo", "label"]


def test_undo_twice_is_once_and_nobody_undoes_anothers(alice, bob, delivery):
    make.queued(make.ticket())
    done = actions.queue_submit(
        annotator=alice, answer=make.answer(claim(alice)[0].lease, service_id=delivery.pk)
    )
    assert refusal(actions.queue_undo, annotator=bob, annotation_id=done.pk).code == "not_found"
    actions.queue_undo(annotator=alice, annotation_id=done.pk)
    actions.queue_undo(annotator=alice, annotation_id=done.pk)
    assert Annotation.objects.filter(kind="undo").count() == 1


def test_undoing_a_correction_brings_the_imported_label_back(alice, delivery):
    returns = make.service("Returns")
    ticket = make.ticket(label="Delivery")
    make.queued(ticket, mode="check", lane="weak")
    item = claim(alice, mode="check")[0]
    done = actions.queue_submit(annotator=alice, answer=make.answer(item.lease, service_id=returns.pk))
    ticket.refresh_from_db()
    assert (ticket.label, ticket.label_source) == (returns, "person")
    actions.queue_undo(annotator=alice, annotation_id=done.pk)
    ticket.refresh_from_db()
    assert (ticket.label, ticket.label_source) == (delivery, "import")


def test_the_layers_above_are_told_on_commit(alice, delivery, django_capture_on_commit_callbacks):
    heard = []
    labels_changed.connect(
        lambda ticket_ids, **kwargs: heard.append(ticket_ids), weak=False, dispatch_uid="test"
    )
    ticket = make.ticket()
    make.queued(ticket)
    lease = claim(alice)[0].lease
    try:
        with django_capture_on_commit_callbacks(execute=True):
            actions.queue_submit(annotator=alice, answer=make.answer(lease, service_id=delivery.pk))
            assert heard == []
    finally:
        labels_changed.disconnect(dispatch_uid="test")
    assert heard == [[ticket.pk]]


def test_a_push_replaces_what_nobody_holds_and_leaves_the_rest_alone(alice):
    one, two, three = make.tickets(3)
    make.queued(one, two)
    held = claim(alice)[0]
    new = [actions.NewItem(pk, "teach", place, "exploit") for place, pk in enumerate([one.pk, three.pk])]
    actions.queue_replace(items=new, generation=7)
    rows = dict(QueueItem.objects.values_list("ticket_id", "generation"))
    assert rows == {one.pk: 0, three.pk: 7}
    held.refresh_from_db()
    assert held.is_held


def test_a_push_leaves_out_what_was_labelled_or_erased_meanwhile(alice, delivery):
    labelled, erased, fine = make.tickets(3)
    make.labelled(labelled, delivery, alice)
    gone = erased.pk
    erased.delete()
    ids = [labelled.pk, gone, fine.pk]
    actions.queue_replace(items=[actions.NewItem(pk, "teach", pk, "exploit") for pk in ids], generation=1)
    assert list(QueueItem.objects.values_list("ticket_id", flat=True)) == [fine.pk]


def test_scores_are_swapped_whole(delivery):
    members = make.tickets(3)
    for generation in (1, 2, 3):
        rows = [actions.NewScore(t.pk, generation / 10, 0.5, delivery.pk, 0.9) for t in members]
        actions.scores_replace(rows=rows, labels_used=1, last_annotation_id=0, encoder="e" * 16, seconds=0.1)
        current = selectors.current_generation()
        seen = set(members[0].scores.filter(slot=current.slot).values_list("uncertainty", flat=True))
        assert seen == {generation / 10}


def test_labels_for_training_hold_no_audit_label_and_no_service_switched_off(alice, delivery):
    returns = make.service("Returns")
    plain, control, off = make.ticket("late parcel"), make.ticket("control", audit=True), make.ticket("back")
    make.labelled(plain, delivery, alice)
    make.labelled(control, delivery, alice)
    make.labelled(off, returns, alice)
    actions.service_update(service_id=returns.pk, is_active=False)
    assert [label.ticket_id for label in selectors.labels_for_training()] == [plain.pk]


def test_pace_counts_what_stands_and_takes_the_median_time(alice, delivery):
    make.queued(*make.tickets(3))
    for milliseconds in (2000, 4000, 90_000):
        lease = claim(alice)[0].lease
        answer = make.answer(lease, service_id=delivery.pk, duration_ms=milliseconds)
        last = actions.queue_submit(annotator=alice, answer=answer)
    actions.queue_undo(annotator=alice, annotation_id=last.pk)
    pace = progress.progress(alice).pace
    assert (pace.today, pace.total, pace.seconds_per_ticket) == (2, 2, 4.0)
