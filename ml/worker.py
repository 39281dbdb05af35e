"""The threads that own the model, behind a bounded queue: inference never runs on the event loop.

As many answer side by side as the model's encoder works on batches, so that a live ticket does not wait for the one
before it while a core is free. Records that wait are answered together, whatever requests they came in, so that
batches are long and sorted by length. A request of thousands is answered a batch at a time, by one thread, and small
ones that came meanwhile go along: a live ticket never waits for a whole file. What the queue cannot hold is refused at
once rather than late, and what nobody waits for any more is not answered.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ml.garbage import keep_loaded
from ml.predictor import Predictor
from ml.schema import SchemaError, TransformInput, TransformOutput, WireError, dump_line

Record = TransformInput | tuple[str, WireError]
"""A record to answer, or the id and the error to answer it with."""

RECORDS_WAITING = 20_000
CHARACTERS_WAITING = 64 * 1024**2
BATCH = 256
TURN_SECONDS, SMALLEST_TURN = 0.15, 32
"""About how long a small request waits for a large one's turn, by the pace of the batch before; and the fewest records
of a turn, below which batches are no longer efficient."""
WARM_UP = TransformInput("warm-up", "Is the model awake?")
STUCK_SECONDS = 300.0
"""A batch that takes longer will hardly ever end: 256 long texts take half a minute on one core."""


class Overloaded(Exception):
    """The queue is full, or the worker is stopping: try again later."""


class TooManyRecords(Exception):
    """More records in one request than the queue may ever hold."""


@dataclass(eq=False)
class _Job:
    records: Sequence[Record]
    characters: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[str]]
    answers: list[str] = field(default_factory=list)
    is_taken: bool = False  # a thread answers some of it, and nobody else does meanwhile

    @property
    def left(self) -> int:
        return len(self.records) - len(self.answers)


@dataclass(frozen=True)
class _Slice:
    """The next ``count`` records of a job."""

    job: _Job
    count: int

    @property
    def records(self) -> Sequence[Record]:
        first = len(self.job.answers)
        return self.job.records[first : first + self.count]


class Worker(threading.Thread):
    """Loads the model, answers jobs a batch at a time with as many threads as may ask it, and says whether it is well.

    ``on_failure`` is called, from the thread, when the model cannot be loaded. ``capacity`` and ``characters`` bound
    what waits; ``batch`` (records) and ``turn_seconds`` how long a small request waits for a large one's turn.
    """

    def __init__(
        self,
        load: Callable[[], Predictor],
        on_failure: Callable[[BaseException], None],
        capacity: int = RECORDS_WAITING,
        batch: int = BATCH,
        characters: int = CHARACTERS_WAITING,
        stuck_seconds: float = STUCK_SECONDS,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        super().__init__(name="inference", daemon=True)
        self.capacity = capacity
        self._load = load
        self._on_failure = on_failure
        self._batch = batch
        self._characters = characters
        self._stuck_seconds = stuck_seconds
        self._turn_seconds = turn_seconds
        self._turn = min(SMALLEST_TURN, batch)
        self._jobs: list[_Job] = []
        self._waiting = self._waiting_characters = 0
        self._changed = threading.Condition()
        self._is_stopping = False
        self._is_loaded = False
        self._is_well = False
        self._others: list[threading.Thread] = []
        self._answering_since: dict[int, float] = {}

    @property
    def is_loaded(self) -> bool:
        """The model is there, and the threads that answer are alive."""
        return self._is_loaded and all(one.is_alive() for one in (self, *self._others))

    @property
    def is_well(self) -> bool:
        """Loaded, alive, not stuck, and the last batch was answered."""
        since = min(list(self._answering_since.values()), default=math.inf)
        is_stuck = time.monotonic() - since > self._stuck_seconds
        return self._is_well and self.is_loaded and not self._is_stopping and not is_stuck

    def submit(self, records: Sequence[Record]) -> asyncio.Future[list[str]]:
        """A future of one JSON line per record, in order. To be called on the event loop.

        Cancel it, and what is not answered yet will not be. ``Overloaded`` when the queue is full;
        ``TooManyRecords`` when it could never hold that many.
        """
        loop = asyncio.get_running_loop()
        characters = sum(len(record.text) for record in records if isinstance(record, TransformInput))
        job = _Job(records, characters, loop, loop.create_future())
        if len(records) > self.capacity or characters > self._characters:
            raise TooManyRecords
        with self._changed:
            is_full = self._waiting + len(records) > self.capacity
            if self._is_stopping or is_full or self._waiting_characters + characters > self._characters:
                raise Overloaded
            self._jobs.append(job)
            self._waiting += len(records)
            self._waiting_characters += characters
            self._changed.notify()
        return job.future

    def stop(self) -> None:
        """Refuse new jobs, answer those that wait, end the threads."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        try:
            predictor = self._load()
            predictor.predict([WARM_UP])
            keep_loaded()
        except BaseException as error:
            self._on_failure(error)
            return
        self._others = [
            threading.Thread(
                target=self._answer_all, args=(predictor,), name=f"inference-{number}", daemon=True
            )
            for number in range(1, predictor.at_once)
        ]
        for one in self._others:
            one.start()
        self._is_loaded = self._is_well = True
        self._answer_all(predictor)
        for one in self._others:
            one.join()

    def _answer_all(self, predictor: Predictor) -> None:
        while slices := self._next_batch():
            self._answer(predictor, slices)

    def _next_batch(self) -> list[_Slice]:
        """What to answer next; nothing when the worker is to end.

        The oldest job has half of a turn for itself, so that it always gets on; the shortest go along first; what
        room is left is the oldest's again.
        """
        with self._changed:
            while True:
                self._drop({job for job in self._jobs if job.future.cancelled() and not job.is_taken})
                free = [job for job in self._jobs if not job.is_taken]
                if free or self._is_stopping:
                    break
                self._changed.wait()
            if not free:
                return []
            oldest, *others = free
            own = min(oldest.left, self._turn // 2)
            room = self._turn - own
            slices = []
            for job in sorted(others, key=lambda job: job.left):
                if job.left and not room:
                    break
                slices.append(_Slice(job, min(job.left, room)))
                room -= slices[-1].count
            slices.insert(0, _Slice(oldest, min(oldest.left, own + room)))
            for one in slices:
                one.job.is_taken = True
            return slices

    def _answer(self, predictor: Predictor, slices: list[_Slice]) -> None:
        began = self._answering_since[threading.get_ident()] = time.monotonic()
        try:
            lines = iter(_lines(predictor, [record for one in slices for record in one.records]))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._is_well = False
            self._settle({one.job: error for one in slices})
        else:
            self._is_well = True
            for one in slices:
                one.job.answers.extend(itertools.islice(lines, one.count))
            self._settle({one.job: one.job.answers for one in slices if not one.job.left})
        finally:
            del self._answering_since[threading.get_ident()]
            with self._changed:
                for one in slices:
                    one.job.is_taken = False
                if count := sum(one.count for one in slices):
                    self._pace(count, time.monotonic() - began)

    def _pace(self, count: int, seconds: float) -> None:
        """Fit the next turn into its time: at most twice this one, as few records say little of many."""
        fits = self._turn_seconds * count / max(seconds, 1e-9)
        self._turn = int(max(min(SMALLEST_TURN, self._batch), min(self._batch, 2 * self._turn, fits)))

    def _drop(self, gone: Collection[_Job]) -> None:
        for job in gone:
            self._waiting -= len(job.records)
            self._waiting_characters -= job.characters
        if gone:
            self._jobs = [job for job in self._jobs if job not in gone]

    def _settle(self, results: dict[_Job, list[str] | Exception]) -> None:
        """Take jobs off the queue and tell their callers, one wake-up for each event loop."""
        with self._changed:
            self._drop(results.keys())
        for loop in {job.loop for job in results}:
            mine = [(job.future, result) for job, result in results.items() if job.loop is loop]
            try:
                loop.call_soon_threadsafe(_tell, mine)
            except RuntimeError:  # the loop is closed: nobody waits for the answers
                pass


def _lines(predictor: Predictor, records: Sequence[Record]) -> list[str]:
    """One JSON line per record. Raises when the model is broken, not when some record upsets it."""
    asked = [record for record in records if isinstance(record, TransformInput)]
    try:
        outputs = iter(predictor.predict(asked))
    except Exception:
        predictor.predict([WARM_UP])
        traceback.print_exc(file=sys.stderr)
        outputs = iter(_apart(predictor, asked))
    return [
        dump_line(
            (next(outputs) if isinstance(record, TransformInput) else predictor.refuse(*record)).to_dict()
        )
        for record in records
    ]


def _apart(predictor: Predictor, asked: Sequence[TransformInput]) -> list[TransformOutput]:
    """Halve what upsets a model that is otherwise well, until the record that does is alone with its error."""
    try:
        return predictor.predict(asked)
    except Exception as error:
        if len(asked) == 1:
            refusal = WireError("model_failed", f"the model failed on this record: {type(error).__name__}")
            return [predictor.refuse(asked[0].id, refusal)]
    middle = len(asked) // 2
    return _apart(predictor, asked[:middle]) + _apart(predictor, asked[middle:])


def _tell(results: list[tuple[asyncio.Future[list[str]], list[str] | Exception]]) -> None:
    for future, result in results:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


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
