"""Turns go on while the depth is made; in a large pool they look at some of it, and miss nothing of note."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from django.db import connection

from annotation.models import Annotation, QueueItem, ScoreGeneration
from inference.learner import worker
from inference.learner.behind import Behind, Step
from inference.learner.worker import Resident
from tests.inference.cast import label, make_services, make_tickets
from tests.inference.clouds import embed, teach_some

pytestmark = pytest.mark.django_db(transaction=True)


def newest_in_queue() -> int:
    return int(QueueItem.objects.filter(mode="teach").latest("generation").generation)


def test_an_answer_is_in_the_queue_while_a_slow_step_of_the_depth_is_under_way(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tickets, services = make_tickets(40), make_services()
    cloud = embed(space, tickets)
    resident = Resident()
    seen: list[bool] = []
    real = resident._write_scores

    def slow() -> None:
        if not seen:
            label(tickets[0], services[cloud[tickets[0].pk]])
            newest = Annotation.objects.latest("pk").pk
            arrived = threading.Event()
            for _ in range(200):
                if newest_in_queue() >= newest:
                    arrived.set()
                    break
                arrived.wait(0.05)
            seen.append(arrived.is_set())
        real()

    monkeypatch.setattr(resident, "_write_scores", slow)
    resident.refresh()
    assert seen == [True], "the step had not ended when the queue knew of the answer"
    current = ScoreGeneration.objects.get(is_current=True)
    assert current.last_annotation_id == Annotation.objects.latest("pk").pk


def test_a_large_pool_is_ranked_from_the_neighbours_of_the_news(
    space,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "LARGE_POOL", 50)
    tickets, services = make_tickets(120), make_services()
    cloud = embed(space, tickets)
    teach_some(tickets, cloud, services, 30)
    resident = Resident()
    resident.refresh()
    looks: list[Any] = []
    real = resident._order

    def order(*args: Any, **fields: Any) -> Any:
        looks.append(args[5] if len(args) > 5 else None)
        return real(*args, **fields)

    monkeypatch.setattr(resident, "_order", order)
    label(tickets[90], services[cloud[tickets[90].pk]])
    resident.refresh()
    assert looks[0] is not None and looks[-1] is None, "first some of the pool, then all of it behind"
    rows = [row for row, pk in enumerate(resident._rows.ids) if pk == tickets[90].pk]  # type: ignore[union-attr]
    assert set(rows) <= set(looks[0].tolist())
    assert newest_in_queue() == Annotation.objects.latest("pk").pk
    assert not QueueItem.objects.filter(ticket=tickets[90]).exists()
    assert ScoreGeneration.objects.get(is_current=True).labels_used == 31


def test_a_step_gives_way_to_the_turns() -> None:
    seen: list[int] = []
    step = Step(lambda: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    assert Behind().run(step, 10.0)
    assert seen[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_step_that_is_no_longer_wanted_is_waited_for_and_the_wanted_one_runs() -> None:
    behind, done, go_on = Behind(), [], threading.Event()
    old = Step(lambda: (go_on.wait(10), done.append("old")))
    new = Step(lambda: done.append("new"))
    assert not behind.run(old, 0.01)
    assert not behind.run(new, 0.01) and done == []
    go_on.set()
    turns = 0
    while not behind.run(new, 1.0):
        turns += 1
        assert turns < 20
    assert done == ["old", "new"] and not behind.is_busy


def test_the_error_of_a_step_comes_out_where_it_is_asked_for_and_the_step_can_be_taken_again() -> None:
    behind, tries = Behind(), []

    def fail_once() -> None:
        tries.append(connection.connection is None)
        if len(tries) == 1:
            raise OSError("no room on the disk")

    step = Step(fail_once)
    with pytest.raises(OSError, match="no room"):
        while not behind.run(step, 1.0):
            pass
    assert behind.run(step, 5.0)
    assert tries == [True, True], "it works on no connection of ours"
