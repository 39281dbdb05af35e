"""Runs one batch transform as SageMaker would: `serve`, the input streamed to it, one output line per input line."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from threading import Event
from typing import BinaryIO

from compute.objects import existing, path_of
from compute.port import ComputeError, JobState, TransformSpec
from compute.records import BatchSize, Line, batches, count_lines, error_line, whole_lines
from compute.spool import sync_folder, tail, write_bytes
from compute.supervisor.job import Job
from compute.supervisor.serving import STARTUP_SECONDS, ServeFailed, ServePool, Server, wait_until_ready
from compute.unix_http import TRANSPORT_ERRORS, UnixConnection

ANSWER_SECONDS = 300.0
BUSY_WAIT_SECONDS = 0.5
REPORT_SECONDS = 1.0
RESTARTS_AT_MOST = 1
REFUSALS_IN_A_ROW = 20


class Ended(Exception):
    """The transform must end now, in this state; None: the supervisor goes, the job stays RUNNING."""

    def __init__(self, state: JobState | None) -> None:
        super().__init__(str(state))
        self.state = state


class TransformRun:
    """One transform from its spec to its end, in one thread; it goes on from its partial output after any crash."""

    def __init__(self, job: Job, spec: TransformSpec, pool: ServePool, shutdown: Event) -> None:
        self.job = job
        self.spec = spec
        self.pool = pool
        self.shutdown = shutdown
        self.processed = 0
        self.restarts = 0
        self.refusals = 0
        self.started_at = time.time()
        self.give_up = Event()
        self._connection: UnixConnection | None = None
        self._reported_at = 0.0

    @property
    def output_uri(self) -> str:
        return f"{self.spec.output_uri.rstrip('/')}/{path_of(self.spec.input_uri).name}.out"

    def run(self) -> None:
        self.job.begin("preparing")
        self.job.save(**self.job.close_attempt())
        self.job.save(attempt_started_at=self.started_at)
        target = path_of(self.output_uri)
        partial = target.with_name(f".{target.name}.{self.spec.name}.partial")
        try:
            if not self._was_published():
                self._check()
                self._transform()
        except Ended as ended:
            if ended.state is None:
                self.job.save(sub_state="interrupted", **self.job.close_attempt())
                return
            partial.unlink(missing_ok=True)
            limit = f"the transform ran longer than its limit of {self.spec.max_seconds} s"
            self.job.finish(ended.state, limit if ended.state == JobState.TIMED_OUT else "")
        except (ServeFailed, ComputeError, OSError) as error:
            partial.unlink(missing_ok=True)
            self.job.finish(JobState.FAILED, str(error))
        else:
            total = self.job.status["total"]
            self.job.finish(JobState.SUCCEEDED, output_uri=self.output_uri, progress=1.0, processed=total)

    def wake(self) -> None:
        """Called by the supervisor's loop: a wish to end must not wait for a slow answer."""
        if self._ending() is None and not self.shutdown.is_set():
            return
        self.give_up.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _ending(self) -> JobState | None:
        if self.job.stop_requested:
            return JobState.STOPPED
        return JobState.TIMED_OUT if self.job.seconds_used(self.started_at) > self.spec.max_seconds else None

    def _check(self) -> None:
        ending = self._ending()
        if ending is not None:
            raise Ended(ending)
        if self.shutdown.is_set():
            raise Ended(None)

    def _was_published(self) -> bool:
        """Whether a crash came between the rename of the output and the word that it succeeded."""
        if self.job.status.get("publishing") is not True:
            return False
        target = path_of(self.output_uri)
        return target.is_file() and count_lines(target) == self.job.status.get("total")

    def _transform(self) -> None:
        source, target = existing(self.spec.input_uri), path_of(self.output_uri)
        partial = target.with_name(f".{target.name}.{self.spec.name}.partial")
        total = count_lines(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        server = self.pool.acquire(self.spec.artifact_uri, self.spec.environment)
        healthy = False
        try:
            self.job.save(sub_state="starting", total=total, log=str(server.program.log))
            with source.open("rb") as incoming, partial.open("r+b") as outgoing:
                self.processed = whole_lines(outgoing, source)
                self._report(total)
                self._await(server)
                self.job.save(sub_state="transforming")
                self._stream(server, incoming, outgoing, total)
                outgoing.flush()
                os.fsync(outgoing.fileno())
            if (written := count_lines(partial)) != total:
                raise ServeFailed(
                    f"{written} output lines for {total} input lines: the input changed meanwhile"
                )
            self.job.save(publishing=True, sub_state="uploading")
            partial.replace(target)
            sync_folder(target.parent)
            healthy = True
        except (ServeFailed, Ended):
            write_bytes(self.job.folder / "log.txt", tail(server.program.log, 50_000).encode())
            raise
        finally:
            self.job.status.pop("log", None)
            self.pool.release(server, discard=not healthy and not self.shutdown.is_set())

    def _stream(self, server: Server, incoming: BinaryIO, outgoing: BinaryIO, total: int) -> None:
        size = BatchSize()
        for batch in batches(incoming, self.processed, size):
            self._check()
            began = time.monotonic()
            answers = self._answer(server, batch)
            size.took(time.monotonic() - began)
            outgoing.write(b"".join(answers))
            self.processed += len(answers)
            if time.monotonic() - self._reported_at > REPORT_SECONDS:
                outgoing.flush()
                self._report(total)
        self._report(total)

    def _report(self, total: int) -> None:
        self._reported_at = time.monotonic()
        progress = self.processed / total if total else 1.0
        self.job.report(processed=self.processed, total=total, progress=round(progress, 4))

    def _await(self, server: Server) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        if not wait_until_ready(server, self.give_up, deadline):
            self._check()
            raise Ended(None)

    def _answer(self, server: Server, batch: list[Line]) -> list[bytes]:
        """One output line, with its end, per line of the batch. A dead server is started again, once a transform."""
        sent = [line for line in batch if line.refusal is None]
        while True:
            try:
                answered = iter(self._ask(server, sent) if sent else [])
                return [line.refusal if line.refusal is not None else next(answered) for line in batch]
            except TRANSPORT_ERRORS as error:
                self._check()
                if self.restarts >= RESTARTS_AT_MOST:
                    raise ServeFailed(
                        f"serve broke down again ({type(error).__name__}): {server.reason()}"
                    ) from error
                self.restarts += 1
                if isinstance(error, TimeoutError):
                    server.stop()
                self.job.save(sub_state="restarting", restarts=self.restarts)
                self._await_end(server)
                self._await(server)
                self.job.save(sub_state="transforming")

    def _await_end(self, server: Server) -> None:
        """A crashing server closes its socket a moment before it is gone."""
        deadline = time.monotonic() + 2.0
        while server.is_alive() and time.monotonic() < deadline:
            self.give_up.wait(0.05)

    def _ask(self, server: Server, sent: list[Line]) -> list[bytes]:
        status, body = self._post(server, b"".join(line.content + b"\n" for line in sent))
        answers = [line for line in body.split(b"\n") if line.strip()]
        if status == 200 and len(answers) == len(sent):
            self.refusals = 0
            return [answer + b"\n" for answer in answers]
        if len(sent) > 1:
            # Some record upsets the program: halve until it is alone, so that the others get their answers.
            middle = len(sent) // 2
            return self._ask(server, sent[:middle]) + self._ask(server, sent[middle:])
        self.refusals += 1
        text = body[:300].decode("utf-8", "replace")
        if self.refusals >= REFUSALS_IN_A_ROW and status >= 500:
            raise ServeFailed(
                f"serve failed on {self.refusals} records in a row with status {status}: {text}"
            )
        code, message = (
            ("refused", f"status {status}: {text}") if status != 200 else ("no_answer", "no single answer")
        )
        return [error_line(sent[0].number, sent[0].content, code, message)]

    def _post(self, server: Server, body: bytes) -> tuple[int, bytes]:
        while True:
            self._check()
            connection = UnixConnection(server.socket, ANSWER_SECONDS)
            self._connection = connection
            try:
                headers = {"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}
                connection.request("POST", "/invocations", body, headers)
                response = connection.getresponse()
                status, answer = response.status, response.read()
            finally:
                self._connection = None
                connection.close()
            # Too slow for the program's own limit: the same body would be too slow again.
            if status not in (429, 503) or b'"too_slow"' in answer:
                return status, answer
            self.give_up.wait(BUSY_WAIT_SECONDS)
