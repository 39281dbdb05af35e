"""What the platform, and the jobs it starts, must be allowed in the account: each call the code makes, and no more.

The documents of `docs/aws/` are these tables with names left open; `manage.py check_compute --policy` fills them in,
and the check asks IAM about each line. Sources of what no code calls: SageMaker's guide, "execution roles" (what a
job's role needs), "encryption at rest" (grants of a key), "deployment guardrails" (DescribeAlarms on the job's role).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

from compute.sagemaker.objects import parts_of
from compute.sagemaker.options import Options

SAGEMAKER = "arn:${Partition}:sagemaker:${Region}:${AccountId}"
BUCKET = "arn:${Partition}:s3:::${Bucket}"
LOG_GROUPS = "arn:${Partition}:logs:${Region}:${AccountId}:log-group:/aws/sagemaker"
FOR_SAGEMAKER = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
FOR_AWS_ITSELF = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@dataclass(frozen=True)
class Grant:
    """Actions allowed on resources of one kind; `${…}` in them are names of the account."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str]] | None = None


PLATFORM = (
    Grant(
        "Trainings",
        (
            "sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob",
            "sagemaker:AddTags", "sagemaker:ListTags",
        ),
        (f"{SAGEMAKER}:training-job/${{NamePrefix}}-*",),
    ),
    Grant(
        "Transforms",
        (
            "sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob",
            "sagemaker:AddTags", "sagemaker:ListTags",
        ),
        (f"{SAGEMAKER}:transform-job/${{NamePrefix}}-*",),
    ),
    Grant(
        "Models",
        ("sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:AddTags"),
        (f"{SAGEMAKER}:model/${{NamePrefix}}-*",),
    ),
    Grant(
        "EndpointConfigurations",
        (
            "sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpointConfig", "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint", "sagemaker:AddTags",
        ),
        (f"{SAGEMAKER}:endpoint-config/${{NamePrefix}}-*",),
    ),
    Grant(
        "Endpoints",
        (
            "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DescribeEndpoint",
            "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint", "sagemaker:AddTags", "sagemaker:ListTags",
        ),
        (f"{SAGEMAKER}:endpoint/${{NamePrefix}}-*",),
    ),
    Grant(
        "RegistryGroup",
        ("sagemaker:CreateModelPackageGroup", "sagemaker:CreateModelPackage"),
        (f"{SAGEMAKER}:model-package-group/${{PackageGroup}}",),
    ),
    Grant(
        "RegistryVersions",
        ("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"),
        (f"{SAGEMAKER}:model-package/${{PackageGroup}}/*",),
    ),
    Grant("JobsTakeOnTheirRole", ("iam:PassRole",), ("${JobRoleArn}",), FOR_SAGEMAKER),
    Grant(
        "Alarms",
        ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
        ("arn:${Partition}:cloudwatch:${Region}:${AccountId}:alarm:${NamePrefix}-*",),
    ),
    Grant(
        "LogStreams",
        ("logs:DescribeLogStreams",),
        (f"{LOG_GROUPS}/TrainingJobs:*", f"{LOG_GROUPS}/TransformJobs:*"),
    ),
    Grant(
        "LogLines",
        ("logs:GetLogEvents",),
        (
            f"{LOG_GROUPS}/TrainingJobs:log-stream:${{NamePrefix}}-*",
            f"{LOG_GROUPS}/TransformJobs:log-stream:${{NamePrefix}}-*",
        ),
    ),
    Grant(
        "Objects",
        ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        (f"{BUCKET}/${{Prefix}}/*",),
    ),
    # Without a condition on the prefix: only so does S3 say of an absent object that it is absent, not forbidden.
    Grant("ObjectsAbsent", ("s3:ListBucket",), (BUCKET,)),
    Grant("Key", ("kms:Decrypt", "kms:GenerateDataKey"), ("${KmsKeyArn}",)),
    Grant("KeyOfVolumes", ("kms:CreateGrant",), ("${KmsKeyArn}",), FOR_AWS_ITSELF),
)  # fmt: skip
"""Of whoever runs the workers and the web."""

