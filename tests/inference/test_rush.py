"""In a rush what can wait does: what routed tickets bring to the pool comes when customers no longer wait for cores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Ticket
from inference import actions, rush
from inference.actions import routed
from inference.models import RoutingDecision
from tests import factories
from tests.inference.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def rushed(desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk that asked four times within a minute, which is a rush here."""
    monkeypatch.setattr(rush, "LATELY", timedelta(minutes=1))
    settings.RUSH_PER_SECOND = 4 / 60
    for number in range(4):
        desk.route(f"A-{number}", f"delivery {number}")
    return desk


def earlier(by: timedelta, **which: Any) -> None:
    RoutingDecision.objects.filter(**which).update(decided_at=timezone.now() - by)


def test_a_rush_is_so_many_decisions_a_second_and_ends_when_they_are_over(rushed: Desk) -> None:
    assert rush.is_rush()
    earlier(rush.LATELY, ticket__external_id="A-0")
    assert not rush.is_rush()


def test_without_a_figure_there_is_no_rush(rushed: Desk, settings: Any) -> None:
    settings.RUSH_PER_SECOND = 0
    assert not rush.is_rush()


def test_what_decisions_brought_is_loaded_when_the_rush_is_over(rushed: Desk) -> None:
    assert actions.decisions_load() == 0
    earlier(rush.LATELY)
    assert actions.decisions_load() == 4


def test_nothing_waits_for_longer_than_the_longest_however_long_a_rush_is(rushed: Desk) -> None:
    earlier(rush.LONGEST, ticket__external_id="A-0")
    rushed.route("A-4", "delivery 4")
    assert rush.is_rush()
    assert actions.decisions_load() == 5, "what came later goes along with it"


def test_loading_stops_where_a_rush_begins(rushed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begins = iter([False, True])
    monkeypatch.setattr(routed, "AT_ONCE", 2)
    monkeypatch.setattr(routed.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(rush, "is_rush", lambda: next(begins))
    assert actions.decisions_load() == 2
    assert RoutingDecision.objects.filter(vector__isnull=False).count() == 2


def test_in_a_rush_routed_tickets_can_wait_for_their_vectors_and_imported_ones_cannot(rushed: Desk) -> None:
    imported = factories.ticket()
    assert list(rush.cannot_wait(Ticket.objects.all())) == [imported]
    earlier(rush.LONGEST, ticket__external_id="A-0")
    rushed.route("A-4", "delivery 4")
    waited = Ticket.objects.get(external_id="A-0")
    assert set(rush.cannot_wait(Ticket.objects.all())) == {imported, waited}
    earlier(rush.LATELY)
    assert rush.cannot_wait(Ticket.objects.all()).count() == 6
