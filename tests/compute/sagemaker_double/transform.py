"""Batch transforms of the double: the real `serve`, lines in records up to the payload, one output a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tests.compute.sagemaker_double.container import Serving, split_uri
from tests.compute.sagemaker_double.wire import check_volume, invalid

if TYPE_CHECKING:
    from tests.compute.sagemaker_double.server import Double

START_SECONDS = 60


class TransformJob(threading.Thread):
    """One job, on one machine whatever it asked for; files are worked on one after the other."""

    def __init__(self, double: Double, request: dict[str, Any], arn: str) -> None:
        super().__init__(name=request["TransformJobName"], daemon=True)
        self.double, self.request, self.arn = double, request, arn
        self.status, self.reason = "InProgress", ""
        self.created, self.began, self.ended = time.time(), 0.0, 0.0
        self.stop_asked = threading.Event()
        self.serving: Serving | None = None

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._end("Failed", f"ClientError: {error}")
        finally:
            if self.serving is not None:
                self.serving.remove()

    def _run(self) -> None:
        if failure := self.double.take("job", "TransformJob", self.name):
            return self._end("Failed", failure)
        source = self.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        keys = self.double.buckets.keys(source)
        if not keys:
            return self._end("Failed", f"ClientError: No S3 objects found under S3 URL {source!r}")
        container = self.double.model(self.request["ModelName"])["PrimaryContainer"]
        environment = container.get("Environment", {}) | self.request.get("Environment", {})
        self.serving = Serving(
            self.double.programs(container["Image"]).serve, environment | {"SAGEMAKER_BATCH": "true"},
            self.double.buckets, container["ModelDataUrl"],
        )  # fmt: skip
        self.began = time.time()
        self.serving.start()
        if not self.serving.await_ping(START_SECONDS, self.stop_asked.is_set):
            if self.stop_asked.is_set():
                return self._end("Stopped")
            why = self.serving.failure()
            return self._end("Failed", f"AlgorithmError: {why}, exit code: {self.serving.exit_code}")
        threading.Thread(target=self._cut_short, daemon=True).start()
        bad = [key for key in keys if not self._file(key, source)]
        if self.stop_asked.is_set():
            return self._end("Stopped")
        if bad:
            return self._end("Failed", "AlgorithmError: See job logs for more information")
        return self._end("Completed")

    def _cut_short(self) -> None:
        while not self.ended and not self.stop_asked.wait(0.05):
            pass
        if self.serving is not None and self.stop_asked.is_set():
            self.serving.end(0)

    def _file(self, key: str, source: str) -> bool:
        """Whether the file's output was written: one failed call loses all of it."""
        assert self.serving is not None
        bucket, prefix = split_uri(source)
        content = self.double.buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        out = b""
        extra = b"\n" if self.double.empty_lines_between_answers else b""
        for record in self._records(content):
            answer = self._answer(record)
            if answer is None:
                return False
            out += answer if answer.endswith(b"\n") else answer + b"\n"
            out += extra
        path = PurePosixPath(key[prefix.rfind("/") + 1 :])
        target = self.request["TransformOutput"]
        name = f"{target['S3OutputPath'].rstrip('/')}/{path}.out"
        out_bucket, out_key = split_uri(name)
        key_id = {"SSEKMSKeyId": target["KmsKeyId"]} if "KmsKeyId" in target else {}
        self.double.buckets.client.put_object(
            Bucket=out_bucket, Key=out_key, Body=out, ServerSideEncryption="aws:kms", **key_id
        )
        return True

    def _records(self, content: bytes) -> Iterator[bytes]:
        most = self.request["MaxPayloadInMB"] * 1_000_000
        record = b""
        for line in content.splitlines(keepends=True):
            if record and len(record) + len(line) > most:
                yield record
                record = b""
            record += line
        if record:
            yield record

    def _answer(self, record: bytes) -> bytes | None:
        assert self.serving is not None
        if len(record) > self.request["MaxPayloadInMB"] * 1_000_000:
            return None
        for _ in range(1 + self.request["ModelClientConfig"]["InvocationsMaxRetries"]):
            try:
                status, answer = self.serving.call(
                    "POST", "/invocations", record, 600,
                    Content_Type=self.request["TransformInput"]["ContentType"],
                    Accept=self.request["TransformOutput"]["Accept"],
                )  # fmt: skip
            except OSError:
                return None
            if status == 200:
                return answer
            if status < 500:
                return None
        return None

    def _end(self, status: str, reason: str = "") -> None:
        self.ended, self.reason = time.time(), reason
        self.status = status

    def describe(self) -> dict[str, Any]:
        told = {
            **{name: value for name, value in self.request.items() if name != "Tags"},
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "CreationTime": self.created,
        }
        for name, value in {"TransformStartTime": self.began, "TransformEndTime": self.ended}.items():
            if value:
                told[name] = value
        if self.reason:
            told["FailureReason"] = self.reason
        return told


def check_transform(request: dict[str, Any]) -> None:
    """Rules between parameters."""
    check_volume(request["TransformResources"])
    if request["BatchStrategy"] != "MultiRecord" or request["TransformInput"].get("SplitType") != "Line":
        raise invalid("the double does MultiRecord over lines only")
    if request["TransformOutput"].get("AssembleWith") != "Line":
        raise invalid("the double assembles lines only")
    if (
        request["MaxPayloadInMB"] * request["MaxConcurrentTransforms"] > 100
        or request["MaxPayloadInMB"] > 100
    ):
        raise invalid("MaxConcurrentTransforms * MaxPayloadInMB must be at most 100")
