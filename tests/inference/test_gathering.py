"""Calls that come while others are decided are decided together; a lone one waits for nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from inference.routing.gathering import Gathering

PATIENCE = 10.0


class Desk:
    """Decides by doubling, notes each round, and works only while the door is open."""

    def __init__(self, rounds: int = 1, most: int = 100) -> None:
        self.rounds: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.gathering: Gathering[int, int] = Gathering(self.decide, rounds, most)

    def decide(self, calls: list[int]) -> list[int]:
        self.rounds.append(calls)
        assert self.open.wait(PATIENCE)
        if 13 in calls:
            raise ValueError("13 is not decided")
        return [2 * call for call in calls]

    def all_at_once(self, calls: list[int], act: Callable[[], None]) -> list[Any]:
        """The first call shuts the door behind it; the others come; then ``act`` and the door opens."""
        with ThreadPoolExecutor(len(calls)) as pool:
            self.open.clear()
            asked = [pool.submit(self.gathering.ask, calls[0])]
            until(lambda: len(self.rounds) == 1)
            asked += [pool.submit(self.gathering.ask, call) for call in calls[1:]]
            until(lambda: len(self.gathering._waiting) == len(calls) - len(self.rounds))
            act()
            self.open.set()
            return [one.exception(PATIENCE) or one.result() for one in asked]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_lone_call_is_decided_at_once_and_alone() -> None:
    desk = Desk()
    assert [desk.gathering.ask(4), desk.gathering.ask(5)] == [8, 10] and desk.rounds == [[4], [5]]


def test_what_came_during_a_round_is_the_next_and_everybody_gets_their_own_answer() -> None:
    desk = Desk()
    assert desk.all_at_once([1, 2, 3, 4, 5], lambda: None) == [2, 4, 6, 8, 10]
    assert desk.rounds[0] == [1] and sorted(desk.rounds[1]) == [2, 3, 4, 5] and len(desk.rounds) == 2


def test_no_round_is_larger_than_asked_for() -> None:
    desk = Desk(most=2)
    assert desk.all_at_once([1, 2, 3, 4, 5, 6], lambda: None) == [2, 4, 6, 8, 10, 12]
    assert max(map(len, desk.rounds)) == 2


def test_so_many_rounds_are_under_way_as_asked_for() -> None:
    desk = Desk(rounds=2)
    assert desk.all_at_once([1, 2, 3, 4], lambda: until(lambda: len(desk.rounds) == 2)) == [2, 4, 6, 8]


def test_the_fault_of_one_call_is_not_anothers() -> None:
    desk = Desk()
    first, second, bad, last = desk.all_at_once([1, 2, 13, 4], lambda: None)
    assert [first, second, last] == [2, 4, 8] and isinstance(bad, ValueError)
    assert desk.gathering.ask(7) == 14, "and the next finds a free place"


def test_a_lone_call_that_fails_fails_once() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="13"):
        desk.gathering.ask(13)
    assert desk.rounds == [[13]] and desk.gathering.ask(1) == 2


def test_hundreds_of_calls_from_many_threads_all_get_their_own() -> None:
    desk = Desk(rounds=2, most=7)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(desk.gathering.ask, range(14, 600))) == [2 * call for call in range(14, 600)]
    assert desk.gathering._under_way == 0 and not desk.gathering._waiting
