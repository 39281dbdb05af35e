"""The steps of a transform. Each call does one short step; the row says where things stand.

1. PLANNED: write the masked texts the version has not seen, commit SUBMITTING *before* the backend is called.
2. SUBMITTING: start the job. Its name is deterministic, so a second start adopts the first.
3. RUNNING: observe once.
4. The job's end: load the output a chunk at a time; rows and the place reached move in one transaction.

A worker may die between any two lines: the next call finds the row as committed and goes on. Two workers never
step the same run at once (advisory lock), and every write compares the state it started from. A failed attempt
is tried again, three times in all, each after a longer rest. A pass over the pool for a version that a newer one
has overtaken is stopped: nobody would see the pool through it, and the newer one waits for the machine.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from compute.port import ComputeBackend, ComputeError, JobState, TransformSpec, spec_hash
from inference import loading, selectors, testing
from inference.models import TransformRun
from inference.runs import asking
from ml.machine import background
from ml.schema import SchemaError, TransformOutput, WireError, parse_line
from training import actions as training
from training.models import RunState
from training.models.runs import LIVE_STATES

log = logging.getLogger(__name__)

LOCK_CLASS = 7_205
ATTEMPTS = 3
REST_SECONDS = 15.0
CHUNK_LINES = 1000
LOAD_SECONDS = 5.0
INPUT_NAME = "tickets.jsonl"


@contextmanager
def step_lock(run_id: int) -> Iterator[bool]:
    """Hold this transform's advisory lock for the block; yields False at once if somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, run_id])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, run_id])


def advance(run_id: int, backend: ComputeBackend) -> bool:
    """Do one step. Returns whether anything moved on: then it is worth calling again at once."""
    with step_lock(run_id) as held:
        run = TransformRun.objects.select_related("model_version", "test_set").filter(pk=run_id).first()
        if not held or run is None or run.state not in LIVE_STATES:
            return False
        before = (run.state, run.attempt, run.output_offset)
        try:
            _STEPS[RunState(run.state)](run, backend)
        except ComputeError as error:
            if error.retryable:
                log.warning("transform %s: %s, tried again later: %s", run.pk, error.code, error)
                return False
            _fail(run, error.code, str(error))
        except loading.BadOutput as error:
            _fail(run, error.code, str(error))
        return (run.state, run.attempt, run.output_offset) != before


def _move(run: TransformRun, state: RunState, **changes: Any) -> bool:
    """Compare-and-set: write only if the row is still where this step began."""
    moved = TransformRun.objects.filter(
        pk=run.pk, state=run.state, attempt=run.attempt, output_offset=run.output_offset
    ).update(state=state, **changes)
    if not moved:
        return False
    run.state = state
    for name, value in changes.items():
        setattr(run, name, value)
    return True


def _fail(run: TransformRun, code: str, reason: str) -> None:
    """End this attempt: rest and try again, or, after the last, say why."""
    told = {"failure_code": code[:64], "failure_reason": reason[:4000]}
    if run.attempt >= ATTEMPTS:
        _move(run, RunState.FAILED, ended_at=timezone.now(), **told)
        return
    rest = timedelta(seconds=REST_SECONDS * 4 ** (run.attempt - 1))
    _move(
        run,
        RunState.PLANNED,
        attempt=run.attempt + 1,
        retry_at=timezone.now() + rest,
        job_name="",
        spec_hash="",
        sub_state="",
        processed=0,
        output_offset=0,
        **told,
    )


def folder_of(run: TransformRun) -> str:
    """Where an attempt's input and output lie: its own prefix."""
    return f"{settings.ARTIFACTS_URI}/transforms/t{run.pk}-a{run.attempt}-{run.created_at:%Y%m%d%H%M%S}"


def spec_of(run: TransformRun) -> TransformSpec:
    """The job of this attempt: the same row always gives the same spec and name."""
    spec = TransformSpec(
        name="pending",
        artifact_uri=run.model_version.artifact_uri,
        input_uri=f"{folder_of(run)}/{INPUT_NAME}",
        output_uri=f"{folder_of(run)}/output",
        max_seconds=900 + run.tickets // 5,
        environment=background(settings.BACKGROUND_NICE),
        tags={"transform": str(run.pk), "purpose": run.purpose},
    )
    return replace(spec, name=f"transform-t{run.pk}-a{run.attempt}-{spec_hash(spec)[:8]}")


