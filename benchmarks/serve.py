"""Requests a second and waits of `/invocations`; beside FastAPI with a transformers pipeline.

    python -m benchmarks.serve --train TRAIN.csv --test TEST.csv --concurrency 1 8 32

Our side is a real artifact, trained on `--labels` tickets of TRAIN by `ml.train` and served by `ml.serve`. The encoder
is not fine-tuned, which would change its weights and not its work; the form it embeds in is chosen as always.
The peer is what a tutorial builds: `pipeline("text-classification")` over the same base encoder with a head of as many
labels, behind FastAPI, once called in its thread pool and once one after the other; the better of the two counts. Both
answer over loopback TCP, one ticket a request, on the same cores and threads; each client keeps its connection and asks
again as soon as it is answered. Ours also sends the ticket's vector back. The sides take turns, `--repeats` times.
`requirements/bench-serve.txt` has what the peer needs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.history import read
from benchmarks.tuners import train_in, write_tree

OURS, POOLED, IN_TURN = "ours", "FastAPI + pipeline, thread pool", "FastAPI + pipeline, one at a time"
PEERS = (POOLED, IN_TURN)
TIMES_AT_MANY, TIMES_ALONE = 3.0, 1.0
START_SECONDS, WARM_UP_SECONDS = 120.0, 2.0


@dataclass
class Round:
    """What the clients of one side saw in one turn: milliseconds of each answered request, how many failed."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True, help="CSV with texts and labels")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the texts that are asked")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--labels", type=int, default=1000, help="tickets to train our artifact on")
    parser.add_argument("--train-seconds", type=float, default=300.0, help="time box of that training")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=10.0, help="of one turn of one side")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    texts, _ = read(asked.test, asked.text_column, asked.label_column)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        labels, form = train(Path(folder), asked)
        ports = {OURS: running.enter_context(ours(Path(folder), asked.threads))}
        for name in PEERS:
            ports[name] = running.enter_context(peer(name, labels, asked.threads))
        rounds = race(ports, texts, asked)
    title = f"/invocations on {asked.threads} threads, one ticket a request, ours in {form}"
    return report.publish(asked, title, rows_of(rounds, asked), targets_of(rounds, asked))


def train(root: Path, asked: argparse.Namespace) -> tuple[int, str]:
    """Leave an artifact under `root`, a container's tree; returns how many labels it has, and the form it embeds in."""
    texts, labels = read(asked.train, asked.text_column, asked.label_column)
    order = np.random.default_rng(0).permutation(len(texts))
    taught, pool = order[: asked.labels], order[asked.labels : 4 * asked.labels]
    task = {
        "texts": [texts[at] for at in taught],
        "labels": [str(labels[at]) for at in taught],
        "pool": [texts[at] for at in pool],
        "seconds": asked.train_seconds,
        "seed": 0,
        "told": {"epochs": "0"},
    }
    write_tree(root, task, with_pool=True)
    train_in(root)
    form = json.loads((root / "model" / "manifest.json").read_text())["form"]["name"]
    return len(set(task["labels"])), form


@contextlib.contextmanager
def ours(root: Path, threads: int) -> Iterator[int]:
    """`ml.serve` over the artifact, on a port."""
    port = _free_port()
    more = {
        "SAGEMAKER_BASE_DIR": str(root),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "OMP_NUM_THREADS": str(threads),
    }
    with _running([sys.executable, "-m", "ml", "serve"], more, f"http://127.0.0.1:{port}/ping"):
        yield port


@contextlib.contextmanager
def peer(name: str, labels: int, threads: int) -> Iterator[int]:
    """One of the two peers, on a port."""
    port = _free_port()
    way = "in-turn" if name == IN_TURN else "pooled"
    words = [
        sys.executable,
        "-m",
        "benchmarks.peers.pipeline_server",
        str(port),
        str(labels),
        str(threads),
        way,
    ]
    with _running(words, {}, f"http://127.0.0.1:{port}/ping"):
        yield port


