"""The serving program's two halves: the HTTP contract, and the one thread that owns the model behind its queue."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from ml.endpoint import CUSTOM_ATTRIBUTES, INFERENCE_ID, LARGEST_BODY, Endpoint
from ml.predictor import Predictor
from ml.schema import Manifest, TransformInput
from ml.serve import main
from ml.worker import Overloaded, TooManyRecords, Worker

PATIENCE = 10.0


class Letters:
    """Embeds a text as the share of its vowels; can be held, and is upset by one text."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()
        self.is_broken = False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if list(texts) != ["Is the model awake?"]:
            self.batches.append(list(texts))
            self.began.set()
            assert self.go.wait(PATIENCE)
        if self.is_broken or "upsetting" in texts:
            raise RuntimeError("no")
        return np.array([[1.0, sum(text.count(v) for v in "aeiou")] for text in texts], np.float32).reshape(
            -1, 2
        )


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def make_worker(letters: Letters) -> Iterator[Callable[..., Worker]]:
    manifest = Manifest(
        kind="encoder", dim=2, encoder="0" * 16, base_model="letters", created_by="test", files={"-": "-"}
    )
    made: list[Worker] = []

    def make(start: bool = True, **limits: Any) -> Worker:
        made.append(Worker(lambda: Predictor(manifest, "m", letters, None), lambda error: None, **limits))
        if start:
            made[-1].start()
            wait_for(lambda: made[-1].is_well)
        return made[-1]

    yield make
    letters.go.set()
    for worker in made:
        if worker.is_alive():
            worker.stop()
            worker.join(PATIENCE)


def wait_for(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


@asynccontextmanager
async def client(worker: Worker, seconds: float | None = PATIENCE) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Endpoint(worker, seconds).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as found:
        yield found


def ask(worker: Worker, *, seconds: float | None = PATIENCE, **request: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        async with client(worker, seconds) as http:
            return await http.post("/invocations", **request)

    return asyncio.run(once())


def lines(*records: Any) -> dict[str, Any]:
    content = "".join(json.dumps(record) + "\n" for record in records)
    return {"content": content, "headers": {"content-type": "application/jsonlines"}}


def ticket(name: str, text: str = "hello") -> dict[str, str]:
    return {"id": name, "text": text}


# The contract


def test_every_line_gets_a_line_in_order_and_a_bad_one_harms_no_other(
    make_worker: Callable[..., Worker],
) -> None:
    found = ask(make_worker(), **lines(ticket("a"), {"id": "b"}, ticket("c"), 7))
    answers = [json.loads(line) for line in found.text.splitlines()]
    assert found.status_code == 200 and [answer["id"] for answer in answers] == ["a", "b", "c", ""]
    assert [answer["error"] is None for answer in answers] == [True, False, True, False]


@pytest.mark.parametrize(
    ("sent", "ids"),
    [
        (ticket("a"), ["a"]),
        ([ticket("a"), ticket("b")], ["a", "b"]),
        ({"instances": [ticket("a"), ticket("b")]}, ["a", "b"]),
        ([], []),
    ],
)
def test_json_is_answered_in_the_shape_it_came_in(
    make_worker: Callable[..., Worker], sent: Any, ids: list[str]
) -> None:
    found = ask(make_worker(), json=sent).json()
    answers = found["predictions"] if "instances" in sent else found if isinstance(sent, list) else [found]
    assert [answer["id"] for answer in answers] == ids


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"x", "headers": {"content-type": "text/csv"}}, 415, "unsupported_media_type"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "bad_json"),
        ({"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, 400, "bad_json"),
        (
            {"content": b" " * (LARGEST_BODY + 1), "headers": {"content-type": "application/json"}},
            413,
            "too_large",
        ),
        (lines(*[ticket(str(at)) for at in range(9)]), 413, "too_many_records"),
    ],
    ids=["another type", "no JSON", "a deep nest", "too large", "more lines than may wait"],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    make_worker: Callable[..., Worker], request_: dict[str, Any], status: int, code: str
) -> None:
    found = ask(make_worker(capacity=8), **request_)
    assert (found.status_code, found.json()["error"]["code"]) == (status, code)


