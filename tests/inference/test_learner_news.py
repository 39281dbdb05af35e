"""What the learner looks at when: an answer at once; new tickets alone every so often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Annotation, QueueItem
from inference.learner import news
from inference.learner.news import is_due
from inference.learner.worker import Resident
from inference.learner.world import Mark
from tests.inference.cast import label, make_services, make_tickets
from tests.inference.clouds import embed

BEFORE = Mark(encoder=1, annotations=(7, 5), vectors=(20, 20), services="-", is_queued=True, audit_target=100)
MORE = replace(BEFORE, vectors=(25, 25))
ROUTED_WITHOUT_A_PAUSE = {"since": 1.0, "cost": 10.0}


def test_the_first_look_is_due_and_none_without_news() -> None:
    assert is_due(None, BEFORE, since=0.0, cost=10.0)
    assert not is_due(BEFORE, BEFORE, since=1e6, cost=0.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"annotations": (8, 6)}, {"annotations": (7, 6)}, {"services": "+"}, {"audit_target": 50}, {"encoder": 2},
        {"annotations": (8, 6), "vectors": (25, 25)},
    ],
)  # fmt: skip
def test_whatever_people_did_is_looked_at_at_once_and_takes_new_tickets_along(
    changed: dict[str, object],
) -> None:
    assert is_due(BEFORE, replace(BEFORE, **changed), **ROUTED_WITHOUT_A_PAUSE)


def test_new_tickets_wait_their_turn_unless_nobody_has_one_left() -> None:
    assert not is_due(BEFORE, MORE, **ROUTED_WITHOUT_A_PAUSE)
    empty = replace(BEFORE, is_queued=False)
    assert is_due(empty, replace(MORE, is_queued=False), **ROUTED_WITHOUT_A_PAUSE)


def test_erased_tickets_are_noticed_at_once() -> None:
    assert is_due(BEFORE, replace(BEFORE, vectors=(19, 21)), **ROUTED_WITHOUT_A_PAUSE)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_looks_at_new_tickets_take_a_fortieth_of_the_time_between_five_seconds_and_two_minutes(
    since: float, cost: float
) -> None:
    assert is_due(BEFORE, MORE, since=since, cost=cost) == (since >= min(max(5.0, 40 * cost), 120.0))


def queued() -> int:
    return QueueItem.objects.filter(mode="teach").count()


@pytest.mark.django_db(transaction=True)
def test_tickets_that_come_without_a_pause_are_not_forgotten(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident = Resident()
    embed(space, make_tickets(20))
    assert resident.refresh() == 1 and queued() == 20
    embed(space, make_tickets(5, first=20))
    assert resident.refresh() == 0 and queued() == 20, "there was a turn a moment ago"
    monkeypatch.setattr(news, "NEW_TICKETS_SECONDS", (0.0, 0.0))
    assert resident.refresh() == 1 and queued() == 25


@pytest.mark.django_db(transaction=True)
def test_an_answer_takes_the_new_tickets_along(space) -> None:
    resident = Resident()
    tickets, services = make_tickets(20), make_services()
    cloud = embed(space, tickets)
    resident.refresh()
    embed(space, make_tickets(5, first=20))
    label(tickets[0], services[cloud[tickets[0].pk]])
    assert resident.refresh() == 1 and queued() == 24
    assert QueueItem.objects.latest("pk").generation == Annotation.objects.latest("pk").pk
