"""The HTTP face of a worker: /ping, /invocations, /execution-parameters. ``ml.serve`` says what they promise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ml.worker import Overloaded, Record, TooManyRecords, Worker, read_line, read_record

JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson")
LARGEST_BODY = 6 * 1024**2
ANSWER_SECONDS = 55.0
"""SageMaker gives up after 60: better an answer it can read. Batch transform sets its own limit."""
GRACE_SECONDS = 25

Join = Callable[[list[str]], str]


class Endpoint:
    """Answers requests from a worker. ``answer_seconds`` None waits as long as it takes."""

    def __init__(self, worker: Worker, answer_seconds: float | None = ANSWER_SECONDS) -> None:
        self.worker = worker
        self.answer_seconds = answer_seconds

    def app(self) -> Starlette:
        """The application; it starts the worker and stops it."""
        return Starlette(
            routes=[
                Route("/ping", self.ping),
                Route("/execution-parameters", self.execution_parameters),
                Route("/invocations", self.invocations, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.worker.start()
        yield
        self.worker.stop()
        await asyncio.to_thread(self.worker.join, GRACE_SECONDS)

    async def ping(self, request: Request) -> Response:
        return Response(status_code=200 if self.worker.is_well else 503)

    async def execution_parameters(self, request: Request) -> Response:
        # A short text takes 3 ms and 100 bytes: more than 1 MB could take longer than the 60 s allowed.
        told = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
        return JSONResponse(told)

    async def invocations(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in (*JSON_LINES, "application/json"):
            return _refuse(415, "unsupported_media_type", "send application/jsonlines or application/json")
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _refuse(413, "too_large", f"the body has more than {LARGEST_BODY} bytes")
        if kind in JSON_LINES:
            lines = body.split(b"\n")
            records = [read_line(line) for line in (lines[:-1] if lines[-1] == b"" else lines)]
            return await self._answer(records, "".join, kind)
        return await self._answer_json(body)

    async def _answer_json(self, body: bytes) -> Response:
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            return _refuse(400, "bad_json", "the body is not valid JSON")
        wraps = isinstance(given, dict) and isinstance(given.get("instances"), list)
        is_list = isinstance(given, list)
        values = given["instances"] if wraps else given if is_list else [given]

        def join(answers: list[str]) -> str:
            joined = ",".join(answer.strip() for answer in answers)
            if wraps:
                return f'{{"predictions":[{joined}]}}'
            return f"[{joined}]" if is_list else joined

        return await self._answer([read_record(value) for value in values], join, "application/json")

    async def _answer(self, records: list[Record], join: Join, kind: str) -> Response:
        if not self.worker.is_loaded:
            return _refuse(503, "not_ready", "the model is not loaded yet", retry_after=1)
        try:
            answers = await asyncio.wait_for(self.worker.submit(records), self.answer_seconds)
        except Overloaded:
            return _refuse(503, "overloaded", "too many records are waiting", retry_after=1)
        except TooManyRecords:
            return _refuse(413, "too_many_records", "more records than the queue can hold")
        except TimeoutError:
            return _refuse(503, "too_slow", "the records were not answered in time", retry_after=5)
        except Exception as error:
            return _refuse(500, "model_failed", f"the model failed: {type(error).__name__}")
        return Response(join(answers), media_type=kind)


async def _read_body(request: Request) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _refuse(status: int, code: str, message: str, retry_after: int | None = None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
