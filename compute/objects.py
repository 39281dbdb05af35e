"""Objects on the local disk by `file:///` URI: the local backend's storage."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from compute.port import ArtifactMissing, InvalidSpec
from compute.spool import sync_folder


def path_of(uri: str) -> Path:
    """The absolute path named by a `file:///` URI. InvalidSpec for another scheme, a host, or a `..` in it."""
    parts = urlsplit(uri)
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc or parts.query or parts.fragment or "\x00" in str(path):
        raise InvalidSpec(f"the local backend needs a file:/// URI, not {uri!r}")
    if not path.is_absolute() or ".." in path.parts:
        raise InvalidSpec(f"the path of {uri!r} must be absolute and without '..'")
    return path


def existing(uri: str) -> Path:
    path = path_of(uri)
    if not path.exists():
        raise ArtifactMissing(f"nothing at {uri}")
    return path


def copy_whole(source: Path, target: Path) -> None:
    """Copy one file so that `target` appears whole or not at all; parents are created."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with source.open("rb") as incoming, temporary.open("xb") as outgoing:
            shutil.copyfileobj(incoming, outgoing, 1 << 20)
            outgoing.flush()
            os.fsync(outgoing.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a file, or every file under a folder; each file appears whole, symbolic links are followed."""
    if source.is_dir():
        for entry in sorted(source.rglob("*")):
            if entry.is_file():
                copy_whole(entry, target / entry.relative_to(source))
    elif source.is_file():
        copy_whole(source, target)
    else:
        raise ArtifactMissing(f"nothing to copy at {source}")


class Objects:
    """Reads any local path; writes and deletes only under `root`, so that a wrong URI cannot harm the machine."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def writable(self, uri: str) -> Path:
        path = path_of(uri)
        resolved = path.resolve()
        if not resolved.is_relative_to(self.root):
            raise InvalidSpec(f"{uri} is outside the artifacts folder {self.root}")
        return resolved

    def put(self, local: Path, uri: str) -> None:
        copy_tree(local, self.writable(uri))

    def get(self, uri: str, local: Path) -> None:
        copy_tree(existing(uri), local)

    def open(self, uri: str) -> BinaryIO:
        path = path_of(uri)
        if not path.is_file():
            raise ArtifactMissing(f"no object at {uri}")
        return path.open("rb")

    def exists(self, uri: str) -> bool:
        return path_of(uri).exists()

    def delete_prefix(self, uri: str) -> None:
        path = self.writable(uri)
        if path == self.root:
            raise InvalidSpec("the artifacts folder itself is never deleted")
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
