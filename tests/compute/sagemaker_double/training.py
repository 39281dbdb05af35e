"""Training jobs of the double: the real program, from Starting to its end."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.compute.sagemaker_double.container import TICK, Container, pack
from tests.compute.sagemaker_double.wire import ApiError, check_volume, invalid

if TYPE_CHECKING:
    from tests.compute.sagemaker_double.server import Double


class TrainingJob(threading.Thread):
    """One job. What `describe` shows changes as it goes on."""

    def __init__(self, double: Double, request: dict[str, Any], arn: str) -> None:
        super().__init__(name=request["TrainingJobName"], daemon=True)
        self.double, self.request, self.arn = double, request, arn
        self.status, self.secondary = "InProgress", "Starting"
        self.created, self.began, self.ended = time.time(), 0.0, 0.0
        self.reason, self.artifact = "", ""
        self.metrics: dict[str, float] = {}
        self.stop_asked, self.interrupted = threading.Event(), threading.Event()
        self.interruptions = 0
        self._told = 0

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._end("Failed", "Failed", f"InternalServerError: {error}")

    def _run(self) -> None:
        if failure := self.double.take("job", "TrainingJob", self.name):
            return self._end("Failed", "Failed", failure)
        while True:
            container = Container(
                self.double.programs(self.request["AlgorithmSpecification"]["TrainingImage"]).train,
                self.request.get("Environment", {})
                | {"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": self.arn},
            )
            try:
                if not self._attempt(container):
                    return None
            finally:
                container.remove()

    def _attempt(self, container: Container) -> bool:
        """One machine's life; True when it was taken away and another must go on."""
        self.secondary = "Downloading"
        for channel in self.request["InputDataConfig"]:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            if not self.double.buckets.pull(uri, container.base / "input/data" / channel["ChannelName"]):
                reason = f"ClientError: Data download failed:No S3 objects found under S3 URL {uri!r}"
                self._end("Failed", "Failed", reason)
                return False
        self._configure(container)
        self._sync(container, "down")
        self.secondary = self.double.take("secondary", "TrainingJob", self.name) or "Training"
        self.began = self.began or time.time()
        container.start()
        ending = self._watch(container)
        self._read(container)
        self._sync(container, "up")
        if ending == "Interrupted":
            self.secondary = "Interrupted"
            time.sleep(TICK)
            self.interruptions += 1
            return True
        self._judge(container, ending)
        return False

    def _configure(self, container: Container) -> None:
        config = container.base / "input/config"
        (config / "hyperparameters.json").write_text(json.dumps(self.request.get("HyperParameters", {})))
        channels = {
            one["ChannelName"]: {"TrainingInputMode": "File"} for one in self.request["InputDataConfig"]
        }
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        (config / "resourceconfig.json").write_text(
            json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]})
        )

    def _watch(self, container: Container) -> str:
        """How the program came to its end: its own, or the platform's word."""
        limits = self.request["StoppingCondition"]
        synced = time.time()
        while container.exit_code is None:
            self._read(container)
            now = time.time()
            if now - synced > 0.2:
                self._sync(container, "up")
                synced = now
            if self.interrupted.is_set():
                self.interrupted.clear()
                container.end(0)  # no notice: checkpoints must have been written before
                return "Interrupted"
            ending = ""
            if self.stop_asked.is_set():
                ending = "Stopped"
            elif now - self.began > limits["MaxRuntimeInSeconds"]:
                ending = "MaxRuntimeExceeded"
            elif now - self.created > limits.get("MaxWaitTimeInSeconds", 1e9):
                ending = "MaxWaitTimeExceeded"
            if ending:
                self.status, self.secondary = "Stopping", "Stopping"
                container.end(self.double.stop_grace)
                return ending
            time.sleep(TICK)
        return ""

    def _judge(self, container: Container, ending: str) -> None:
        model = container.base / "model"
        code = container.exit_code
        if ending or code == 0:
            self.secondary = "Uploading" if not ending else self.secondary
            if any(model.iterdir()):
                out = self.request["OutputDataConfig"]
                self.artifact = f"{out['S3OutputPath'].rstrip('/')}/{self.name}/output/model.tar.gz"
                tar = pack(model, container.base / "model.tar.gz")
                self.double.buckets.push(tar, self.artifact, out.get("KmsKeyId"))
            return self._end("Stopped", ending) if ending else self._end("Completed", "Completed")
        return self._end(
            "Failed", "Failed", f"AlgorithmError: {container.failure()}, exit code: {code}"[:1024]
        )

    def _end(self, status: str, secondary: str, reason: str = "") -> None:
        self.ended, self.reason, self.secondary = time.time(), reason, secondary
        self.status = status

    def _sync(self, container: Container, way: str) -> None:
        target = self.request.get("CheckpointConfig", {}).get("S3Uri")
        if not target:
            return
        folder = container.base / "checkpoints"
        if way == "down":
            self.double.buckets.pull(f"{target.rstrip('/')}/", folder)
            return
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.endswith(".new"):
                try:
                    self.double.buckets.push(
                        path, f"{target.rstrip('/')}/{path.relative_to(folder).as_posix()}"
                    )
                except FileNotFoundError:
                    continue

    def _read(self, container: Container) -> None:
        """New whole lines of the log: to CloudWatch, and to the metrics' regular expressions."""
        content = container.log.read_bytes() if container.log.exists() else b""
        lines = content[: content.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()
        if self.interruptions != getattr(self, "_run_read", 0):
            self._run_read, self._told = self.interruptions, 0
        fresh, self._told = lines[self._told :], max(len(lines), self._told)
        if not fresh:
            return
        self.double.write_log("/aws/sagemaker/TrainingJobs", f"{self.name}/algo-1-{int(self.created)}", fresh)
        for line in fresh:
            for definition in self.request["AlgorithmSpecification"].get("MetricDefinitions", []):
                if match := re.search(definition["Regex"], line):
                    self.metrics[definition["Name"]] = float(match[1])

    def describe(self) -> dict[str, Any]:
        kept = {
            name: self.request[name]
            for name in (
                "TrainingJobName",
                "StoppingCondition",
                "ResourceConfig",
                "EnableManagedSpotTraining",
            )
            if name in self.request
        }
        told: dict[str, Any] = {
            **kept, "TrainingJobArn": self.arn, "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary, "CreationTime": self.created,
            "FinalMetricDataList": [
                {"MetricName": name, "Value": value, "Timestamp": time.time()}
                for name, value in list(self.metrics.items())
            ],
        }  # fmt: skip
        if self.began:
            told["TrainingStartTime"] = self.began
        if self.ended:
            told["TrainingEndTime"] = self.ended
            seconds = max(1, round(self.ended - (self.began or self.ended)))
            told |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": max(1, seconds // 3)}
        if self.reason:
            told["FailureReason"] = self.reason
        if self.artifact:
            told["ModelArtifacts"] = {"S3ModelArtifacts": self.artifact}
        return told


def check_training(request: dict[str, Any]) -> None:
    """Rules between parameters, which the service model does not hold."""
    check_volume(request["ResourceConfig"])
    limits = request.get("StoppingCondition", {})
    if request.get("EnableManagedSpotTraining"):
        if limits.get("MaxWaitTimeInSeconds", -1) < limits.get("MaxRuntimeInSeconds", 0):
            raise invalid("Invalid MaxWaitTimeInSeconds. It must be present and at least MaxRuntimeInSeconds")
    elif "MaxWaitTimeInSeconds" in limits:
        raise invalid("MaxWaitTimeInSeconds is only for managed spot training")
    if "TrainingImage" not in request.get("AlgorithmSpecification", {}):
        raise invalid("the double runs images only")


def in_use(name: str, arn: str) -> ApiError:
    return ApiError(
        "ResourceInUse",
        f"Job name must be unique within an AWS account and region, and a training job with this name ({name}) "
        f"already exists ({arn})",
    )