def _plan(run: TransformRun, backend: ComputeBackend) -> None:
    if selectors.is_overtaken(run):
        _move(run, RunState.STOPPED, ended_at=timezone.now())
        return
    if run.retry_at is not None and run.retry_at > timezone.now():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / INPUT_NAME
        count = asking.write(run, path)
        if count == 0:
            _move(run, RunState.SUCCEEDED, ended_at=timezone.now(), loaded=0, rejected=0)
            return
        backend.put(path, f"{folder_of(run)}/{INPUT_NAME}")
    run.tickets = count
    spec = spec_of(run)
    _move(
        run,
        RunState.SUBMITTING,
        tickets=count,
        job_name=spec.name,
        spec_hash=spec_hash(spec),
        input_uri=spec.input_uri,
        output_uri=f"{spec.output_uri}/{INPUT_NAME}.out",
        loaded=0,
        rejected=0,
    )


def _submit(run: TransformRun, backend: ComputeBackend) -> None:
    backend.start_transform(spec_of(run))
    _move(run, RunState.RUNNING, started_at=timezone.now(), observed_at=timezone.now())


def _observe(run: TransformRun, backend: ComputeBackend) -> None:
    if run.state == RunState.RUNNING and selectors.is_overtaken(run):
        backend.stop(run.job_name)
        _move(run, RunState.STOPPING)
        return
    seen = backend.observe(run.job_name)
    training.cost_record(job_name=run.job_name, purpose="transform", seen=seen)
    if run.state == RunState.STOPPING and seen.state.is_final:
        if _move(run, RunState.STOPPED, sub_state="", ended_at=timezone.now()):
            backend.delete_prefix(folder_of(run))
    elif seen.state == JobState.SUCCEEDED:
        _load(run, backend)
    elif seen.state.is_final:
        _fail(
            run,
            seen.failure_code or seen.state.value,
            seen.failure_reason or "The job ended without saying why.",
        )
    else:
        _move(
            run,
            RunState(run.state),
            sub_state=seen.sub_state[:64],
            processed=seen.processed or 0,
            observed_at=timezone.now(),
        )


def _load(run: TransformRun, backend: ComputeBackend) -> None:
    """Load chunks for a few seconds; the next call goes on from the place reached."""
    began = time.monotonic()
    with backend.open(run.output_uri) as stream:
        _skip(stream, run.output_offset)
        while time.monotonic() - began < LOAD_SECONDS:
            answers, size = _chunk(stream)
            if not answers:
                _finish(run, backend)
                return
            with transaction.atomic():
                load = loading.load if run.test_set is None else testing.load
                done = load(run.model_version, answers)
                if not _move(
                    run,
                    RunState.RUNNING,
                    sub_state="loading",
                    processed=run.tickets,
                    output_offset=run.output_offset + size,
                    loaded=run.loaded + done.answers,
                    rejected=run.rejected + done.refusals,
                    observed_at=timezone.now(),
                ):
                    transaction.set_rollback(True)
                    return


def _finish(run: TransformRun, backend: ComputeBackend) -> None:
    if run.loaded + run.rejected != run.tickets:
        _fail(run, "output_incomplete", f"{run.loaded + run.rejected} answers to {run.tickets} tickets")
        return
    if _move(
        run, RunState.SUCCEEDED, sub_state="", ended_at=timezone.now(), failure_code="", failure_reason=""
    ):
        backend.delete_prefix(folder_of(run))


def _skip(stream: BinaryIO, offset: int) -> None:
    """Go to a byte of an object that may be a network stream."""
    if offset and stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (block := stream.read(min(offset, 1 << 20))):
        offset -= len(block)


def _chunk(stream: BinaryIO) -> tuple[list[TransformOutput], int]:
    """At most CHUNK_LINES answers and the bytes they took; a line that breaks the contract is a refusal."""
    answers: list[TransformOutput] = []
    size = 0
    while len(answers) < CHUNK_LINES and (line := stream.readline()):
        size += len(line)
        try:
            answers.append(TransformOutput.from_dict(parse_line(line)))
        except SchemaError as error:
            answers.append(TransformOutput("unreadable", "", "", error=WireError(error.code, str(error))))
    return answers, size


_STEPS: dict[RunState, Callable[[TransformRun, ComputeBackend], None]] = {
    RunState.PLANNED: _plan,
    RunState.SUBMITTING: _submit,
    RunState.RUNNING: _observe,
    RunState.STOPPING: _observe,
}
assert set(_STEPS) == set(LIVE_STATES)
