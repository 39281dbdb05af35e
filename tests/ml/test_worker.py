"""The threads that own the model, behind their queue."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable

import pytest

from ml.schema import TransformInput
from ml.worker import Overloaded, TooManyRecords, Worker
from tests.ml.letters import PATIENCE, Letters, wait_for


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(scene(), PATIENCE)

    asyncio.run(within())


def records(count: int, name: str) -> list[TransformInput]:
    return [TransformInput(f"{name}{at}", f"{name} {at}") for at in range(count)]


async def hold(worker: Worker, letters: Letters, first: list[TransformInput]) -> asyncio.Future[list[str]]:
    """Ask for these, and hold the model in its answer to them."""
    letters.go.clear()
    asked = worker.submit(first)
    await asyncio.to_thread(letters.began.wait, PATIENCE)
    return asked


def test_what_waits_is_bounded_and_the_rest_is_refused_at_once(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker(capacity=6, batch=2)
        letters.go.clear()
        first = worker.submit(records(5, "a"))
        with pytest.raises(Overloaded):
            worker.submit(records(2, "b"))
        with pytest.raises(TooManyRecords):
            worker.submit(records(7, "c"))
        last = worker.submit(records(1, "d"))
        letters.go.set()
        assert len(await first) == 5 and len(await last) == 1
        assert len(await worker.submit(records(6, "e"))) == 6

    run(scene)


def test_a_small_request_does_not_wait_for_a_whole_file(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker(batch=4)
        file = await hold(worker, letters, records(40, "file"))
        live = worker.submit(records(1, "live"))
        letters.go.set()
        await live
        assert [json.loads(line)["id"] for line in await file] == [f"file{at}" for at in range(40)]

    run(scene)
    assert "live 0" in letters.batches[1]


def test_turns_are_as_long_as_the_pace_allows(make_worker: Callable[..., Worker], letters: Letters) -> None:
    """Slow texts keep them at their least; fast ones let each be twice the one before, up to a batch."""

    async def scene(turn_seconds: float) -> list[int]:
        letters.batches.clear()
        worker = make_worker(batch=100, turn_seconds=turn_seconds)
        await worker.submit(records(300, "file"))
        return [len(batch) for batch in letters.batches]

    async def scenes() -> None:
        assert await scene(0.0) == [32] * 9 + [12], "no time: the fewest"
        assert await scene(math.inf) == [32, 64, 100, 100, 4]

    run(scenes)


def test_small_requests_that_come_together_are_answered_together(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker()
        first = await hold(worker, letters, records(1, "first"))
        others = [worker.submit(records(1, f"n{at}-")) for at in range(20)]
        letters.go.set()
        await asyncio.gather(first, *others)

    run(scene)
    assert [len(batch) for batch in letters.batches] == [1, 20]


def test_as_many_answer_at_once_as_the_encoder_works_on_side_by_side(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    """A second small request goes to the model while the first is there, and only a third waits."""
    letters.at_once = 2

    async def scene() -> None:
        worker = make_worker()
        letters.go.clear()
        asked = []
        for number in range(3):
            asked.append(worker.submit(records(1, f"n{number}-")))
            await asyncio.to_thread(wait_for, lambda: len(letters.batches) == min(len(asked), 2))
        letters.go.set()
        await asyncio.gather(*asked)
        worker.stop()
        await asyncio.to_thread(worker.join, PATIENCE)
        assert not worker.is_alive() and not worker.is_loaded

    run(scene)
    assert letters.batches == [["n0- 0"], ["n1- 0"], ["n2- 0"]]


def test_a_file_is_answered_in_order_by_one_thread_while_small_requests_go_past_it(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    letters.at_once = 3

    async def scene() -> None:
        worker = make_worker(capacity=61, batch=4)
        for _ in range(5):
            file = worker.submit(records(40, "file"))
            small = [worker.submit(records(1, f"n{number}-")) for number in range(20)]
            assert [len(lines) for lines in await asyncio.gather(*small)] == [1] * 20
            assert [json.loads(line)["id"] for line in await file] == [f"file{at}" for at in range(40)]
        assert len(await worker.submit(records(61, "all"))) == 61, "nothing is counted as waiting any more"

    run(scene)


def test_a_file_nobody_waits_for_ends_with_the_turn_it_is_in(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    """Another thread that looks for work meanwhile neither answers more of it nor counts it out twice."""
    letters.at_once = 2

    async def scene() -> None:
        worker = make_worker(capacity=10, batch=2)
        gone = await hold(worker, letters, records(9, "gone"))
        gone.cancel()
        other = worker.submit(records(1, "other"))
        await asyncio.to_thread(wait_for, lambda: len(letters.batches) == 2)
        letters.go.set()
        await other
        await asyncio.to_thread(wait_for, lambda: worker._waiting == 0)
        with pytest.raises(TooManyRecords):
            worker.submit(records(11, "more"))
        assert len(await worker.submit(records(10, "next"))) == 10

    run(scene)
    assert letters.batches[:2] == [["gone 0", "gone 1"], ["other 0"]]
    assert sum(text.startswith("gone") for batch in letters.batches for text in batch) == 2


def test_what_nobody_waits_for_any_more_is_not_answered(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker(batch=2)
        first = await hold(worker, letters, records(1, "first"))
        worker.submit(records(10, "gone")).cancel()
        letters.go.set()
        await first
        await worker.submit(records(1, "next"))

    run(scene)
    assert letters.batches == [["first 0"], ["next 0"]]


def test_a_model_that_never_ends_an_answer_is_not_well(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    worker = make_worker(stuck_seconds=0.05)
    letters.go.clear()

    async def scene() -> None:
        worker.submit(records(1, "a"))
        await asyncio.to_thread(wait_for, lambda: not worker.is_well)
        letters.go.set()
        await asyncio.to_thread(wait_for, lambda: worker.is_well)

    run(scene)


def test_stopping_answers_what_waits_and_refuses_what_comes(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker(batch=2)
        letters.go.clear()
        waiting = [worker.submit(records(3, name)) for name in "ab"]
        worker.stop()
        with pytest.raises(Overloaded):
            worker.submit(records(1, "late"))
        letters.go.set()
        assert [len(await one) for one in waiting] == [3, 3]
        await asyncio.to_thread(worker.join, PATIENCE)
        assert not worker.is_alive()

    run(scene)
