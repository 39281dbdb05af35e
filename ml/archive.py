"""The tar that an artifact travels in: packed whole or not at all, unpacked without trust."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO, cast

from ml import __version__
from ml.artifact import (
    ENCODER,
    MANIFEST,
    ArtifactError,
    base_name,
    encoder_files,
    encoder_fingerprint,
    encoder_folder,
    file_sha256,
    is_safe_name,
    relative_files,
    verify_artifact,
)
from ml.pooling import read_pooling
from ml.schema import Manifest

MOST_FILES = 200
MOST_BYTES = 20 * 1024**3


def pack_artifact(folder: Path, out_tar: Path) -> None:
    """Write an artifact folder as ``model.tar.gz``, whole or not at all.

    The gzip layer only stores: float weights hardly shrink, and compressing 90 MB would take seconds.
    The same folder gives the same bytes.
    """
    sources = [(name, folder / name) for name in relative_files(folder)]
    _write_tar(out_tar, sources)


def unpack_artifact(tar: Path, folder: Path) -> Manifest:
    """Unpack a tar into ``folder`` (replaced) and verify it. Nothing is left there on ``ArtifactError``."""
    if not tar.is_file():
        raise ArtifactError("missing", "the artifact is missing")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder.parent))
    try:
        try:
            with _open_stream(tar) as stream:
                with tarfile.open(fileobj=stream, mode="r:") as archive:
                    _extract(archive, scratch)
                # The checksum stands at the very end: a cut there is a cut too.
                while stream.read(1 << 20):
                    pass
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArtifactError("truncated", "the artifact is cut short or damaged") from error
        except tarfile.ReadError as error:
            code = "truncated" if "unexpected end" in str(error) else "not_an_archive"
            raise ArtifactError(code, "the artifact is not a readable tar archive") from error
        manifest = verify_artifact(scratch)
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
        folder.chmod(0o755)
        return manifest
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def make_encoder_artifact(base_folder: Path, out_tar: Path, max_length: int | None = None) -> Manifest:
    """Wrap a base encoder, without a head, as an artifact: a pool can be embedded before any training.

    ``base_folder`` is a Hugging Face folder or an artifact folder of ours. The weights are streamed.
    """
    encoder = encoder_folder(base_folder)
    pooling = read_pooling(encoder, max_length)
    names = encoder_files(encoder)
    files = {f"{ENCODER}/{name}": file_sha256(encoder / name) for name in names}
    manifest = Manifest(
        kind="encoder",
        dim=pooling.dim,
        encoder=encoder_fingerprint(encoder, pooling),
        base_model=base_name(base_folder),
        created_by=f"ml.artifact {__version__}",
        hyperparameters={"max_length": str(pooling.max_length)},
        files=files,
    )
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / MANIFEST
        written.write_text(json.dumps(manifest.to_dict(), indent=2, sort_keys=True) + "\n", "utf-8")
        sources = [(MANIFEST, written)] + [(f"{ENCODER}/{name}", encoder / name) for name in names]
        _write_tar(out_tar, sources)
    return manifest


def _open_stream(tar: Path) -> IO[bytes]:
    with tar.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(tar, "rb")) if is_gzip else tar.open("rb")


def _write_tar(out_tar: Path, sources: list[tuple[str, Path]]) -> None:
    out_tar.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".pack-", dir=out_tar.parent)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            packed = gzip.GzipFile("", "wb", compresslevel=0, fileobj=raw, mtime=0)
            with packed, tarfile.open(fileobj=packed, mode="w") as archive:
                for name, path in sources:
                    member = tarfile.TarInfo(name)
                    member.size, member.mode = path.stat().st_size, 0o644
                    with path.open("rb") as stream:
                        archive.addfile(member, stream)
            raw.flush()
            os.fsync(raw.fileno())
        Path(temporary).replace(out_tar)
        out_tar.chmod(0o644)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    files = total = 0
    for member in archive:
        name = member.name.removeprefix("./")
        if member.isdir() and (name in ("", ".") or is_safe_name(name)):
            continue
        if not member.isfile() or not is_safe_name(name):
            raise ArtifactError(
                "unsafe_path", f"the archive holds something that is not a plain file: {name!r}"
            )
        files += 1
        total += member.size
        if files > MOST_FILES or total > MOST_BYTES:
            raise ArtifactError("too_large", "the archive holds more than a model can need")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(member)
        if source is None:
            raise ArtifactError(
                "unsafe_path", f"the archive holds something that is not a plain file: {name!r}"
            )
        with target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        if target.stat().st_size != member.size:
            raise ArtifactError("truncated", "the artifact is cut short")
