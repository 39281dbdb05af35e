"""The learner worker: what it puts in the queue, what it never does, and that it does it once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from annotation import actions as annotation
from annotation.api.shapes import why
from annotation.models import Annotation, QueueItem, ScoreGeneration, Service, TicketScore
from inference.learner.worker import Resident
from inference.models import LearnerHead
from tests.inference.cast import label, make_services, make_ticket, make_tickets, someone
from tests.inference.clouds import embed, queue, teach_some
from training import actions as training
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_space_or_a_ticket_nothing_breaks(resident: Resident) -> None:
    assert resident.refresh() == 0
    make_ticket(1)
    assert resident.refresh() == 0


def test_from_zero_services_and_zero_labels_typical_tickets_are_queued(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(30)
    embed(space, tickets)
    resident.refresh()
    assert len(queue()) == 30
    assert {item.lane for item in queue()} == {"start"}
    assert {tuple(item.candidates) for item in queue()} == {()}
    assert ScoreGeneration.objects.get(is_current=True).tickets == 30


def test_one_label_only_still_ranks_and_suggests_nothing(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(20)
    cloud = embed(space, tickets)
    services = make_services()
    teach_some(tickets, cloud, services, 1)
    resident.refresh()
    assert len(queue()) == 19
    assert not any(item.candidates for item in queue())
    assert queue("check") == []


def test_labels_of_three_services_give_hesitations_with_candidates(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(90)
    cloud = embed(space, tickets)
    services = make_services()
    teach_some(tickets, cloud, services, 12)
    resident.refresh()
    items = queue()
    assert {"exploit", "novelty"} <= {item.lane for item in items}
    hesitation = next(item for item in items if item.lane == "exploit")
    assert hesitation.candidates[0][0] in {service.pk for service in services}
    assert hesitation.suggested_service_id == hesitation.candidates[0][0]
    scored = TicketScore.objects.filter(slot=ScoreGeneration.objects.get(is_current=True).slot)
    assert scored.count() == 90
    said = {score.ticket_id: score.service_id for score in scored}
    right = sum(said[t.pk] == services[cloud[t.pk]].pk for t in tickets)
    assert right > 75
    head = LearnerHead.objects.get()
    assert head.classes == ["card", "parcel", "refund"]
    assert head.labels_used == 12


def test_the_head_in_the_row_says_nearly_what_the_learner_says(
    resident: Resident, space: ModelVersion
) -> None:
    from inference import heads

    tickets = make_tickets(60)
    cloud = embed(space, tickets)
    teach_some(tickets, cloud, make_services(), 15)
    resident.refresh()
    head = heads.unpack(LearnerHead.objects.get())
    learner = resident._learner
    assert learner is not None
    vector = learner.points[20]
    guess = learner.predict_one(vector)
    assert head.probabilities(vector).argmax() == guess.probabilities.argmax()
    assert np.allclose(head.probabilities(vector), guess.probabilities, atol=0.2)
    assert learner.outlier_model is not None
    alone = learner.outlier_model.score(vector[None, :])[0]
    assert head.outlier(vector) == pytest.approx(float(alone), abs=0.02)


def test_many_labels_at_once_cost_one_refit(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(60)
    cloud = embed(space, tickets)
    services = make_services()
    resident.refresh()
    teach_some(tickets, cloud, services, 25)
    assert resident.refresh() == 1
    assert resident.refresh() == 0
    assert resident.last is not None and resident.last.labels == 25


def test_audit_tickets_are_served_but_never_train(resident: Resident, space: ModelVersion) -> None:
    services = make_services()
    audit = make_tickets(20, first=500, is_audit=True)
    tickets = make_tickets(60)
    cloud = embed(space, [*tickets, *audit])
    teach_some(tickets, cloud, services, 12)
    for ticket in audit[:6]:
        label(ticket, services[cloud[ticket.pk]])
    resident.refresh()
    assert resident.last is not None and resident.last.labels == 12
    served = [item for item in queue() if item.lane == "audit"]
    assert {item.ticket_id for item in served} == {ticket.pk for ticket in audit[6:]}
    ranks = [item.ticket.audit_rank for item in served]
    assert ranks == sorted(ranks)
    assert all(item.candidates == [] and item.suggested_service_id is None for item in served)
    assert not {ticket.pk for ticket in audit} & {item.ticket_id for item in queue("check")}


def test_the_audit_lane_gets_its_share_although_the_queue_is_pushed_after_every_answer(
    resident: Resident, space: ModelVersion
) -> None:
    services = make_services()
    audit = make_tickets(30, first=500, is_audit=True)
    tickets = make_tickets(120)
    cloud = embed(space, [*tickets, *audit])
    teach_some(tickets, cloud, services, 9)
    alice = someone()
    strange = 0.0
    for _ in range(60):
        resident.turn()
        assert resident._learner is not None
        strange += min(settings.NOVELTY_LANE_SHARE, resident._learner.novelty_share)
        item = annotation.queue_claim(annotator=alice, mode="teach")[0]
        service = services[cloud[item.ticket_id]]
        answer = annotation.Answer(
            key=item.new_lease(), lease=item.lease, kind="label", service_id=service.pk
        )
        annotation.queue_submit(annotator=alice, answer=answer)
    lanes = list(Annotation.objects.filter(key__isnull=False).values_list("lane", flat=True))
    assert 8 <= lanes.count("audit") <= 10
    assert 2 < strange < 9, "less and less is asked for as the services settle"
    assert abs(lanes.count("novelty") - strange) <= 1.5
    assert lanes.count("exploit") > 38


def test_tickets_likely_of_a_service_with_few_labels_are_asked_for_and_say_so(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(90)
    cloud = embed(space, tickets)
    services = make_services()
    teach_some([one for one in tickets if cloud[one.pk] < 2], cloud, services, 20)
    teach_some([one for one in tickets if cloud[one.pk] == 2], cloud, services, 2)
    resident.refresh()
    looked_for = [item for item in queue() if item.lane == "scarce"]
    assert 3 <= len(looked_for) <= 5 and looked_for[0].position < 12
    assert sum(cloud[item.ticket_id] == 2 for item in looked_for) >= 3
    assert {why(item)["code"] for item in looked_for} == {"scarce_service"}


def test_no_audit_ticket_is_served_once_there_are_as_many_as_the_lead_asks_for(
    resident: Resident, space: ModelVersion
) -> None:
    training.policy_update(audit_target=2)
    services = make_services()
    audit = make_tickets(6, first=500, is_audit=True)
    tickets = make_tickets(30)
    cloud = embed(space, [*tickets, *audit])
    for ticket in audit[:2]:
        label(ticket, services[cloud[ticket.pk]])
    resident.refresh()
    assert "audit" not in {item.lane for item in queue()}
    training.policy_update(audit_target=3)
    assert resident.refresh() == 1
    assert "audit" in {item.lane for item in queue()}


def test_a_held_ticket_stays_with_its_holder(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(40)
    cloud = embed(space, tickets)
    services = make_services()
    resident.refresh()
    alice = someone()
    held = annotation.queue_claim(annotator=alice, mode="teach", count=2)
    others = [t for t in tickets if t.pk not in {item.ticket_id for item in held}]
    teach_some(others, cloud, services, 12)
    resident.refresh()
    for item in held:
        now = QueueItem.objects.get(ticket_id=item.ticket_id)
        assert (now.lease, now.leased_by, now.position) == (item.lease, alice, item.position)


def test_an_expired_lease_goes_back_into_the_ranking(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(20)
    embed(space, tickets)
    resident.refresh()
    item = annotation.queue_claim(annotator=someone(), mode="teach")[0]
    QueueItem.objects.filter(pk=item.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    resident.turn()
    again = QueueItem.objects.get(ticket_id=item.ticket_id)
    assert again.lease is None


def test_labels_of_a_service_switched_off_do_not_train_and_it_is_not_offered(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(60)
    cloud = embed(space, tickets)
    services = make_services()
    teach_some(tickets, cloud, services, 30)
    Service.objects.filter(pk=services[0].pk).update(is_active=False)
    resident.refresh()
    assert resident.last is not None and resident.last.labels == 20
    offered = {pk for item in QueueItem.objects.all() for pk, _ in item.candidates}
    assert offered == {services[1].pk, services[2].pk}
    Service.objects.filter(pk=services[0].pk).update(is_active=True)
    resident.refresh()
    assert resident.last.labels == 30


def test_when_all_is_labelled_the_queue_is_empty_and_says_why(
    resident: Resident, space: ModelVersion
) -> None:
    from annotation import selectors

    tickets = make_tickets(9)
    cloud = embed(space, tickets)
    services = make_services()
    resident.refresh()
    teach_some(tickets, cloud, services, 9)
    resident.refresh()
    assert queue() == []
    assert selectors.why_nothing(someone(), "teach") == "all_labelled"


def test_new_vectors_join_without_reading_the_old_ones_again(
    resident: Resident, space: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inference.learner import news, pool

    monkeypatch.setattr(news, "NEW_TICKETS_SECONDS", (0.0, 0.0))
    first = make_tickets(20)
    embed(space, first)
    resident.refresh()
    read, asked = pool.read, []
    monkeypatch.setattr(
        pool, "read", lambda encoder, after=0: asked.append(after) or read(encoder, after=after)
    )
    embed(space, make_tickets(5, first=100), seed=3)
    resident.refresh()
    assert len(queue()) == 25
    assert len(asked) == 1 and asked[0] > 0


def test_an_erased_ticket_leaves_the_ranking(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(12)
    embed(space, tickets)
    resident.refresh()
    tickets[3].delete()
    resident.refresh()
    assert len(queue()) == 11
    assert ScoreGeneration.objects.get(is_current=True).tickets == 11


def test_check_gets_imported_labels_and_doubtful_ones(resident: Resident, space: ModelVersion) -> None:
    tickets = make_tickets(240)
    cloud = embed(space, tickets)
    services = make_services()
    teach_some(tickets, cloud, services, 120)
    wrong = tickets[120]
    label(wrong, services[(cloud[wrong.pk] + 1) % 3])
    imported = tickets[121]
    label(imported, services[cloud[imported.pk]], source="import")
    resident.refresh()
    found = {item.ticket_id: item for item in queue("check")}
    assert found[wrong.pk].lane == "suspect"
    assert found[wrong.pk].suggested_service_id == services[cloud[wrong.pk]].pk
    assert found[imported.pk].lane == "weak"
    assert not set(found) & {item.ticket_id for item in queue()}
    resident.turn()
    assert QueueItem.objects.get(ticket=wrong).lane == "suspect"  # a quick push keeps what was found


@pytest.mark.parametrize(
    "strategy", ["modAL.uncertainty.entropy_sampling", "modAL.uncertainty.margin_sampling"]
)
def test_any_modal_query_strategy_can_rank(
    strategy: str, resident: Resident, space: ModelVersion, settings: Any
) -> None:
    settings.LEARNER_STRATEGY = strategy
    tickets = make_tickets(40)
    cloud = embed(space, tickets)
    teach_some(tickets, cloud, make_services(), 10)
    resident.refresh()
    assert len(queue()) + len(queue("check")) == 30


def test_another_process_starts_from_the_rows(space: ModelVersion) -> None:
    tickets = make_tickets(40)
    cloud = embed(space, tickets)
    teach_some(tickets, cloud, make_services(), 10)
    Resident().refresh()
    before = [(item.ticket_id, item.lane) for item in queue()]
    QueueItem.objects.all().delete()
    Resident().refresh()
    assert [(item.ticket_id, item.lane) for item in queue()] == before
