"""Endpoints: one production variant each, replaced blue/green under alarms that undo a bad update.

Configurations are named by content and kept, so that going back is an update like any other. An endpoint's tag holds
the configuration last wished for: in service with another one, and at rest, means that the update was rolled back.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ReadTimeoutError,
)

from compute.answers import answers_of, body_of
from compute.port import (
    EndpointBusy,
    EndpointObservation,
    EndpointSpec,
    EndpointState,
    EndpointUnavailable,
    InvalidSpec,
    PlatformUnavailable,
    Throttled,
)
from compute.sagemaker.alarms import Alarms
from compute.sagemaker.clients import (
    THROTTLES,
    Clients,
    code_of,
    is_absent,
    is_ambiguous,
    is_busy,
    is_taken,
    status_of,
    told_plainly,
    translated,
)
from compute.sagemaker.models import Models, create
from compute.sagemaker.names import WISH_TAG, digest_of, name_in_account, tags_of
from compute.sagemaker.options import Options

log = logging.getLogger(__name__)
VARIANT = "main"
START_SECONDS = 900
UPDATING = frozenset({"Updating", "SystemUpdating", "RollingBack"})
STATES: dict[str, EndpointState] = {
    "Creating": "creating",
    "InService": "in_service",
    "Deleting": "deleting",
    "Failed": "failed",
    "OutOfService": "failed",
    "UpdateRollbackFailed": "failed",
}


class Endpoints:
    """Endpoints by the port's names."""

    def __init__(self, clients: Clients, options: Options, models: Models) -> None:
        self.clients = clients
        self.options = options
        self.models = models
        self.alarms = Alarms(clients, options)
        self._models_of: dict[str, str] = {}

    def name(self, name: str) -> str:
        return name_in_account(self.options.name_prefix, name)

    def put(self, spec: EndpointSpec) -> None:
        """Create, update, or find that it is so already. EndpointBusy while it is in the middle of something."""
        name = self.name(spec.name)
        found = self._describe(name)
        config = self._config(name, spec)
        if found is None:
            self._create(name, config)
            return
        status, current = str(found["EndpointStatus"]), found.get("EndpointConfigName")
        pending = found.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        if status in UPDATING or status in {"Creating", "Deleting"}:
            if status != "Deleting" and config == (pending or current):
                return
            raise EndpointBusy(f"endpoint {name} is {status}: wish again once it has come to rest")
        if status == "Failed":
            self._begin_again(name, found, is_same=current == config)
        elif current == config:
            self._note(found, config)
        elif self._wished(found) != config:
            self._update(name, config, found)

    def _create(self, name: str, config: str) -> None:
        try:
            self.clients.sagemaker.create_endpoint(
                EndpointName=name, EndpointConfigName=config, Tags=tags_of({}, **{WISH_TAG: config})
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_absent(error):
                # The configuration was made a moment ago, and reads lag behind writes.
                raise PlatformUnavailable(f"the configuration {config} is not to be seen yet") from error
            if not (isinstance(error, ClientError) and is_taken(error)):
                raise self._unless_there(name, error) from error

    def _unless_there(self, name: str, error: ClientError | BotoCoreError) -> Exception:
        if is_ambiguous(error) and self._describe(name) is not None:
            return EndpointBusy(f"endpoint {name} is being created")
        return translated(error)

    def _update(self, name: str, config: str, found: dict[str, Any]) -> None:
        """Blue/green: the former machines answer until the new ones do, and come back when an alarm says so."""
        options = self.options
        routing: dict[str, Any] = {
            "Type": "ALL_AT_ONCE",
            "WaitIntervalInSeconds": options.canary_seconds,
        }
        if options.endpoint_instances > 1:
            size = {"Type": "CAPACITY_PERCENT", "Value": options.canary_percent}
            routing |= {"Type": "CANARY", "CanarySize": size}
        deployment = {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": 0,
                "MaximumExecutionTimeoutInSeconds": START_SECONDS + 2 * options.canary_seconds + 600,
            },
            "AutoRollbackConfiguration": {
                "Alarms": [{"AlarmName": alarm} for alarm in self.alarms.ensure(name, VARIANT)]
            },
        }
        try:
            self.clients.sagemaker.update_endpoint(
                EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_busy(error):
                raise EndpointBusy(str(error)) from error
            raise translated(error) from error
        self._note(found, config)

    def _begin_again(self, name: str, found: dict[str, Any], is_same: bool) -> None:
        """A failed endpoint can only be deleted. The same wish would fail again, but for want of a machine."""
        if not is_same or "capacity" in str(found.get("FailureReason", "")).lower():
            self.delete(name, in_account=True)
            raise EndpointBusy(f"the failed endpoint {name} is being deleted: wish again")

    def _config(self, name: str, spec: EndpointSpec) -> str:
        options = self.options
        variant: dict[str, Any] = {
            "VariantName": VARIANT,
            "ModelName": self.models.ensure(spec.artifact_uri, spec.environment),
            "InstanceType": options.endpoint_instance,
            "InitialInstanceCount": options.endpoint_instances,
            "InitialVariantWeight": 1.0,
            "ModelDataDownloadTimeoutInSeconds": START_SECONDS,
            "ContainerStartupHealthCheckTimeoutInSeconds": START_SECONDS,
        }
        request: dict[str, Any] = {"ProductionVariants": [variant]}
        if options.kms_key:
            request["KmsKeyId"] = options.kms_key
        config = f"{name[:50].rstrip('-')}-{digest_of([name, request])}"
        if config not in self._models_of:
            create(
                self.clients.sagemaker.create_endpoint_config,
                EndpointConfigName=config,
                Tags=tags_of({"endpoint": name}),
                **request,
            )
            self._models_of[config] = variant["ModelName"]
        return config

    def observe(self, name: str) -> EndpointObservation:
        found = self._describe(self.name(name))
        if found is None:
            return EndpointObservation("absent")
        status, reason = str(found["EndpointStatus"]), str(found.get("FailureReason", ""))[:1024]
        if status == "UpdateRollbackFailed":
            return EndpointObservation("failed", None, f"old and new answer side by side: {reason}")
        state: EndpointState = STATES.get(status, "in_service")
        artifact = self._artifact(str(found.get("EndpointConfigName", "")))
        if status in UPDATING:
            reason = "updating"
        elif status == "InService":
            is_wished = self._wished(found) in {None, found.get("EndpointConfigName")}
            why = reason or "the update did not pass its checks"
            reason = "" if is_wished else f"rolled back: {why}"
        return EndpointObservation(state, artifact if state == "in_service" else None, reason)

    def delete(self, name: str, in_account: bool = False) -> None:
        full = name if in_account else self.name(name)
        try:
            self.clients.sagemaker.delete_endpoint(EndpointName=full)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_absent(error):
                return
            if isinstance(error, ClientError) and is_busy(error):
                raise EndpointBusy(str(error)) from error
            raise translated(error) from error
        self.alarms.forget(full)

    def invoke(self, name: str, records: list[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
        if not records:
            return []
        body = body_of(records)
        try:
            answer = self.clients.runtime(timeout_s).invoke_endpoint(
                EndpointName=self.name(name),
                Body=body,
                ContentType="application/jsonlines",
                Accept="application/jsonlines",
                InferenceId=hashlib.sha256(body).hexdigest()[:32],
            )
            content = answer["Body"].read()
        except ReadTimeoutError as error:
            raise EndpointUnavailable(f"endpoint {name} did not answer within {timeout_s:g} s") from error
        except ClientError as error:
            return _refusal(error, len(records), name)
        except (BotoCoreError, OSError) as error:
            raise EndpointUnavailable(f"endpoint {name} does not answer: {error}") from error
        return answers_of(200, content, len(records), name)

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.clients.sagemaker.describe_endpoint(EndpointName=name)
            return found
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_absent(error):
                return None
            raise translated(error) from error

    def _artifact(self, config: str) -> str | None:
        if config and config not in self._models_of:
            with told_plainly():
                told = self.clients.sagemaker.describe_endpoint_config(EndpointConfigName=config)
            self._models_of[config] = str(told["ProductionVariants"][0]["ModelName"])
        return self.models.artifact_of(self._models_of[config]) if config else None

    def _wished(self, found: dict[str, Any]) -> str | None:
        with told_plainly():
            tags = self.clients.sagemaker.list_tags(ResourceArn=found["EndpointArn"])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}.get(WISH_TAG)

    def _note(self, found: dict[str, Any], config: str) -> None:
        """Written after the update was taken: a death between the two costs one more try, never a lost wish."""
        if self._wished(found) != config:
            with told_plainly():
                self.clients.sagemaker.add_tags(
                    ResourceArn=found["EndpointArn"], Tags=[{"Key": WISH_TAG, "Value": config}]
                )


def _refusal(error: ClientError, expected: int, name: str) -> list[dict[str, Any]]:
    """Raise what an error of InvokeEndpoint means; the container's own status comes back inside ModelError."""
    code = code_of(error)
    if code == "ModelError":
        status = int(error.response.get("OriginalStatusCode", 500))
        text = str(error.response.get("OriginalMessage", ""))
        return answers_of(status if status != 200 else 500, text.encode(), expected, name)
    if code in THROTTLES:
        raise Throttled(f"endpoint {name}: {error}") from error
    if is_absent(error) or status_of(error) >= 500 or code == "ModelNotReadyException":
        raise EndpointUnavailable(f"endpoint {name}: {error}") from error
    if code in {"ValidationError", "ValidationException"}:
        raise InvalidSpec(f"endpoint {name}: {error}") from error
    raise translated(error) from error
