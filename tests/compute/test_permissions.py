"""The policies that are shipped: all that the code calls, and nothing that it does not."""

from __future__ import annotations

import ast
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from compute.sagemaker import Options, permissions
from tests.compute.cloud import ROLE, CloudHouse
from tests.compute.sagemaker_double.identity import allows
from tests.compute.sagemaker_double.watchman import DOCUMENTS, S3_ACTIONS, SERVICES, document

SOURCES = Path(permissions.__file__).parent
CLIENTS = (
    "sagemaker", "sagemaker-runtime", "s3", "logs", "cloudwatch", "iam", "sts", "ecr", "kms", "ec2", "service-quotas",
)  # fmt: skip
BY_OTHERS = {
    "iam:PassRole": "asked of whoever names a role",
    "kms:Decrypt": "asked when S3 reads an object for us", "kms:GenerateDataKey": "asked when S3 writes one",
    "kms:CreateGrant": "asked when a machine's volume is encrypted",
    "s3:AbortMultipartUpload": "called by boto3's transfer when an upload breaks",
}  # fmt: skip
NAMESAKES = {"sagemaker:Search": "a regular expression's", "ec2:DescribeImages": "ECR's"}
BY_TRANSFER = {"s3:PutObject", "s3:GetObject"}  # upload_fileobj and download_file


@lru_cache
def called() -> set[str]:
    """IAM's names of every operation that a source of compute/sagemaker names, as a method or within a string."""
    methods: dict[str, set[str]] = {}
    for service in CLIENTS:
        client = boto3.client(
            service, region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x"
        )
        for method, operation in client.meta.method_to_api_mapping.items():
            action = S3_ACTIONS.get(operation, operation) if service == "s3" else operation
            methods.setdefault(method, set()).add(f"{SERVICES.get(service, service)}:{action}")
    found: set[str] = set()
    for source in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            for name in named_by(node):
                found |= methods.get(name, set())
    return found - {"sts:GetCallerIdentity"} - set(NAMESAKES)


def named_by(node: ast.AST) -> set[str]:
    """Names a node may call: an attribute, a word (for paginators), an f-string with the kinds of jobs in it."""
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value, f"get_{node.value}"}
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else None for one in node.values]
        return {
            "".join(kind if part is None else str(part) for part in parts)
            for kind in ("training", "transform")
        }
    return set()


def granted(*kinds: str) -> set[str]:
    return {action for kind in kinds for one in document(kind)["Statement"] for action in one["Action"]}


def test_every_call_of_the_code_is_in_a_policy() -> None:
    assert called() - granted("platform", "check") == set()
    assert called() >= {
        "sagemaker:StopTransformJob",
        "sagemaker:UpdateEndpoint",
        "servicequotas:ListServiceQuotas",
    }


def test_no_policy_allows_what_no_code_calls() -> None:
    assert granted("platform", "check") - called() - BY_TRANSFER == set(BY_OTHERS)


def test_what_only_the_check_calls_is_not_the_platforms() -> None:
    assert {
        action for action in granted("platform") if action.startswith(("ec2:", "ecr:", "servicequotas:"))
    } == set()
    writing = ("Create", "Put", "Delete", "Update", "Stop", "Add", "Pass")
    assert not [action for action in granted("check") if action.split(":")[1].startswith(writing)]


@pytest.mark.parametrize("kind", ["platform", "jobs", "check"])
def test_the_documents_are_those_that_the_command_fills_in(kind: str) -> None:
    assert document(kind) == permissions.policy(permissions.POLICIES[kind], {})


def test_the_trust_is_for_sagemaker_of_this_account_only() -> None:
    shipped = json.loads((DOCUMENTS / "trust-policy.json").read_text())
    assert shipped == permissions.trust({})
    assert shipped["Statement"][0]["Condition"] == {"StringEquals": {"aws:SourceAccount": "${AccountId}"}}


@pytest.mark.parametrize("kind", ["platform", "jobs", "check"])
def test_nothing_is_allowed_on_everything_but_what_has_no_resource(kind: str) -> None:
    wide = {
        action for one in document(kind)["Statement"] if "*" in one["Resource"] for action in one["Action"]
    }
    assert all(action.startswith("ec2:") or action in ALLOWED_ON_ALL for action in wide), wide


ALLOWED_ON_ALL = {
    "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData", "cloudwatch:DescribeAlarms",
    "servicequotas:ListServiceQuotas",
}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sagemaker:StopTrainingJob", "arn:aws:sagemaker:eu-west-3:123456789012:training-job/of-others-1"),
        ("sagemaker:DeleteEndpoint", "arn:aws:sagemaker:eu-west-3:123456789012:endpoint/of-others"),
        ("s3:GetObject", "arn:aws:s3:::bucket/elsewhere/secret"),
        ("logs:GetLogEvents", "arn:aws:logs:eu-west-3:123456789012:log-group:/aws/lambda/x:log-stream:aig-1"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/admin"),
    ],
)
def test_what_belongs_to_others_in_the_account_is_out_of_reach(action: str, resource: str) -> None:
    options = Options(ROLE, "image", "s3://bucket/aig", name_prefix="aig")
    names = permissions.names_of(options, "eu-west-3", "123456789012")
    mine = permissions.policy(permissions.PLATFORM, names)
    context = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    assert not allows(mine, action, resource, context)
    for theirs, ours in (("of-others", "aig"), ("elsewhere", "aig"), ("lambda/x", "sagemaker/TrainingJobs")):
        resource = resource.replace(theirs, ours)
    resource = resource.replace("/aig", "/aig-") if ":endpoint/" in resource else resource
    assert allows(mine, action, resource.replace("role/admin", "role/aiguilleur-jobs"), context)


def test_the_role_may_be_passed_to_sagemaker_only() -> None:
    mine = document("platform", JobRoleArn=ROLE)
    assert allows(mine, "iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    assert not allows(mine, "iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"})


def test_grants_of_a_key_and_a_network_are_there_only_with_a_key_and_a_network() -> None:
    def sids(**chosen: Any) -> set[str]:
        options = Options(ROLE, "image", "s3://bucket/aig", **chosen)
        names = permissions.names_of(options, "eu-west-3", "123456789012")
        return {one["Sid"] for one in permissions.policy(permissions.JOBS, names)["Statement"]}

    assert not {"Key", "KeyOfVolumes", "PrivateNetwork"} & sids()
    everything = sids(kms_key="1234", subnets=("subnet-1",), security_groups=("sg-1",))
    assert {"Key", "KeyOfVolumes", "PrivateNetwork"} <= everything


def test_the_watchman_stops_a_call_that_no_policy_allows(cloud_house: CloudHouse) -> None:
    """The suite's other tests run under it: this one shows that it bites."""
    cloud_house.choose(name_prefix="other")
    with pytest.raises(AssertionError, match="allows sagemaker:DescribeTransformJob"):
        cloud_house.train()