@contextlib.contextmanager
def _running(words: list[str], more: dict[str, str], ping: str) -> Iterator[None]:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"} | more
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(ping, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(ping: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(ping, timeout=5) as answer,  # noqa: S310 - our own loopback
        ):
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"{ping} does not answer: {process.args!r}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def race(
    ports: dict[str, int], texts: Sequence[str], asked: argparse.Namespace
) -> dict[tuple[str, int], list[Round]]:
    """Rounds by (side, concurrency); all sides in turn within a repeat, each warm."""
    found: dict[tuple[str, int], list[Round]] = {}
    for port in ports.values():
        asyncio.run(crowd(port, texts, max(asked.concurrency), WARM_UP_SECONDS))
    for repeat in range(asked.repeats):
        for concurrency, (name, port) in itertools.product(asked.concurrency, ports.items()):
            seen = asyncio.run(crowd(port, texts, concurrency, asked.seconds))
            found.setdefault((name, concurrency), []).append(seen)
            said = f"{seen.rate:8.1f} requests/s" + (f", {seen.failed} failed" if seen.failed else "")
            print(
                f"{repeat + 1}/{asked.repeats}  {concurrency:>3}  {name:<36} {said}",
                file=sys.stderr,
                flush=True,
            )
    return found


async def crowd(port: int, texts: Sequence[str], concurrency: int, seconds: float) -> Round:
    """So many clients, each asking one ticket after the other until the time is up."""
    began = time.perf_counter()
    seen = Round(seconds)
    ahead = itertools.count()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.perf_counter() - began < seconds:
                at = next(ahead)
                sent = time.perf_counter()
                status = await _ask(reader, writer, str(at), texts[at % len(texts)])
                if status == 200:
                    seen.waits.append(1000 * (time.perf_counter() - sent))
                else:
                    seen.failed += 1
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(concurrency)))
    seen.seconds = time.perf_counter() - began
    return seen


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, text: str) -> int:
    """One request on a kept connection; the status, once the whole answer is read."""
    body = json.dumps({"id": name, "text": text}).encode()
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line for line in told.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length.split(":")[1]))
    return int(told.split(" ", 2)[1])


def ratios(rounds: dict[tuple[str, int], list[Round]], concurrency: int) -> list[float]:
    """How many times the requests a second of the better peer, repeat by repeat."""
    sides = zip(*(rounds[(name, concurrency)] for name in (OURS, *PEERS)), strict=True)
    return [own.rate / max(one.rate for one in others) for own, *others in sides]


def rows_of(rounds: dict[tuple[str, int], list[Round]], asked: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    for concurrency, name in itertools.product(asked.concurrency, (OURS, *PEERS)):
        seen = rounds[(name, concurrency)]
        waits = [wait for one in seen for wait in one.waits]
        row = {
            "clients": concurrency,
            "side": name,
            "requests/s": round(statistics.median(one.rate for one in seen), 1),
            "p50 ms": round(report.quantile(waits, 0.5), 2),
            "p95 ms": round(report.quantile(waits, 0.95), 2),
            "failed": sum(one.failed for one in seen),
        }
        if name == OURS:
            times = ratios(rounds, concurrency)
            row |= {"times": round(statistics.median(times), 2), "least": round(min(times), 2)}
            row |= {"most": round(max(times), 2)}
        rows.append(row)
    return rows


def targets_of(rounds: dict[tuple[str, int], list[Round]], asked: argparse.Namespace) -> list[dict[str, Any]]:
    few, many = min(asked.concurrency), max(asked.concurrency)
    alone, together = (round(statistics.median(ratios(rounds, at)), 2) for at in (few, many))
    failed = sum(one.failed for (name, _), seen in rounds.items() if name == OURS for one in seen)
    return [
        report.at_least(f"times the better peer's requests/s, {many} clients", together, TIMES_AT_MANY),
        report.at_least(f"times the better peer's requests/s, {few} client", alone, TIMES_ALONE),
        report.at_most("requests of ours that failed", failed, 0),
    ]


if __name__ == "__main__":
    sys.exit(main())
