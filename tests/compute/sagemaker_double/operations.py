"""The control plane's operations: the account's state, and what each request does to it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from typing import Any

from tests.compute.sagemaker_double.endpoints import Endpoint
from tests.compute.sagemaker_double.training import TrainingJob, check_training, in_use
from tests.compute.sagemaker_double.transform import TransformJob, check_transform
from tests.compute.sagemaker_double.wire import ApiError, check, invalid

REGION = "eu-west-3"
ACCOUNT = "123456789012"
UNDERSTOOD: dict[str, set[str]] = {
    "CreateTrainingJob": {
        "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "Tags",
        "OutputDataConfig", "ResourceConfig", "VpcConfig", "StoppingCondition", "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig", "Environment",
    },
    "DescribeTrainingJob": {"TrainingJobName"}, "StopTrainingJob": {"TrainingJobName"},
    "CreateTransformJob": {
        "TransformJobName", "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB",
        "BatchStrategy", "Environment", "TransformInput", "TransformOutput", "TransformResources", "Tags",
    },
    "DescribeTransformJob": {"TransformJobName"}, "StopTransformJob": {"TransformJobName"},
    "CreateModel": {
        "ModelName", "PrimaryContainer", "ExecutionRoleArn", "Tags", "VpcConfig", "EnableNetworkIsolation",
    },
    "DescribeModel": {"ModelName"},
    "CreateEndpointConfig": {"EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId"},
    "DescribeEndpointConfig": {"EndpointConfigName"},
    "CreateEndpoint": {"EndpointName", "EndpointConfigName", "Tags"},
    "UpdateEndpoint": {"EndpointName", "EndpointConfigName", "DeploymentConfig"},
    "DescribeEndpoint": {"EndpointName"}, "DeleteEndpoint": {"EndpointName"},
    "ListTags": {"ResourceArn"}, "AddTags": {"ResourceArn", "Tags"},
}  # fmt: skip
REGISTRY = {
    "CreateModelPackageGroup", "CreateModelPackage", "DescribeModelPackage", "UpdateModelPackage", "ListModelPackages",
}  # fmt: skip


class Operations:
    """What the account holds; every operation holds its lock."""

    moto_url: str

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.trainings: dict[str, TrainingJob] = {}
        self.transforms: dict[str, TransformJob] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._tokens: dict[str, bytes] = {}

    def take(self, kind: str, operation: str, name: str = "") -> str:
        raise NotImplementedError

    def model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise invalid(f"Could not find model {self.arn('model', name)!r}.")
        return self.models[name]

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower()}"

    # Operations

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        check(operation, asked, UNDERSTOOD.get(operation, set()))
        with self.lock:
            self.calls.append((operation, asked))
            method = getattr(self, f"do_{operation}")
            told: dict[str, Any] = method(asked)
            return told

    def _tagged(self, arn: str, asked: dict[str, Any]) -> None:
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", [])}

    def do_CreateTrainingJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        check_training(asked)
        name = asked["TrainingJobName"]
        arn = self.arn("training-job", name)
        if name in self.trainings:
            raise in_use(name, arn)
        job = self.trainings[name] = TrainingJob(self, asked, arn)
        self._tagged(arn, asked)
        job.start()
        return {"TrainingJobArn": arn}

    def do_DescribeTrainingJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._training(asked).describe()

    def do_StopTrainingJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        job = self._training(asked)
        if job.status != "InProgress":
            raise invalid(f"The request was rejected because the training job is in status {job.status}.")
        job.stop_asked.set()
        job.status, job.secondary = "Stopping", "Stopping"
        return {}

    def _training(self, asked: dict[str, Any]) -> TrainingJob:
        if asked["TrainingJobName"] not in self.trainings:
            raise invalid("Requested resource not found.")
        return self.trainings[asked["TrainingJobName"]]

    def do_CreateTransformJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        check_transform(asked)
        self.model(asked["ModelName"])
        name = asked["TransformJobName"]
        arn = self.arn("transform-job", name)
        if name in self.transforms:
            raise in_use(name, arn)
        job = self.transforms[name] = TransformJob(self, asked, arn)
        self._tagged(arn, asked)
        job.start()
        return {"TransformJobArn": arn}

    def do_DescribeTransformJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._transform(asked).describe()

    def do_StopTransformJob(self, asked: dict[str, Any]) -> dict[str, Any]:
        job = self._transform(asked)
        if job.status != "InProgress":
            raise invalid(f"The request was rejected because the transform job is in status {job.status}.")
        job.stop_asked.set()
        job.status = "Stopping"
        return {}

    def _transform(self, asked: dict[str, Any]) -> TransformJob:
        if asked["TransformJobName"] not in self.transforms:
            raise invalid(f"Could not find requested job with name: {asked['TransformJobName']}")
        return self.transforms[asked["TransformJobName"]]

    def do_CreateModel(self, asked: dict[str, Any]) -> dict[str, Any]:
        arn = self.arn("model", asked["ModelName"])
        if asked["ModelName"] in self.models:
            raise invalid(f"Cannot create already existing model {arn!r}.")
        self.models[asked["ModelName"]] = asked
        return {"ModelArn": arn}

    def do_DescribeModel(self, asked: dict[str, Any]) -> dict[str, Any]:
        model = self.model(asked["ModelName"])
        kept = {name: value for name, value in model.items() if name != "Tags"}
        return kept | {"ModelArn": self.arn("model", asked["ModelName"]), "CreationTime": 0.0}

    def do_CreateEndpointConfig(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["EndpointConfigName"]
        arn = self.arn("endpoint-config", name)
        if name in self.configs:
            raise invalid(f"Cannot create already existing endpoint configuration {arn!r}.")
        for variant in asked["ProductionVariants"]:
            self.model(variant["ModelName"])
        self.configs[name] = asked
        return {"EndpointConfigArn": arn}

    def do_DescribeEndpointConfig(self, asked: dict[str, Any]) -> dict[str, Any]:
        config = self._config(asked)
        kept = {name: value for name, value in config.items() if name != "Tags"}
        name = asked["EndpointConfigName"]
        return kept | {"EndpointConfigArn": self.arn("endpoint-config", name), "CreationTime": 0.0}

    def _config(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["EndpointConfigName"]
        if name not in self.configs or self.take("lag", "EndpointConfig", name):
            raise invalid(f"Could not find endpoint configuration {self.arn('endpoint-config', name)!r}.")
        return self.configs[name]

    def do_CreateEndpoint(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._config(asked)
        name = asked["EndpointName"]
        arn = self.arn("endpoint", name)
        if name in self.endpoints:
            raise invalid(f"Cannot create already existing endpoint {arn!r}.")
        self.endpoints[name] = Endpoint(self, name, arn, asked["EndpointConfigName"])
        self._tagged(arn, asked)
        return {"EndpointArn": arn}

    def do_UpdateEndpoint(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._config(asked)
        endpoint = self._endpoint(asked)
        endpoint.update(asked["EndpointConfigName"], asked["DeploymentConfig"])
        return {"EndpointArn": endpoint.arn}

    def do_DescribeEndpoint(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._endpoint(asked).describe()

    def do_DeleteEndpoint(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._endpoint(asked).delete()
        return {}

    def _endpoint(self, asked: dict[str, Any]) -> Endpoint:
        name = asked["EndpointName"]
        if name not in self.endpoints:
            raise invalid(f"Could not find endpoint {self.arn('endpoint', name)!r}.")
        return self.endpoints[name]

    def do_ListTags(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.tags.get(asked["ResourceArn"], {}).items()]}

    def do_AddTags(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.tags.setdefault(asked["ResourceArn"], {}).update({t["Key"]: t["Value"] for t in asked["Tags"]})
        return {"Tags": asked["Tags"]}

    def ask_moto(self, operation: str, body: bytes, headers: dict[str, str]) -> bytes:
        """The registry's answer; a client token seen before gives the answer of then."""
        asked = json.loads(body)
        check(operation, asked, set(asked))
        with self.lock:
            self.calls.append((operation, asked))
            token = str(asked.get("ClientToken", ""))
            if token in self._tokens:
                return self._tokens[token]
            kept = {
                n: v for n, v in headers.items() if n in {"x-amz-target", "content-type", "authorization"}
            }
            request = urllib.request.Request(self.moto_url, body, kept)  # noqa: S310
            try:
                with urllib.request.urlopen(request) as response:  # noqa: S310
                    answer: bytes = response.read()
            except urllib.error.HTTPError as error:
                told = json.loads(error.read())
                raise ApiError(
                    str(told.get("__type", "ValidationException")), str(told.get("message", ""))
                ) from error
            if token:
                self._tokens[token] = answer
            return answer
