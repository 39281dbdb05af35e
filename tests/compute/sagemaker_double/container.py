"""A container as SageMaker runs it: a program in its own /opt/ml tree, its log, its signals; and a way to S3."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TICK = 0.03


def split_uri(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Buckets:
    """S3 as the platform uses it."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def keys(self, uri: str) -> list[str]:
        """Full keys under an S3Prefix, which is a plain prefix of strings."""
        bucket, prefix = split_uri(uri)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def pull(self, uri: str, folder: Path) -> int:
        """Every object under the prefix into the folder; names are relative to the prefix's last slash."""
        bucket, prefix = split_uri(uri)
        base = prefix[: prefix.rfind("/") + 1]
        keys = self.keys(uri)
        for key in keys:
            target = folder / key[len(base) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(bucket, key, str(target))
        return len(keys)

    def push(self, path: Path, uri: str, key_id: str | None = None) -> None:
        bucket, key = split_uri(uri)
        extra = {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": key_id} if key_id else {})}
        self.client.upload_file(str(path), bucket, key, ExtraArgs=extra)


def pack(folder: Path, tar: Path) -> Path:
    with tarfile.open(tar, "w:gz", compresslevel=1) as archive:
        for entry in sorted(folder.iterdir()):
            archive.add(entry, entry.name)
    return tar


class Container:
    """One run of one program. `base` is its tree; it goes when the container does."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="double-"))
        for name in ("input/config", "input/data", "model", "output/data", "checkpoints"):
            (self.base / name).mkdir(parents=True)
        self.command, self.environment = command, environment
        self.log = self.base / "log.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        given |= {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        given |= self.environment | {"SAGEMAKER_BASE_DIR": str(self.base)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.base, env=given, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def end(self, grace: float) -> None:
        """SIGTERM, then SIGKILL after the grace."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def remove(self) -> None:
        self.end(0)
        shutil.rmtree(self.base, ignore_errors=True)

    def failure(self) -> str:
        path = self.base / "output" / "failure"
        return path.read_text("utf-8", "replace")[:1024] if path.exists() else ""


class Serving(Container):
    """`serve` on a port of its own, with a model unpacked."""

    def __init__(
        self, command: list[str], environment: dict[str, str], buckets: Buckets, model_uri: str
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        super().__init__(command, environment | {"SAGEMAKER_BIND_TO_PORT": str(self.port)})
        bucket, key = split_uri(model_uri)
        tar = self.base / "model.tar.gz"
        try:
            buckets.client.download_file(bucket, key, str(tar))
            with tarfile.open(tar) as archive:
                archive.extractall(self.base / "model", filter="data")
        except Exception as error:
            self.remove()
            raise OSError(f"Failed to extract model data from {model_uri}: {error}") from error
        tar.unlink()

    def call(
        self, method: str, path: str, body: bytes = b"", timeout: float = 60, **headers: str
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(
                method, path, body or None, {n.replace("_", "-"): v for n, v in headers.items()}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_well(self) -> bool:
        try:
            return self.call("GET", "/ping", timeout=2)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def await_ping(self, patience: float, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Whether it answers pings before it dies or the start-up window closes."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self.exit_code is None and not give_up():
            if self.is_well():
                return True
            time.sleep(TICK)
        return False
