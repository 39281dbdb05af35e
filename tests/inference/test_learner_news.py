"""What the learner looks at when: an answer at once; new tickets alone at once and then every so often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation.models import Annotation, QueueItem
from inference.learner import news
from inference.learner.worker import Resident
from tests.inference.cast import label, make_services, make_tickets
from tests.inference.test_learner_worker import embed, space  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def queued() -> int:
    return QueueItem.objects.filter(mode="teach").count()


def test_tickets_that_come_without_a_pause_wait_their_turn_and_are_not_forgotten(
    space,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident = Resident()
    embed(space, make_tickets(20))
    assert resident.refresh() == 1 and queued() == 20
    embed(space, make_tickets(5, first=20))
    assert resident.refresh() == 0 and queued() == 20, "there was a turn a moment ago"
    monkeypatch.setattr(news, "NEW_TICKETS_SECONDS", (0.0, 0.0))
    assert resident.refresh() == 1 and queued() == 25


def test_an_answer_is_looked_at_at_once_and_takes_the_new_tickets_along(space) -> None:  # noqa: F811
    resident = Resident()
    tickets, services = make_tickets(20), make_services()
    cloud = embed(space, tickets)
    resident.refresh()
    embed(space, make_tickets(5, first=20))
    label(tickets[0], services[cloud[tickets[0].pk]])
    assert resident.refresh() == 1 and queued() == 24
    assert QueueItem.objects.latest("pk").generation == Annotation.objects.latest("pk").pk


def test_a_dear_look_comes_less_often(space, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(news, "NEW_TICKETS_SECONDS", (0.0, 1000.0))
    resident = Resident()
    embed(space, make_tickets(20))
    resident.refresh()
    assert resident.last is not None
    embed(space, make_tickets(5, first=20))
    resident.last = replace(resident.last, seconds=60.0)
    assert resident.refresh() == 0
    resident.last = replace(resident.last, seconds=0.0)
    assert resident.refresh() == 1 and queued() == 25


def test_where_nobody_has_a_ticket_left_new_ones_are_taken_in_at_once(space) -> None:  # noqa: F811
    resident = Resident()
    tickets, services = make_tickets(6), make_services()
    cloud = embed(space, tickets)
    for ticket in tickets:
        label(ticket, services[cloud[ticket.pk]])
    resident.refresh()
    assert queued() == 0
    embed(space, make_tickets(5, first=20))
    assert resident.refresh() == 1 and queued() == 5


def test_an_erased_ticket_is_noticed_at_once(space) -> None:  # noqa: F811
    resident = Resident()
    tickets = make_tickets(20)
    embed(space, tickets)
    resident.refresh()
    tickets[3].delete()
    assert resident.refresh() == 1
