"""The container's serving program: ``python -m ml serve``.

- ``GET /ping``: 200 once the model is loaded and answers; 503 before, after an answer failed, and while one takes
  for ever.
- ``POST /invocations``: ``application/jsonlines`` (an output line for each line, in order) or
  ``application/json`` (a record, a list, or ``{"instances": [...]}``). A bad record gets an error object and
  harms no other. 413 above 6 MiB, 415 for another type, 503 with ``Retry-After`` when the queue is full. The
  platform's custom attributes and inference id come back as they were sent.
- ``GET /execution-parameters``: for batch transform.

Listens on ``SAGEMAKER_BIND_TO_PORT`` (8080), or on ``SERVE_UNIX_SOCKET`` alone when that is set. SIGTERM lets
running requests finish, within the 30 seconds the platform gives. ``SERVE_QUEUE_RECORDS`` bounds the queue,
``SERVE_MODEL_NAME`` names the model, ``ML_NICE`` lets it give way to others. Started as root, it goes on as the user
``ML_RUN_AS`` names (``ml.privileges``).
"""

from __future__ import annotations

import math
import os
import signal
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from threadpoolctl import threadpool_limits

from ml.container import ContainerError, ContainerPaths, emit, reason_for
from ml.endpoint import ANSWER_SECONDS, GRACE_SECONDS, Endpoint
from ml.machine import NICE, give_way
from ml.predictor import Predictor
from ml.privileges import give_up_root
from ml.worker import RECORDS_WAITING, TURN_SECONDS, Worker


def open_socket(environment: Mapping[str, str]) -> socket.socket:
    """The listening socket: the Unix one that is asked for, else a port on every address."""
    named = environment.get("SERVE_UNIX_SOCKET")
    if not named:
        port = environment.get("SAGEMAKER_BIND_TO_PORT") or "8080"
        # Named TCP, else asyncio does not set TCP_NODELAY and each answer waits 40 ms for the caller's acknowledgement.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("0.0.0.0", int(port)))  # noqa: S104 - the contract of the container
        except (OSError, ValueError, OverflowError) as error:
            raise ContainerError("cannot_listen", f"cannot listen on port {port}: {error}") from error
        return listening
    path = Path(named)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _is_served(path):
            path.unlink()
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        raise ContainerError("cannot_listen", f"cannot listen on the socket {path}: {error}") from error
    return listening


def queue_records(environment: Mapping[str, str]) -> int:
    """How many records may wait. ``ContainerError`` when the environment says something that is no such number."""
    asked = environment.get("SERVE_QUEUE_RECORDS") or str(RECORDS_WAITING)
    if not asked.isdigit() or int(asked) == 0:
        raise ContainerError("bad_setting", f"SERVE_QUEUE_RECORDS={asked!r} is not a positive whole number")
    return int(asked)


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Serve the artifact in the model folder until SIGTERM; returns the exit code."""
    failures: list[BaseException] = []
    try:
        give_up_root([], environment)
        _serve(environment, failures)
    except ContainerError as error:
        failures.append(error)
    for failure in failures:
        print(f"failed: {reason_for(failure)}", file=sys.stderr, flush=True)
    return 1 if failures else 0


def _serve(environment: Mapping[str, str], failures: list[BaseException]) -> None:
    paths = ContainerPaths.from_environment(environment)
    give_way(environment.get(NICE, ""))
    # The products beside the encoder are small: shared out among BLAS threads, which wait for each other busily, they
    # took as much of the processor as the encoder, and longer wherever other programs want it too.
    threadpool_limits(1, "blas")

    def give_up(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    def load() -> Predictor:
        predictor = Predictor.load(paths.model, environment.get("SERVE_MODEL_NAME", ""), environment)
        emit(phase="serving", model=predictor.name, encoder=predictor.space)
        return predictor

    is_batch = environment.get("SAGEMAKER_BATCH", "").lower() == "true"
    # Nobody waits beside a batch transform: its turns are as long as a batch.
    turn = math.inf if is_batch else TURN_SECONDS
    worker = Worker(load, give_up, queue_records(environment), turn_seconds=turn)
    config = uvicorn.Config(
        Endpoint(worker, None if is_batch else ANSWER_SECONDS).app(),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on",
        # Compiled: of a live ticket's answer, HTTP in Python was a good part of the time.
        loop="uvloop",
        http="httptools",
    )
    server = uvicorn.Server(config)
    # uvicorn stops gracefully, then raises the signal again: a requested stop is not a failure. One that comes before
    # uvicorn listens for it is not lost either.
    signal.signal(signal.SIGTERM, lambda number, frame: setattr(server, "should_exit", True))
    listening = open_socket(environment)
    try:
        server.run(sockets=[listening])
    finally:
        if named := environment.get("SERVE_UNIX_SOCKET"):
            Path(named).unlink(missing_ok=True)
