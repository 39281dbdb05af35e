"""Holds every call of the code under test against the policy documents that are shipped.

A call that they would not allow fails the test that made it, wherever it is made: a client's own hook, before the
request is sent. The documents are read from their files; nothing is shared with the code that makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.compute.sagemaker_double.identity import Context, allows
from tests.compute.sagemaker_double.operations import ACCOUNT, REGION

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs" / "aws"
S3_ACTIONS = {
    "HeadObject": "GetObject", "GetObject": "GetObject", "PutObject": "PutObject", "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload", "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket",
    "GetBucketEncryption": "GetEncryptionConfiguration", "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "GetBucketPolicy": "GetBucketPolicy", "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
}  # fmt: skip
SERVICES = {"service-quotas": "servicequotas", "sagemaker-runtime": "sagemaker"}
OF_ALL = {
    "DescribeAlarms", "DescribeSubnets", "DescribeSecurityGroups", "DescribeVpcEndpoints", "ListServiceQuotas",
}  # fmt: skip
KINDS = {
    "TrainingJobName": "training-job", "TransformJobName": "transform-job", "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config", "ModelName": "model", "ModelPackageGroupName": "model-package-group",
}  # fmt: skip
Asked = tuple[str, str, Context]


def document(kind: str, **names: str) -> dict[str, Any]:
    """A shipped document with names filled in."""
    text = (DOCUMENTS / f"{kind}-policy.json").read_text()
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    filled: dict[str, Any] = json.loads(text)
    return filled


class Watchman:
    """`calls`: every operation called, as `service:Operation`."""

    def __init__(self, **names: str) -> None:
        self.documents = [document(kind, **names) for kind in ("platform", "check")]
        self.calls: list[str] = []

    def watch(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.*.*", self._before, "watchman")

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls.append(f"{service}:{model.name}")
        for action, resource, context in asked(service, model.name, params):
            allowed = any(allows(one, action, resource, context) for one in self.documents)
            assert allowed, f"no policy of docs/aws allows {action} on {resource}"


def asked(service: str, operation: str, params: dict[str, Any]) -> Iterator[Asked]:
    """What IAM would be asked: action, resource, context."""
    name = f"{SERVICES.get(service, service)}:{operation}"
    if service == "sts":
        return  # whoever has credentials may ask who they are
    if service == "s3":
        action, bucket = S3_ACTIONS[operation], f"arn:aws:s3:::{params['Bucket']}"
        keys = [one["Key"] for one in params.get("Delete", {}).get("Objects", [])] or [params.get("Key")]
        for key in keys:
            yield f"s3:{action}", f"{bucket}/{key}" if key else bucket, {}
        return
    if service == "sagemaker" and operation == "ListTags":
        yield name, params["ResourceArn"], {}
        return
    for resource in resources(service, operation, params):
        yield name, resource, {}
    if service == "sagemaker" and "Tags" in params and operation != "AddTags":
        kind = next(key for key in KINDS if operation.removeprefix("Create") == key.removesuffix("Name"))
        yield "sagemaker:AddTags", _of_sagemaker(KINDS[kind], params[kind]), {}
    for role in (params.get("RoleArn"), params.get("ExecutionRoleArn")):
        if role:
            yield "iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"}


def resources(service: str, operation: str, params: dict[str, Any]) -> list[str]:
    here = f"arn:aws:{service}:{REGION}:{ACCOUNT}"
    if service == "ec2" or operation in OF_ALL:
        return ["*"]
    if service == "iam":
        return [params.get("PolicySourceArn") or f"arn:aws:iam::{ACCOUNT}:role/{params['RoleName']}"]
    if service == "ecr":
        return [f"{here}:repository/{params['repositoryName']}"]
    if service == "kms":
        return [params["KeyId"]]
    if service == "logs":
        stream = f"log-stream:{params['logStreamName']}" if "logStreamName" in params else ""
        return [f"{here}:log-group:{params['logGroupName']}:{stream}"]
    if service == "cloudwatch":
        return [f"{here}:alarm:{name}" for name in params.get("AlarmNames", [params.get("AlarmName")])]
    if operation == "AddTags":
        return [params["ResourceArn"]]
    if operation in {"DescribeModelPackage", "UpdateModelPackage"}:
        return [str(params.get("ModelPackageArn") or params["ModelPackageName"])]
    if operation == "CreateModelPackage":
        group = params["ModelPackageGroupName"]
        return [_of_sagemaker("model-package-group", group), _of_sagemaker("model-package", f"{group}/1")]
    made = operation.removeprefix("Create").removeprefix("Describe")
    own = [key for key in KINDS if key in params and made == key.removesuffix("Name")]
    if operation in {"CreateEndpoint", "UpdateEndpoint"}:
        own = ["EndpointName", "EndpointConfigName"]
    return [_of_sagemaker(KINDS[key], params[key]) for key in own or [key for key in KINDS if key in params]]


def _of_sagemaker(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower()}"
