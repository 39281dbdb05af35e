"""What stands in the way of running jobs here, found by looking only: nothing is made, changed or started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Literal

from compute.objects import path_of
from compute.port import InvalidSpec
from compute.spool import Spool

FREE_BYTES = 2 << 30
LONGEST = 400
Standing = Literal["ok", "missing", "advice", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One line of the check.

    `missing`: jobs will fail until `todo` is done. `advice`: they run, but somebody should know. `unknown`: it could
    not be looked at, and `todo` says what would allow it.
    """

    standing: Standing
    what: str
    todo: str = ""

    def __str__(self) -> str:
        what = shorten(self.what, LONGEST, placeholder=" …")  # what a service answers may be a page
        return f"{self.standing:8}{what}" + (f" → {self.todo}" if self.todo else "")


def local_findings(spool: Path, artifacts_uri: str) -> Iterator[Finding]:
    """The local backend's: its two folders, the room left, and the supervisor that runs the jobs."""
    yield _folder("COMPUTE_SPOOL", spool)
    try:
        artifacts = path_of(artifacts_uri)
    except InvalidSpec as error:
        yield Finding("missing", f"ARTIFACTS_URI: {error}", "give a file:/// address, or leave it unset")
        return
    yield _folder("ARTIFACTS_URI", artifacts)
    free = shutil.disk_usage(_nearest(artifacts)).free
    if free < FREE_BYTES:
        yield Finding(
            "missing", f"{free >> 20} MiB are free for artifacts", f"free at least {FREE_BYTES >> 30} GiB"
        )
    else:
        yield Finding("ok", f"{free >> 30} GiB are free for artifacts")
    if Spool(spool).supervisor_alive():
        yield Finding("ok", "the supervisor is at work")
    else:
        todo = "start the installation (`make up`), or `python -m compute.supervisor` where it is run by hand"
        yield Finding("missing", f"no supervisor beats in {spool}: jobs would wait for ever", todo)


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path


def _folder(name: str, path: Path) -> Finding:
    """Whether jobs can write in a folder, or make it."""
    nearest = _nearest(path)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            "missing", f"{name}: nobody may write in {nearest}", "give its owner's rights to this user"
        )
    if nearest == path and path.stat().st_uid != os.geteuid():
        return Finding("advice", f"{name}: {path} belongs to another user", "run all programs as one user")
    return Finding("ok", f"{name}: {path}" + ("" if nearest == path else " (made at the first start)"))


def base_model_finding(base: str, backend: str) -> Finding:
    """Whether the base model is where trainings look for it; one in S3 is looked for when a training begins."""
    if "://" in base and not base.startswith("file://"):
        if backend == "local":
            return Finding(
                "missing", f"BASE_MODEL={base} is not on this machine", "give a folder of this machine"
            )
        return Finding("ok", f"the base model is in S3: {base}")
    path = path_of(base) if "://" in base else Path(base)
    if (path / "config.json").is_file():
        return Finding("ok", f"the base model: {path}")
    return Finding(
        "missing", f"no base model in {path}", "set BASE_MODEL to a folder of weights: docs/base-model.md"
    )
