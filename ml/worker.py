"""One thread that owns the model, behind a bounded queue: inference never runs on the event loop.

Requests that wait are answered together, so that batches are long and sorted by length whatever their callers
send. What the queue cannot hold is refused at once rather than late.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ml.predictor import Predictor
from ml.schema import SchemaError, TransformInput, WireError, dump_line

Record = TransformInput | tuple[str, WireError]
"""A record to answer, or the id and the error to answer it with."""


class Overloaded(Exception):
    """The queue is full, or the worker is stopping: try again later."""


class TooManyRecords(Exception):
    """More records in one request than the queue may ever hold."""


@dataclass(frozen=True)
class _Job:
    records: Sequence[Record]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[str]]


class Worker(threading.Thread):
    """Loads the model, answers jobs one batch after the other, and says whether it is well.

    ``on_failure`` is called, from the thread, when the model cannot be loaded.
    """

    def __init__(
        self,
        load: Callable[[], Predictor],
        on_failure: Callable[[BaseException], None],
        capacity: int = 20_000,
        batch: int = 1024,
    ) -> None:
        super().__init__(name="inference", daemon=True)
        self._load = load
        self._on_failure = on_failure
        self._capacity = capacity
        self._batch = batch
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._is_stopping = False
        self._is_loaded = False
        self._is_well = False

    @property
    def is_loaded(self) -> bool:
        """The model is there, and the thread that answers is alive."""
        return self._is_loaded and self.is_alive()

    @property
    def is_well(self) -> bool:
        """Loaded, alive, and the last batch was answered."""
        return self._is_well and self.is_alive() and not self._is_stopping

    def submit(self, records: Sequence[Record]) -> asyncio.Future[list[str]]:
        """A future of one JSON line per record, in order. To be called on the event loop.

        ``Overloaded`` when the queue is full; ``TooManyRecords`` when it could never hold that many.
        """
        loop = asyncio.get_running_loop()
        job = _Job(records, loop, loop.create_future())
        with self._lock:
            if len(records) > self._capacity:
                raise TooManyRecords
            if self._is_stopping or self._waiting + len(records) > self._capacity:
                raise Overloaded
            self._waiting += len(records)
        self._queue.put(job)
        return job.future

    def stop(self) -> None:
        """Refuse new jobs, answer those that wait, end the thread."""
        with self._lock:
            self._is_stopping = True
        self._queue.put(None)

    def run(self) -> None:
        try:
            predictor = self._load()
            predictor.predict([TransformInput("warm-up", "Is the model awake?")])
        except BaseException as error:
            self._on_failure(error)
            return
        self._is_loaded = self._is_well = True
        while jobs := self._next_jobs():
            self._answer(predictor, jobs)

    def _next_jobs(self) -> list[_Job]:
        """The jobs of the next batch; none when the worker is to end."""
        first = self._queue.get()
        jobs: list[_Job] = []
        while first is not None:
            jobs.append(first)
            if sum(len(job.records) for job in jobs) >= self._batch:
                return jobs
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return jobs
        if jobs:
            self._queue.put(None)
        return jobs

    def _answer(self, predictor: Predictor, jobs: list[_Job]) -> None:
        wanted = [job for job in jobs if not job.future.cancelled()]
        try:
            answers = _answers(predictor, wanted)
            self._is_well = True
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._is_well = False
            for job in wanted:
                _settle(job, error)
        else:
            for job, lines in zip(wanted, answers, strict=True):
                _settle(job, lines)
        finally:
            with self._lock:
                self._waiting -= sum(len(job.records) for job in jobs)


def _answers(predictor: Predictor, jobs: list[_Job]) -> list[list[str]]:
    records = [record for job in jobs for record in job.records]
    outputs = iter(predictor.predict([record for record in records if isinstance(record, TransformInput)]))
    lines = [
        dump_line(
            (next(outputs) if isinstance(record, TransformInput) else predictor.refuse(*record)).to_dict()
        )
        for record in records
    ]
    answers: list[list[str]] = []
    first = 0
    for job in jobs:
        answers.append(lines[first : first + len(job.records)])
        first += len(job.records)
    return answers


def _settle(job: _Job, result: list[str] | Exception) -> None:
    def settle() -> None:
        if job.future.done():
            return
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)

    try:
        job.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: nobody waits for the answer
        pass


def read_record(value: object) -> Record:
    """A parsed record, or the id and the error to answer it with."""
    try:
        return TransformInput.from_dict(value)
    except SchemaError as error:
        given = value.get("id") if isinstance(value, dict) else None
        named = str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
        return named, WireError(error.code, str(error))


def read_line(line: bytes) -> Record:
    """A record from one JSON line, or the error to answer it with."""
    if not line.strip():
        return "", WireError("empty_record", "the line is empty")
    try:
        return read_record(json.loads(line))
    except (ValueError, RecursionError):
        return "", WireError("bad_json", "the line is not valid JSON")
