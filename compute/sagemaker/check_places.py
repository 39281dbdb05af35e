"""Image, key, network and quotas, looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from compute.check import Finding
from compute.sagemaker.clients import Clients, code_of, told_plainly
from compute.sagemaker.options import Options

ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
ENDPOINTS_AT_ONCE = 3
"""Machines of an endpoint that count at once: an update's old and new ones, and the observer's."""


def image_findings(clients: Clients, options: Options, region: str) -> Iterator[Finding]:
    for name, image in (
        ("SAGEMAKER_IMAGE", options.image),
        ("SAGEMAKER_TRAINING_IMAGE", options.training_image),
    ):
        if image:
            yield from _image(clients, name, image, region)


def _image(clients: Clients, name: str, image: str, region: str) -> Iterator[Finding]:
    found = ECR.fullmatch(image)
    if found is None:
        todo = "push it to ECR: <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:…"
        yield Finding("missing", f"{name}={image} is no image of ECR, which SageMaker needs", todo)
        return
    if found["region"] != region:
        yield Finding(
            "missing", f"{name} is in {found['region']}, jobs in {region}", "push it to this region"
        )
        return
    identity = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    try:
        clients.to_look("ecr").describe_images(
            registryId=found["account"], repositoryName=found["repository"], imageIds=[identity]
        )
    except ClientError as error:
        if code_of(error) not in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            with told_plainly():
                raise
        todo = "build and push it: docs/sagemaker.md, “The image”"
        yield Finding("missing", f"{name}: nothing in ECR under {image}", todo)
        return
    yield Finding("ok", f"{name} is in ECR")
    if not found["digest"]:
        todo = "name it by its digest, @sha256:…, so that what was tested is what runs"
        yield Finding("advice", f"{name} names a tag, which can be moved", todo)


def key_findings(clients: Clients, options: Options) -> Iterator[Finding]:
    if not options.kms_key:
        return
    try:
        told = clients.to_look("kms").describe_key(KeyId=options.kms_key)["KeyMetadata"]
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            with told_plainly():
                raise
        yield Finding("missing", f"there is no key {options.kms_key}", "make it, or unset SAGEMAKER_KMS_KEY")
        return
    if told.get("KeyState", "Enabled") != "Enabled":
        yield Finding("missing", f"the key {options.kms_key} is {told['KeyState']}", "enable it in KMS")
    elif told.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
        yield Finding("missing", f"the key {options.kms_key} cannot encrypt", "use a symmetric key")
    else:
        yield Finding("ok", f"the key {options.kms_key} is enabled")


def network_findings(clients: Clients, options: Options, region: str) -> Iterator[Finding]:
    """The private network, where one is chosen. In it, S3 is reached by a gateway only."""
    if not options.subnets:
        return
    ec2 = clients.to_look("ec2")
    networks: set[str] = set()
    for name, call, key, ids in (
        ("SAGEMAKER_SUBNETS", ec2.describe_subnets, "SubnetIds", options.subnets),
        ("SAGEMAKER_SECURITY_GROUPS", ec2.describe_security_groups, "GroupIds", options.security_groups),
    ):
        try:
            told = call(**{key: list(ids)})
        except ClientError as error:
            if not code_of(error).endswith(".NotFound"):
                with told_plainly():
                    raise
            yield Finding("missing", f"{name}: {error}", "name those of this region and account")
            return
        found: list[dict[str, Any]] = told.get("Subnets") or told.get("SecurityGroups") or []
        networks |= {str(one["VpcId"]) for one in found}
    if len(networks) != 1:
        todo = "choose subnets and security groups of one VPC"
        yield Finding("missing", f"subnets and security groups belong to {len(networks)} networks", todo)
        return
    (network,) = networks
    service = f"com.amazonaws.{region}.s3"
    wanted = [{"Name": "vpc-id", "Values": [network]}, {"Name": "service-name", "Values": [service]}]
    with told_plainly():
        gateways = ec2.describe_vpc_endpoints(Filters=wanted).get("VpcEndpoints", [])
    if any(one.get("VpcId") == network and one.get("ServiceName") == service for one in gateways):
        yield Finding("ok", f"jobs reach S3 from {network}")
    else:
        todo = f"make a gateway endpoint for {service} in {network}, unless it has a NAT"
        yield Finding("advice", f"{network} has no endpoint for S3: jobs may find no data", todo)


def quota_findings(clients: Clients, options: Options) -> Iterator[Finding]:
    """Machines that the account may use at once: of many kinds, a new account has none."""
    training = "spot training job" if options.spot else "training job"
    needed = {
        f"{options.training_instance} for {training} usage": 1,
        f"{options.transform_instance} for transform job usage": options.transform_instances,
        f"{options.endpoint_instance} for endpoint usage": ENDPOINTS_AT_ONCE * options.endpoint_instances,
    }
    allowed: dict[str, float] = {}
    pages = clients.to_look("service-quotas").get_paginator("list_service_quotas")
    with told_plainly():
        for page in pages.paginate(ServiceCode="sagemaker"):
            allowed |= {
                one["QuotaName"]: one["Value"] for one in page["Quotas"] if one["QuotaName"] in needed
            }
    for name, count in needed.items():
        if name not in allowed:
            yield Finding(
                "unknown", f"no quota is told for “{name}”", "look it up in the console, Service Quotas"
            )
        elif allowed[name] < count:
            todo = "ask for more in the console: Service Quotas, Amazon SageMaker"
            yield Finding("missing", f"“{name}” is {allowed[name]:g}, {count} needed", todo)
        else:
            yield Finding("ok", f"“{name}” is {allowed[name]:g}")
