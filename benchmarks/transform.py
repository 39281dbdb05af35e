"""A batch transform in the cloud, through SageMaker's double: tickets a second, memory, and every line answered.

    python -m benchmarks.transform --texts TRAIN.csv --tickets 10000 100000 --instances 2 [--json OUT]

The platform's part (cut the input, start, observe, join) runs in this process; S3 (moto) and the double in another,
whose memory does not count; the container's program is the real `ml.serve` over the embedded encoder. Needs
requirements/dev.txt. The double works on one machine, so `tickets/s` is one machine's, on the cores of this one, its
start included. *Peak* is the highest resident memory of a process during one transform. Texts are those of the CSV,
told apart by a number, as often as needed. Each output is read through: as many lines as went in, in their order, each
a vector. `--layers 1` cuts the encoder to its first layer: vectors of the same size for a sixth of the work, where
memory and lines are to be seen and the model's speed is not.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
from safetensors.numpy import load_file, save_file

from benchmarks import report
from compute.port import TransformSpec
from ml.archive import make_encoder_artifact
from ml.container import default_base_model

MB = 1024 * 1024
ROOT = Path(__file__).resolve().parents[1]
BUCKET, PREFIX = "aiguilleur-tests", "transform-benchmark"
LOOK_SECONDS = 1.0
FLAT = 1.3
"""Peak of the largest transform over that of the smallest: ten times the tickets, about the same memory."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="CSV with a column of texts")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--tickets", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--instances", type=int, default=2, help="parts that the input is cut into")
    parser.add_argument("--layers", type=int, default=0, help="keep so many of the encoder's layers (0: all)")
    parser.add_argument("--base", type=Path, default=None, help="encoder folder (default: the installed one)")
    asked = parser.parse_args()
    with asked.texts.open(newline="", encoding="utf-8") as stream:
        texts = [row[asked.text_column] for row in csv.DictReader(stream)]
    rows: list[dict[str, Any]] = []
    with account() as process, tempfile.TemporaryDirectory() as scratch:
        backend, root = platform(asked.instances)
        artifact = Path(scratch) / "model.tar.gz"
        base = asked.base or default_base_model()
        if asked.layers:
            base = shortened(base, asked.layers, Path(scratch) / "base")
        make_encoder_artifact(base, artifact)
        backend.put(artifact, f"{root}/model.tar.gz")
        for count in asked.tickets:
            rows.append(
                measured(backend, root, Path(scratch), process, texts, count)
                | {"layers": asked.layers or "all"}
            )
            print(report.table(rows[-1:]), flush=True)
    return report.publish(asked, "Batch transform through the double", rows, judged(rows))


@contextmanager
def account() -> Iterator[psutil.Process]:
    """The double in a process of its own; this one's boto3 finds it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.compute.account"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    try:
        os.environ |= json.loads(child.stdout.readline())
        yield psutil.Process(child.pid)
    finally:
        child.stdin.close()
        child.wait(60)


def platform(instances: int) -> tuple[Any, str]:
    """The backend under test, and the address of all that it writes."""
    from compute.sagemaker import Options, SageMakerBackend

    root = f"s3://{BUCKET}/{PREFIX}"
    options = Options(
        "arn:aws:iam::123456789012:role/jobs", "real-programs", root, region="eu-west-3", name_prefix=PREFIX,
        transform_instances=instances,
    )  # fmt: skip
    return SageMakerBackend(options), root


def shortened(base: Path, layers: int, target: Path) -> Path:
    """A copy of an encoder's folder with only its first layers."""
    shutil.copytree(base, target)
    (config,) = (path for path in target.rglob("config.json") if "hidden_size" in path.read_text())
    told = json.loads(config.read_text())
    config.write_text(json.dumps(told | {"num_hidden_layers": layers}))
    weights = config.with_name("model.safetensors")
    kept = {
        name: tensor
        for name, tensor in load_file(weights).items()
        if not (found := re.search(r"encoder\.layer\.(\d+)\.", name)) or int(found[1]) < layers
    }
    save_file(kept, weights, metadata={"format": "pt"})
    return target


def measured(
    backend: Any, root: str, scratch: Path, account: psutil.Process, texts: list[str], count: int
) -> dict[str, Any]:
    """One transform from its input to its joined output."""
    name, source = f"pool-{count}", scratch / f"{count}.jsonl"
    with source.open("w", encoding="utf-8") as stream:
        for number, text in enumerate(islice(cycle(texts), count)):
            stream.write(json.dumps({"id": str(number), "text": f"{text} ({number})"}) + "\n")
    backend.put(source, f"{root}/in/{source.name}")
    spec = TransformSpec(
        name, f"{root}/model.tar.gz", f"{root}/in/{source.name}", f"{root}/out", 3600 + count
    )
    began = time.monotonic()
    with Peaks(account) as peaks:
        backend.start_transform(spec)
        while not (seen := backend.observe(name)).state.is_final:
            time.sleep(LOOK_SECONDS)
    taken = time.monotonic() - began
    if seen.output_uri is None:
        sys.exit(f"the transform of {count} tickets {seen.state}: {seen.failure_reason}\n{seen.log_tail}")
    at_work = (seen.ended_at - seen.started_at).total_seconds()
    lines, in_order = read_through(backend, seen.output_uri)
    return {
        "tickets": count, "input MB": round(source.stat().st_size / MB, 1), "output lines": lines,
        "in order": in_order, "tickets/s": round(count / at_work), "whole, s": round(taken),
        "platform's own, s": round(taken - at_work, 1), "serve peak MB": peaks.serve, "platform peak MB": peaks.own,
    }  # fmt: skip


def read_through(backend: Any, uri: str) -> tuple[int, bool]:
    """How many lines an output has, and whether each is the vector of the ticket of its number."""
    number, in_order = 0, True
    with backend.open(uri) as stream:
        for number, line in enumerate(stream, 1):
            answer = json.loads(line)
            in_order &= answer["id"] == str(number - 1) and bool(answer["embedding"])
    return number, in_order


class Peaks(threading.Thread):
    """The highest resident memory, MB, of this process (`own`) and of `ml.serve` (`serve`) within a block."""

    def __init__(self, account: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.account = account
        self.own = self.serve = 0
        self.done = threading.Event()

    def __enter__(self) -> Peaks:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join()

    def run(self) -> None:
        own = psutil.Process()
        while not self.done.wait(0.1):
            self.own = max(self.own, own.memory_info().rss // MB)
            for child in self.account.children(recursive=True):
                try:
                    self.serve = max(self.serve, child.memory_info().rss // MB)
                except psutil.NoSuchProcess:
                    continue


def judged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lost = sum(abs(row["tickets"] - row["output lines"]) + (not row["in order"]) for row in rows)
    targets = [report.at_most("lines lost or out of order", lost, 0)]
    first, last = rows[0], rows[-1]
    for who in ("serve", "platform"):
        ratio = round(last[f"{who} peak MB"] / max(1, first[f"{who} peak MB"]), 2)
        name = f"peak memory of the {who}, {last['tickets']:,} tickets over {first['tickets']:,}"
        targets.append(report.at_most(name, ratio, FLAT))
    return targets


if __name__ == "__main__":
    sys.exit(main())
