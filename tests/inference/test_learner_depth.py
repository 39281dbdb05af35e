"""The learner's slow half: ranking in depth and the score table give way to people's answers, and are not lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from annotation.models import Annotation, QueueItem, ScoreGeneration
from inference.learner import worker
from inference.learner.worker import Resident
from tests.inference.cast import label, make_services, make_tickets
from tests.inference.clouds import embed

pytestmark = pytest.mark.django_db(transaction=True)


def once(resident: Resident, monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], None]) -> None:
    """Do something in the middle of one step of the depth, the first time it runs."""
    real, done = getattr(resident, step), []

    def stepping() -> None:
        if not done:
            done.append(True)
            act()
        real()

    monkeypatch.setattr(resident, step, stepping)


def test_an_answer_that_comes_during_the_depth_is_in_the_queue_before_the_depth_goes_on(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tickets, services = make_tickets(30), make_services()
    cloud = embed(space, tickets)
    resident = Resident()
    seen: list[tuple[int, int]] = []
    once(
        resident,
        monkeypatch,
        "_save_head",
        lambda: label(tickets[0], services[cloud[tickets[0].pk]]) and None,
    )
    real = resident._find_suspects

    def go_on() -> None:
        newest = Annotation.objects.latest("pk").pk
        seen.append((newest, QueueItem.objects.filter(mode="teach").latest("generation").generation))
        real()

    monkeypatch.setattr(resident, "_find_suspects", go_on)
    resident.refresh()
    assert len(seen) == 2, "once for the depth that was disturbed, once for the answer"
    assert all(newest == queued for newest, queued in seen)
    assert (
        ScoreGeneration.objects.get(is_current=True).last_annotation_id == Annotation.objects.latest("pk").pk
    )


def test_a_step_of_the_depth_that_fails_is_taken_again(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tickets = make_tickets(20)
    embed(space, tickets)
    resident = Resident()

    def fail() -> None:
        raise OSError("no room on the disk")

    once(resident, monkeypatch, "_write_scores", fail)
    with pytest.raises(OSError, match="no room"):
        resident.refresh()
    assert not ScoreGeneration.objects.exists()
    resident.refresh()
    assert ScoreGeneration.objects.get(is_current=True).tickets == 20


def test_the_depth_is_ranked_even_while_answers_keep_coming(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tickets, services = make_tickets(60), make_services()
    cloud = embed(space, tickets)
    monkeypatch.setattr(worker, "DEEP_EVERY_SECONDS", 0.5)
    resident = Resident()
    waiting = iter(tickets)
    real = resident.turn

    def turn(*args, **kwargs):
        found = real(*args, **kwargs)
        if not ScoreGeneration.objects.exists():
            ticket = next(waiting)
            label(ticket, services[cloud[ticket.pk]])
        return found

    monkeypatch.setattr(resident, "turn", turn)
    resident.refresh()
    assert ScoreGeneration.objects.exists()
