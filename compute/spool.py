"""The spool folder: how `compute.local` (any process) and `compute.supervisor` (one process) tell each other things.

    supervisor.lock            held by the one supervisor; `heartbeat` is touched while it lives
    jobs/<name>/               spec.json (never changes), stop (a person's wish), status.json (the supervisor's
                               word), log.txt, ml/
    endpoints/<name>/          spec.json (the state wished for), status.json
    serving/<key>/             one running `serve` and its unpacked artifact

Every file is written beside itself and renamed, so a reader sees the old text or the new one. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

HEARTBEAT_SECONDS = 15.0
LOG_TAIL_BYTES = 8_192


@dataclass(frozen=True)
class Spool:
    """The folders of one spool. Names have been checked by the port's specs before they become paths."""

    root: Path

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def endpoints(self) -> Path:
        return self.root / "endpoints"

    @property
    def serving(self) -> Path:
        return self.root / "serving"

    @property
    def new(self) -> Path:
        """Folders being prepared; renamed into `jobs` when whole."""
        return self.root / "new"

    @property
    def lock(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def heartbeat(self) -> Path:
        return self.root / "heartbeat"

    def prepare(self) -> None:
        """Create what is missing, readable by this user only: specs name files and carry environments."""
        for folder in (self.root, self.jobs, self.endpoints, self.serving, self.new):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def supervisor_alive(self) -> bool:
        try:
            return time.time() - self.heartbeat.stat().st_mtime < HEARTBEAT_SECONDS
        except OSError:
            return False


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` whole or not at all, also when the machine stops."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, content: dict[str, Any]) -> None:
    write_bytes(path, json.dumps(content, indent=1, sort_keys=True).encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file; None when there is no file or when it holds anything else than a JSON object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tail(path: Path, limit: int = LOG_TAIL_BYTES) -> str:
    """The last `limit` bytes of a log as text, from the start of a line; empty when there is no log."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - limit))
            content = stream.read(limit)
    except OSError:
        return ""
    if size > limit:
        content = content.partition(b"\n")[2] or content
    return content.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes (and threads); waits for it."""
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def serving_key(artifact_uri: str, environment: dict[str, str]) -> str:
    """16 hex naming one way of serving one artifact: artifacts never change under their URI."""
    return hashlib.sha256(json.dumps([artifact_uri, environment], sort_keys=True).encode()).hexdigest()[:16]


def socket_path(spool: Spool, key: str) -> Path:
    """Where `serve` listens: a short path, because a unix socket's is limited to about 100 bytes.

    It lies in the temporary folder (TMPDIR): containers that call one another's endpoints must share that folder.
    Raises PermissionError when somebody else holds the folder's name.
    """
    digest = hashlib.sha256(os.fsencode(spool.root.resolve())).hexdigest()[:10]
    folder = Path(tempfile.gettempdir()) / f"aiguilleur-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not a private folder of this user; remove it and start again")
    return folder / f"{key}.sock"
