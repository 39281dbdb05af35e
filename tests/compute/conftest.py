"""A real supervisor process over small real programs, and words to make and watch jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from compute.local import LocalBackend
from compute.port import Observation, TrainingSpec, TransformSpec
from compute.supervisor.__main__ import supervisor_for
from compute.supervisor.loop import Supervisor
from ml.artifact import write_manifest
from ml.container import pack_artifact
from ml.schema import Manifest

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90.0


def until(
    condition: Callable[[], object], what: str = "it", now: Callable[[], object] = str, pause: float = 0.02
) -> None:
    """Wait for a condition; only the failure depends on time, and tells what it is `now`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:g} s for {what}: {now()}"
        time.sleep(pause)


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:  # gone between opening and reading
        return False
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()


class House:
    """One spool with its backend and, when started, its supervisor."""

    look_every = 0.02

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()
        self.backend = LocalBackend(folder / "spool", self.artifacts)
        self.spool = self.backend.spool
        self.starts = folder / "starts"
        self.supervisors: list[subprocess.Popen[bytes]] = []
        self.threads: list[tuple[Supervisor, Thread]] = []
        (folder / "data").mkdir()
        (folder / "data" / "rows.jsonl").write_text('{"id":"1"}\n{"id":"2"}\n')

    def uri(self, *parts: str) -> str:
        return self.artifacts.joinpath(*parts).as_uri()

    def given(self, path: Path) -> str:
        """Where the backend reads a file or folder of this test."""
        return path.as_uri()

    def job_name(self, name: str) -> str:
        """What a job is called where it runs."""
        return name

    def options(self, *more: str) -> list[str]:
        return [
            "--spool", str(self.spool.root),
            "--train", f"{sys.executable} {PROGRAMS / 'train.py'}",
            "--serve", f"{sys.executable} {PROGRAMS / 'serve.py'}",
            "--stop-grace", "1", "--shutdown-grace", "2", *more,
        ]  # fmt: skip

    def supervise(self, *options: str) -> None:
        """A supervisor in a thread of this process, for tests that do not kill it."""
        supervisor = supervisor_for(self.options(*options))
        thread = Thread(target=supervisor.run, name="supervisor")
        thread.start()
        self.threads.append((supervisor, thread))

    def supervise_apart(self, *options: str) -> subprocess.Popen[bytes]:
        """A supervisor process, to be killed."""
        command = [sys.executable, "-m", "compute.supervisor", *self.options(*options)]
        with (self.folder / "supervisor.txt").open("ab") as log:
            supervisor = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"LOG_LEVEL": "INFO"}
            )
        self.supervisors.append(supervisor)
        return supervisor

    def kill(self, supervisor: subprocess.Popen[bytes]) -> None:
        supervisor.kill()
        supervisor.wait()

    def close(self) -> None:
        for running, thread in self.threads:
            running.shutdown.set()
            thread.join(30)
        for supervisor in self.supervisors:
            if supervisor.poll() is None:
                supervisor.terminate()
                supervisor.wait(30)
        for process in self.spool.root.glob("*/*/process.json"):
            pid = json.loads(process.read_text())["pid"]
            if is_running(pid) and os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)

    # Jobs

    def training(self, name: str = "t-1", max_seconds: int = 60, **hyperparameters: str) -> TrainingSpec:
        return TrainingSpec(
            name=name, channels={"train": self.given(self.folder / "data")},
            hyperparameters={"starts": str(self.starts)} | hyperparameters,
            output_uri=self.uri("runs"), max_seconds=max_seconds,
        )  # fmt: skip

    def train(self, name: str = "t-1", max_seconds: int = 60, **hyperparameters: str) -> None:
        self.backend.start_training(self.training(name, max_seconds, **hyperparameters))

    def transform(
        self, texts: list[str], name: str = "b-1", artifact: str | None = None, max_seconds: int = 60,
        environment: dict[str, str] | None = None,
    ) -> TransformSpec:  # fmt: skip
        source = self.folder / f"{name}.jsonl"
        if not source.exists():
            source.write_text(
                "".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts))
            )
        spec = TransformSpec(
            name,
            artifact or self.artifact(),
            self.given(source),
            self.uri("out"),
            max_seconds,
            environment or {},
        )
        self.backend.start_transform(spec)
        return spec

    def artifact(self, name: str = "first") -> str:
        """The URI of a small whole artifact, made once."""
        tar = self.artifacts / name / "model.tar.gz"
        if not tar.exists():
            model = self.folder / f"model-{name}"
            (model / "encoder").mkdir(parents=True)
            (model / "encoder" / "config.json").write_text(json.dumps({"name": name}))
            (model / "encoder" / "weights.bin").write_bytes(name.encode() * 10_000)
            write_manifest(model, Manifest("encoder", 4, "0123456789abcdef", name, "test"))
            pack_artifact(model, tar)
        return self.given(tar)

    def output(self, name: str = "b-1") -> list[dict[str, object]]:
        with self.backend.open(self.uri("out", f"{name}.jsonl.out")) as stream:
            return [json.loads(line) for line in stream.read().splitlines()]

    # Watching

    def ended(self, name: str = "t-1") -> Observation:
        return self.when(name, lambda seen: seen.state.is_final)

    def when(self, name: str, condition: Callable[[Observation], object]) -> Observation:
        last: list[Observation] = []

        def holds() -> object:
            last[:] = [self.backend.observe(name)]
            return condition(last[0])

        until(holds, name, lambda: last, self.look_every)
        return last[0]

    def pids(self) -> list[int]:
        """Every start of the training program, by process id."""
        return [int(line) for line in self.starts.read_text().split()] if self.starts.exists() else []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def double() -> Iterator[Any]:
    """One account for the session; tests keep apart by the prefix of their names."""
    from tests.compute import cloud

    with cloud.account() as made:
        yield made


@pytest.fixture
def cloud_house(tmp_path: Path, double: Any) -> Iterator[Any]:
    from tests.compute.cloud import CloudHouse

    made = CloudHouse(tmp_path, double)
    yield made
    made.close()


@pytest.fixture(params=["local", "sagemaker"])
def place(request: pytest.FixtureRequest) -> Any:
    """Where jobs run: the local backend under its supervisor, or SageMaker through its double."""
    if request.param == "sagemaker":
        return request.getfixturevalue("cloud_house")
    made: House = request.getfixturevalue("house")
    made.supervise()
    return made
