"""The double's HTTP server: one address for SageMaker and its runtime, moto behind it for the rest; and faults."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.compute.sagemaker_double.container import Buckets
from tests.compute.sagemaker_double.face import handler_for
from tests.compute.sagemaker_double.identity import Identity
from tests.compute.sagemaker_double.operations import REGION, Operations

BUCKET = "aiguilleur-tests"


@dataclass(frozen=True)
class Programs:
    """What the two words of an image start."""

    train: list[str]
    serve: list[str]


@dataclass
class Fault:
    """`kind`: throttle, error, lost, unsent, limit, deny; or job, secondary, status: what is told of a thing."""

    kind: str
    operation: str
    times: int
    text: str = ""
    name: str = ""


class Double(Operations):
    """The account. `stop_grace` stands for the 120 s between SIGTERM and SIGKILL; `baking_share` shortens waits."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for every call
        self.moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.moto.start()
        self.moto_url = "http://{}:{}".format(*self.moto.get_host_and_port())
        self.buckets = Buckets(self.client("s3"))
        # moto keeps one state for a process, and each house has a prefix of its own: another double may have made it.
        with suppress(self.buckets.client.exceptions.BucketAlreadyOwnedByYou):
            self.buckets.client.create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        self.images: dict[str, Programs] = {}
        super().__init__()
        self.faults: list[Fault] = []
        self.identity = Identity()
        self.stop_grace, self.baking_share = 1.0, 1.0
        self.empty_lines_between_answers = False
        self._logs, self._cloudwatch = self.client("logs"), self.client("cloudwatch")
        self._streams: set[tuple[str, str]] = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of moto, for what the platform, or a test, does by itself."""
        return boto3.client(
            service, endpoint_url=self.moto_url, region_name=region, aws_access_key_id="double",
            aws_secret_access_key="double",
        )  # fmt: skip

    def close(self) -> None:
        for job in [*self.trainings.values(), *self.transforms.values()]:
            job.stop_asked.set()
        for endpoint in list(self.endpoints.values()):
            if endpoint.serving is not None:
                endpoint.serving.remove()
        for job in [*self.trainings.values(), *self.transforms.values()]:
            job.join(10)
        self.server.shutdown()
        self.server.server_close()
        self.moto.stop()

    # Faults

    def fault(self, kind: str, operation: str, times: int = 1, text: str = "", name: str = "") -> None:
        """Let the next `times` of an operation go wrong; `name` limits it to one job or endpoint (by its end)."""
        with self.lock:
            self.faults.append(Fault(kind, operation, times, text, name))

    def take(self, kind: str, operation: str, name: str = "") -> str:
        """The text of a fault that applies now, once; empty when none does."""
        with self.lock:
            for fault in self.faults:
                if (fault.kind, fault.operation) == (kind, operation) and name.endswith(fault.name):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault.text or kind
        return ""

    def called(self, operation: str, ending: str = "") -> list[dict[str, Any]]:
        """The requests of an operation, of those whose name ends so."""
        return [
            asked for name, asked in list(self.calls)
            if name == operation and any(str(v).endswith(ending) for k, v in asked.items() if k.endswith("Name"))
        ]  # fmt: skip

    def forwarded(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and answer of moto to a request that is moto's."""
        kept = {name: value for name, value in headers.items() if name in {"content-type", "authorization"}}
        request = urllib.request.Request(self.moto_url, body, kept)  # noqa: S310
        try:
            with urllib.request.urlopen(request) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    # What the parts ask

    def programs(self, image: str) -> Programs:
        return self.images[image]

    def write_log(self, group: str, stream: str, lines: list[str]) -> None:
        if (group, stream) not in self._streams:
            for make, words in (
                (self._logs.create_log_group, {"logGroupName": group}),
                (self._logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
            ):
                try:
                    make(**words)
                except self._logs.exceptions.ResourceAlreadyExistsException:
                    continue
            self._streams.add((group, stream))
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line or " "} for line in lines[-1000:]]
        self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def alarms_known(self, names: list[str]) -> set[str]:
        found = self._cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
        return {one["AlarmName"] for one in found}

    def alarms_ringing(self, names: list[str]) -> bool:
        found = self._cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
        return any(one["StateValue"] == "ALARM" for one in found)