def test_the_platforms_own_headers_come_back_as_they_were_sent_with_errors_too(
    make_worker: Callable[..., Worker],
) -> None:
    headers = {CUSTOM_ATTRIBUTES: "trace=1", INFERENCE_ID: "ticket-7"}
    worker = make_worker()
    for request in ({"json": ticket("a")}, {"content": b"x"}):
        found = ask(worker, **request, headers=headers)
        assert {name: found.headers[name] for name in headers} == headers
    assert INFERENCE_ID not in ask(worker, json=ticket("a"), headers={INFERENCE_ID: "x" * 2000}).headers


def test_nobody_is_told_that_the_model_is_well_before_it_is(make_worker: Callable[..., Worker]) -> None:
    async def pinged(worker: Worker) -> int:
        async with client(worker) as http:
            return (await http.get("/ping")).status_code

    worker = make_worker(start=False)
    assert asyncio.run(pinged(worker)) == 503
    found = ask(worker, json=ticket("a"))
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
    worker.start()
    wait_for(lambda: worker.is_well)
    assert asyncio.run(pinged(worker)) == 200


def test_an_answer_that_takes_too_long_is_an_error_the_platform_can_read(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    worker = make_worker()
    letters.go.clear()
    found = ask(worker, seconds=0.05, json=ticket("a"))
    assert (found.status_code, found.json()["error"]["code"]) == (503, "too_slow")


@pytest.mark.parametrize("told", ["0", "-3", "many"])
def test_a_queue_length_that_is_no_number_is_said_before_anything_is_loaded(
    told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main({"SERVE_QUEUE_RECORDS": told}) == 1
    assert "SERVE_QUEUE_RECORDS" in capsys.readouterr().err


# The thread behind it


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(scene(), PATIENCE)

    asyncio.run(within())


def records(count: int, name: str) -> list[TransformInput]:
    return [TransformInput(f"{name}{at}", f"{name} {at}") for at in range(count)]


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
        letters.go.clear()
        file = worker.submit(records(40, "file"))
        await asyncio.to_thread(letters.began.wait, PATIENCE)
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
        letters.go.clear()
        first = worker.submit(records(1, "first"))
        await asyncio.to_thread(letters.began.wait, PATIENCE)
        others = [worker.submit(records(1, f"n{at}-")) for at in range(20)]
        letters.go.set()
        await asyncio.gather(first, *others)

    run(scene)
    assert [len(batch) for batch in letters.batches] == [1, 20]


def test_what_nobody_waits_for_any_more_is_not_answered(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    async def scene() -> None:
        worker = make_worker(batch=2)
        letters.go.clear()
        first = worker.submit(records(1, "first"))
        await asyncio.to_thread(letters.began.wait, PATIENCE)
        worker.submit(records(10, "gone")).cancel()
        letters.go.set()
        await first
        await worker.submit(records(1, "next"))

    run(scene)
    assert letters.batches == [["first 0"], ["next 0"]]


def test_one_record_that_upsets_the_model_gets_its_own_error_and_the_model_stays_well(
    make_worker: Callable[..., Worker],
) -> None:
    worker = make_worker()
    found = ask(worker, **lines(ticket("a"), ticket("b", "upsetting"), ticket("c")))
    errors = [json.loads(line)["error"] for line in found.text.splitlines()]
    assert [error and error["code"] for error in errors] == [None, "model_failed", None]
    assert worker.is_well


def test_a_broken_model_fails_its_callers_and_the_ping(
    make_worker: Callable[..., Worker], letters: Letters
) -> None:
    worker = make_worker()
    letters.is_broken = True
    found = ask(worker, json=ticket("a"))
    assert (found.status_code, found.json()["error"]["code"]) == (500, "model_failed")
    assert not worker.is_well
    letters.is_broken = False
    assert ask(worker, json=ticket("a")).status_code == 200
    assert worker.is_well


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