JOBS = (
    Grant("Objects", ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"), (f"{BUCKET}/${{Prefix}}/*",)),
    Grant("ObjectsListed", ("s3:ListBucket",), (BUCKET,)),
    Grant("ImageToken", ("ecr:GetAuthorizationToken",), ("*",)),
    Grant(
        "Image",
        ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        ("arn:${Partition}:ecr:${Region}:${AccountId}:repository/${Repository}",),
    ),
    Grant(
        "Logs",
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        (f"{LOG_GROUPS}/*",),
    ),
    Grant(
        "Metrics", ("cloudwatch:PutMetricData",), ("*",), {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}
    ),
    Grant(
        "AlarmsThatUndoAnUpdate",
        ("cloudwatch:DescribeAlarms",),
        ("arn:${Partition}:cloudwatch:${Region}:${AccountId}:alarm:*",),
    ),
    Grant(
        "Key",
        ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
        ("${KmsKeyArn}",),
    ),
    Grant("KeyOfVolumes", ("kms:CreateGrant",), ("${KmsKeyArn}",), FOR_AWS_ITSELF),
    Grant(
        "PrivateNetwork",
        (
            "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
        ),
        ("*",),
    ),
)  # fmt: skip
"""Of the role that trainings, transforms and endpoints take on."""

CHECK = (
    Grant("Roles", ("iam:GetRole", "iam:SimulatePrincipalPolicy"), ("${JobRoleArn}", "${PlatformPrincipalArn}")),
    Grant(
        "Bucket",
        (
            "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
        ),
        (BUCKET,),
    ),
    Grant(
        "Image", ("ecr:DescribeImages",), ("arn:${Partition}:ecr:${Region}:${AccountId}:repository/${Repository}",)
    ),
    Grant("Key", ("kms:DescribeKey",), ("${KmsKeyArn}",)),
    Grant(
        "Lists",
        (
            "cloudwatch:DescribeAlarms", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints", "servicequotas:ListServiceQuotas",
        ),
        ("*",),
    ),
)  # fmt: skip
"""Of whoever runs the check: reading only. What is not allowed is reported as not looked at."""

POLICIES = {"platform": PLATFORM, "jobs": JOBS, "check": CHECK}


def policy(grants: tuple[Grant, ...], names: Mapping[str, str]) -> dict[str, Any]:
    """The policy document; grants that need a name the installation has not (a key, a network) are left out."""
    kept = [grant for grant in grants if not any(names.get(name) == "" for name in names_in(grant))]
    return {"Version": "2012-10-17", "Statement": [statement(grant, names) for grant in kept]}


def names_in(grant: Grant) -> set[str]:
    """The names of the account that a grant needs; the private network counts as one."""
    found = set()
    for resource in grant.resources:
        found |= set(Template(resource).get_identifiers())
    return found | ({"Subnets"} if grant.sid == "PrivateNetwork" else set())


def statement(grant: Grant, names: Mapping[str, str]) -> dict[str, Any]:
    filled = [Template(resource).safe_substitute(names) for resource in grant.resources]
    told: dict[str, Any] = {
        "Sid": grant.sid, "Effect": "Allow", "Action": list(grant.actions), "Resource": list(dict.fromkeys(filled)),
    }  # fmt: skip
    return told | ({"Condition": grant.condition} if grant.condition else {})


def trust(names: Mapping[str, str]) -> dict[str, Any]:
    """Who may take on the jobs' role: SageMaker, for this account only."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": Template("${AccountId}").safe_substitute(names)}},
    }
    return {"Version": "2012-10-17", "Statement": [allowed]}


def names_of(options: Options, region: str, account: str, principal: str = "") -> dict[str, str]:
    """The names of an installation; empty for what it does not use."""
    bucket, prefix = parts_of(options.artifacts_uri)
    path = options.image.split("@")[0].split("/", 1)[-1]
    partition, key = options.role_arn.split(":")[1], options.kms_key
    if key and "alias/" in key:
        key = "${KmsKeyArn}"  # a policy must name the key itself
    elif key and not key.startswith("arn:"):
        key = f"arn:{partition}:kms:{region}:{account}:key/{key}"
    return {
        "Partition": partition,
        "AccountId": account,
        "Region": region,
        "Bucket": bucket,
        "Prefix": prefix,
        "NamePrefix": options.name_prefix,
        "PackageGroup": (options.model_package_group or f"{options.name_prefix}-models").lower(),
        "JobRoleArn": options.role_arn,
        "PlatformPrincipalArn": principal or options.role_arn,
        "KmsKeyArn": key,
        "Repository": path.split(":")[0],
        "Subnets": ",".join(options.subnets),
    }


def as_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
