"""Endpoints of the double: `serve` answering, replaced blue/green, undone by a failed start or an alarm."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from tests.compute.sagemaker_double.container import Serving
from tests.compute.sagemaker_double.wire import ApiError, invalid

if TYPE_CHECKING:
    from tests.compute.sagemaker_double.server import Double

START_SECONDS = 30
LOOK_SECONDS = 0.05


class Endpoint:
    """One endpoint; `config` is what answers, `pending` what an update brings."""

    def __init__(self, double: Double, name: str, arn: str, config: str) -> None:
        self.double, self.name, self.arn, self.config = double, name, arn, config
        self.status, self.reason, self.pending = "Creating", "", ""
        self.serving: Serving | None = None
        self.lock = threading.Lock()
        self.calls: list[Serving] = []  # one for each call under way
        self.inference_ids: list[str] = []
        threading.Thread(target=self._create, daemon=True).start()

    def _start(self, config: str) -> tuple[Serving | None, str]:
        """A `serve` that answers pings, or why there is none."""
        variant = self.double.configs[config]["ProductionVariants"][0]
        container = self.double.model(variant["ModelName"])["PrimaryContainer"]
        try:
            serving = Serving(
                self.double.programs(container["Image"]).serve, container.get("Environment", {}),
                self.double.buckets, container["ModelDataUrl"],
            )  # fmt: skip
        except OSError as error:
            return None, str(error)
        serving.start()
        if serving.await_ping(START_SECONDS, lambda: self.status == "Deleting"):
            return serving, ""
        why = serving.failure()
        serving.remove()
        return (
            None,
            f"The primary container for production variant main did not pass the ping health check. {why}",
        )

    def _create(self) -> None:
        if failure := self.double.take("job", "Endpoint", self.name):
            self.status, self.reason = "Failed", failure
            return
        self.serving, self.reason = self._start(self.config)
        if self.status == "Creating":
            self.status = "InService" if self.serving else "Failed"

    def update(self, config: str, deployment: dict[str, Any]) -> None:
        if self.status != "InService":
            raise invalid(f"Cannot update in-progress endpoint {self.arn!r}." if self.status != "Failed" else (
                f"Cannot update endpoint {self.arn!r} with status Failed"
            ))  # fmt: skip
        alarms = [
            one["AlarmName"] for one in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        ]
        unknown = set(alarms) - self.double.alarms_known(alarms)
        if unknown:
            raise invalid(f"Could not find alarm {sorted(unknown)}")
        self.status, self.pending = "Updating", config
        wait = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"]
        threading.Thread(target=self._update, args=(config, alarms, wait), daemon=True).start()

    def _update(self, config: str, alarms: list[str], wait: float) -> None:
        fresh, reason = self._start(config)
        deadline = time.monotonic() + wait * self.double.baking_share
        while fresh is not None and time.monotonic() < deadline:
            if self.status != "Updating":  # the account is closed
                fresh.remove()
                return
            if self.double.alarms_ringing(alarms):
                fresh.remove()
                fresh, reason = None, "One or more alarms went into ALARM state"
            time.sleep(LOOK_SECONDS)
        if fresh is not None:
            with self.lock:
                former, self.serving, self.config = self.serving, fresh, config
            if former is not None:
                self._drain(former)
                former.remove()
        self.pending, self.reason = "", reason
        self.status = "InService"

    def _drain(self, former: Serving) -> None:
        """Calls that the former fleet has taken are answered before it ends, as in the cloud."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with self.lock:
                if former not in self.calls:
                    return
            time.sleep(LOOK_SECONDS)

    def delete(self) -> None:
        if self.status in {"Creating", "Updating", "Deleting"}:
            raise invalid(f"Cannot delete in-progress endpoint {self.arn!r}")
        self.status = "Deleting"
        threading.Thread(target=self._delete, daemon=True).start()

    def _delete(self) -> None:
        if self.serving is not None:
            self.serving.remove()
        self.double.endpoints.pop(self.name, None)

    def invoke(self, body: bytes, headers: dict[str, str]) -> bytes:
        """What the container answers; its errors come back inside a ModelError."""
        self.inference_ids.append(headers.get("x-amzn-sagemaker-inference-id", ""))
        with self.lock:
            serving = self.serving
            if serving is None or self.status not in {"InService", "Updating"}:
                raise ApiError("ValidationError", f"Endpoint {self.name} of account 123456789012 not found.")
            self.calls.append(serving)
        try:
            status, answer = serving.call(
                "POST", "/invocations", body, 60,
                Content_Type=headers.get("content-type", ""), Accept=headers.get("accept", ""),
            )  # fmt: skip
        except OSError as error:
            raise ApiError("ModelError", f"no answer from the container: {error}", 424) from error
        finally:
            with self.lock:
                self.calls.remove(serving)
        if status != 200:
            error_answer = ApiError("ModelError", f"Received server error ({status}) from primary", 424)
            error_answer.original = (status, answer.decode("utf-8", "replace"))  # type: ignore[attr-defined]
            raise error_answer
        return answer

    def describe(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config,
            "EndpointStatus": self.double.take("status", "Endpoint", self.name) or self.status,
            "CreationTime": 0.0,
            "LastModifiedTime": 0.0,
        }
        if self.pending:
            told["PendingDeploymentSummary"] = {"EndpointConfigName": self.pending}
        if self.reason:
            told["FailureReason"] = self.reason
        return told
