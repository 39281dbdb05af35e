"""Objects in S3 by `s3://bucket/key`: streamed, checksummed, encrypted; a prefix is listed, never a bucket."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from uuid import uuid4

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import S3DownloadFailedError, S3UploadFailedError

from compute.port import ArtifactMissing, ComputeError, InvalidSpec, PlatformUnavailable
from compute.sagemaker.clients import Clients, is_absent, told_plainly, translated
from compute.sagemaker.options import Options

TRANSFER = TransferConfig(multipart_threshold=16 << 20, multipart_chunksize=8 << 20, max_concurrency=4)
TRANSFER.max_in_memory_upload_chunks = 2
"""An upload holds 16 MiB in memory, not ten parts; of 10,000 parts at most, an object may have 78 GiB."""
DELETED_AT_ONCE = 1000
BUFFER = 1 << 20
REOPENED_AT_MOST = 3


def parts_of(uri: str) -> tuple[str, str]:
    """(bucket, key) of an `s3://bucket/key`. InvalidSpec for anything else, `..` and the bucket itself included."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    key = key.rstrip("/")
    names = key.split("/")
    if not uri.startswith("s3://") or not bucket or not key or {"", ".", ".."} & set(names) or "\x00" in key:
        raise InvalidSpec(f"not the address of an object or prefix in S3: {uri!r}")
    return bucket, key


class S3Objects:
    """Reads what the role may read; writes and deletes only under `artifacts_uri`."""

    def __init__(self, clients: Clients, options: Options) -> None:
        self.clients = clients
        self.root = options.artifacts_uri
        self.encryption = {"ServerSideEncryption": "aws:kms"}
        if options.kms_key:
            self.encryption["SSEKMSKeyId"] = options.kms_key

    def writable(self, uri: str) -> tuple[str, str]:
        bucket, key = parts_of(uri)
        if not f"s3://{bucket}/{key}".startswith(f"{self.root}/"):
            raise InvalidSpec(f"{uri} is outside the artifacts' prefix {self.root}")
        return bucket, key

    def put(self, local: Path, uri: str) -> None:
        bucket, key = self.writable(uri)
        if local.is_dir():
            for path in sorted(local.rglob("*")):
                if path.is_file():
                    self._upload(path, bucket, f"{key}/{path.relative_to(local).as_posix()}")
        elif local.is_file():
            self._upload(local, bucket, key)
        else:
            raise ArtifactMissing(f"nothing to copy at {local}")

    def _upload(self, path: Path, bucket: str, key: str) -> None:
        with path.open("rb") as stream:
            self.write(stream, f"s3://{bucket}/{key}")

    def write(self, stream: BinaryIO, uri: str) -> None:
        """Stream an object up; it appears whole or not at all."""
        bucket, key = self.writable(uri)
        extra = {**self.encryption, "ChecksumAlgorithm": "SHA256"}
        with told_plainly():
            try:
                self.clients.s3.upload_fileobj(stream, bucket, key, ExtraArgs=extra, Config=TRANSFER)
            except S3UploadFailedError as error:
                raise PlatformUnavailable(str(error)) from error

    def mark(self, uri: str) -> None:
        """Leave an empty object that says something is done."""
        self.write(io.BytesIO(), uri)

    def get(self, uri: str, local: Path) -> None:
        bucket, key = parts_of(uri)
        if self.size(uri) is not None:
            self._download(bucket, key, local)
            return
        names = list(self.names_under(uri))
        if not names:
            raise ArtifactMissing(f"nothing at {uri}")
        for name in names:
            if ".." in PurePosixPath(name).parts or name.startswith("/"):
                raise InvalidSpec(f"an object of {uri} would leave its folder: {name!r}")
            if not name.endswith("/"):
                self._download(bucket, f"{key}/{name}", local / name)

    def _download(self, bucket: str, key: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid4().hex}")
        try:
            with told_plainly():
                self.clients.s3.download_file(bucket, key, str(temporary), Config=TRANSFER)
            temporary.replace(target)
        except S3DownloadFailedError as error:
            raise PlatformUnavailable(str(error)) from error
        finally:
            temporary.unlink(missing_ok=True)

    def size(self, uri: str) -> int | None:
        """Bytes of an object; None when there is none at this very address."""
        bucket, key = parts_of(uri)
        try:
            return int(self.clients.s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_absent(error):
                return None
            raise translated(error) from error

    def names_under(self, uri: str, at_most: int | None = None) -> Iterator[str]:
        """Names of the objects under a prefix, relative to it and in S3's order."""
        bucket, key = parts_of(uri)
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{key}/", PaginationConfig={"MaxItems": at_most}
        )
        with told_plainly():
            for page in pages:
                for found in page.get("Contents", []):
                    yield found["Key"][len(key) + 1 :]

    def exists(self, uri: str) -> bool:
        return self.size(uri) is not None or any(True for _ in self.names_under(uri, at_most=1))

    def open(self, uri: str) -> BinaryIO:
        size = self.size(uri)
        if size is None:
            raise ArtifactMissing(f"no object at {uri}")
        return cast(BinaryIO, io.BufferedReader(RemoteObject(self.clients.s3, uri, size), BUFFER))

    def delete_prefix(self, uri: str) -> None:
        bucket, key = self.writable(uri)
        doomed = [key]
        for name in self.names_under(uri):
            doomed.append(f"{key}/{name}")
            if len(doomed) == DELETED_AT_ONCE:
                self._delete(bucket, doomed)
                doomed = []
        self._delete(bucket, doomed)

    def _delete(self, bucket: str, keys: list[str]) -> None:
        if not keys:
            return
        with told_plainly():
            doomed = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
            answer = self.clients.s3.delete_objects(Bucket=bucket, Delete=doomed)
        for failed in answer.get("Errors", []):
            raise PlatformUnavailable(f"{failed.get('Key')} was not deleted: {failed.get('Message')}")


class RemoteObject(io.RawIOBase):
    """One object as a raw stream: it can seek, and goes on after a broken connection, always in the same version."""

    def __init__(self, s3: Any, uri: str, size: int) -> None:
        self.s3 = s3
        self.uri = uri
        self.size = size
        self._at = 0
        self._body: Any = None
        self._etag = ""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if target != self._at:
            self._let_go()
            self._at = max(0, target)
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self.size:
            return 0
        failures: list[ComputeError] = []
        while len(failures) < REOPENED_AT_MOST:
            try:
                if self._body is None:
                    self._body = self._reopened()
                content = self._body.read(len(buffer))
                if not content:
                    raise PlatformUnavailable(f"{self.uri} was cut off after {self._at} of {self.size} bytes")
            except (ClientError, BotoCoreError, ComputeError, OSError) as error:
                self._let_go()
                failures.append(error if isinstance(error, ComputeError) else translated(error))
                continue
            buffer[: len(content)] = content
            self._at += len(content)
            return len(content)
        raise failures[-1]

    def _reopened(self) -> Any:
        bucket, key = parts_of(self.uri)
        same = {"IfMatch": self._etag} if self._etag else {}
        answer = self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={self._at}-", **same)
        self._etag = answer["ETag"]
        return answer["Body"]

    def _let_go(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        self._let_go()
        super().close()
