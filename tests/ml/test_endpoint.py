"""The serving program over HTTP: its contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from ml.endpoint import CUSTOM_ATTRIBUTES, INFERENCE_ID, LARGEST_BODY, Endpoint
from ml.serve import main
from ml.worker import Worker
from tests.ml.letters import PATIENCE, Letters, wait_for


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
