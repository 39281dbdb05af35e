"""The HTTP face of a worker: /ping, /invocations, /execution-parameters. ``ml.serve`` says what they promise."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ml.worker import Overloaded, Record, TooManyRecords, Worker, read_line, read_record

JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson")
LARGEST_BODY = 6 * 1024**2
LARGE_BODY = 64 * 1024
"""Bytes above which a body is parsed beside the event loop: pings must be answered within 2 seconds."""
ANSWER_SECONDS = 55.0
"""SageMaker gives up after 60: better an answer it can read. Batch transform sets its own limit."""
GRACE_SECONDS = 20
JOIN_SECONDS = 5.0
"""The two together: SIGKILL comes 30 seconds after SIGTERM."""
CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"
LONGEST_HEADER = 1024

Join = Callable[[list[str]], str]
Parsed = tuple[list[Record], Join]


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    def response(self) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse({"error": {"code": self.code, "message": str(self)}}, self.status, headers)


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
        await asyncio.to_thread(self.worker.join, JOIN_SECONDS)

    async def ping(self, request: Request) -> Response:
        return Response(status_code=200 if self.worker.is_well else 503)

    async def execution_parameters(self, request: Request) -> Response:
        # A short text takes 3 ms and 100 bytes: more than 1 MB could take longer than the 60 s allowed.
        told = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
        return JSONResponse(told)

    async def invocations(self, request: Request) -> Response:
        try:
            response = await self._invocations(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except Refused as refused:
            if refused.status >= 500:
                named = _header(request, INFERENCE_ID) or "none"
                print(f"refused={refused.code}; inference_id={named};", file=sys.stderr, flush=True)
            response = refused.response()
        for name in (CUSTOM_ATTRIBUTES, INFERENCE_ID):
            if value := _header(request, name):
                response.headers[name] = value
        return response

    async def _invocations(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in (*JSON_LINES, "application/json"):
            raise Refused(415, "unsupported_media_type", "send application/jsonlines or application/json")
        body = await _read_body(request)
        parse = self._parse_lines if kind in JSON_LINES else _parse_json
        records, join = await asyncio.to_thread(parse, body) if len(body) > LARGE_BODY else parse(body)
        return Response(join(await self._answers(records)), media_type=kind)

    def _parse_lines(self, body: bytes) -> Parsed:
        if body.count(b"\n") > self.worker.capacity:
            raise _too_many()
        lines = body.split(b"\n")
        return [read_line(line) for line in (lines[:-1] if lines[-1] == b"" else lines)], "".join

    async def _answers(self, records: list[Record]) -> list[str]:
        if not self.worker.is_loaded:
            raise Refused(503, "not_ready", "the model is not loaded yet", retry_after=1)
        try:
            return await asyncio.wait_for(self.worker.submit(records), self.answer_seconds)
        except Overloaded:
            raise Refused(503, "overloaded", "too many records are waiting", retry_after=1) from None
        except TooManyRecords:
            raise _too_many() from None
        except TimeoutError:
            raise Refused(503, "too_slow", "the records were not answered in time", retry_after=5) from None
        except Exception as error:
            raise Refused(500, "model_failed", f"the model failed: {type(error).__name__}") from error


def _too_many() -> Refused:
    return Refused(413, "too_many_records", "more records than the queue can hold")


def _parse_json(body: bytes) -> Parsed:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "bad_json", "the body is not valid JSON") from None
    wraps = isinstance(given, dict) and isinstance(given.get("instances"), list)
    is_list = isinstance(given, list)
    values = given["instances"] if wraps else given if is_list else [given]

    def join(answers: list[str]) -> str:
        joined = ",".join(answer.strip() for answer in answers)
        if wraps:
            return f'{{"predictions":[{joined}]}}'
        return f"[{joined}]" if is_list else joined

    return [read_record(value) for value in values], join


async def _read_body(request: Request) -> bytes:
    """The whole body; a larger one is refused by what it says of itself, or as soon as it has grown too large."""
    too_large = Refused(413, "too_large", f"the body has more than {LARGEST_BODY} bytes")
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > LARGEST_BODY:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _header(request: Request, name: str) -> str:
    """A header's value if it can be repeated as it is: printable ASCII of at most 1,024 characters."""
    value = request.headers.get(name, "")
    return value if value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER else ""
