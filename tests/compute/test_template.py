"""The CloudFormation template: its policies are the shipped documents, and what it makes is what the check wants.

Its form is checked by `cfn-lint` where that is installed (docs/sagemaker.md); here what a linter cannot know.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest
import yaml

from compute.sagemaker import Options
from compute.sagemaker.check import trusts_sagemaker
from tests.compute.sagemaker_double.watchman import DOCUMENTS, document

SETTING = re.compile(r"`([A-Z_]+)`")
SAME = {
    "AWS::Partition": "Partition", "AWS::AccountId": "AccountId", "AWS::Region": "Region", "JobRole.Arn": "JobRoleArn",
    "Key.Arn": "KmsKeyArn", "PlatformRole.Arn": "PlatformPrincipalArn",
}  # fmt: skip


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, read as the documents spell the same names."""


def _named(text: str) -> str:
    for ours, theirs in SAME.items():
        text = text.replace(f"${{{ours}}}", f"${{{theirs}}}")
    return text.replace("${NamePrefix}-models", "${PackageGroup}")


Loader.add_constructor("!Sub", lambda loader, node: _named(loader.construct_scalar(node)))
Loader.add_constructor("!Ref", lambda loader, node: _named(f"${{{loader.construct_scalar(node)}}}"))
Loader.add_constructor("!GetAtt", lambda loader, node: _named(f"${{{loader.construct_scalar(node)}}}"))
Loader.add_constructor("!Equals", lambda loader, node: loader.construct_sequence(node))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    told: dict[str, Any] = yaml.load((DOCUMENTS / "template.yaml").read_text(), Loader)  # noqa: S506 - safe, extended
    return told


def made(template: dict[str, Any], name: str) -> Any:
    return template["Resources"][name]["Properties"]


@pytest.mark.parametrize(
    ("kind", "resources"),
    [
        ("platform", ["PlatformPolicy"]),
        ("jobs", ["JobPolicy", "PrivateNetworkPolicy"]),
        ("check", ["CheckPolicy"]),
    ],
)
def test_its_policies_are_the_shipped_documents(
    kind: str, resources: list[str], template: dict[str, Any]
) -> None:
    statements = [one for name in resources for one in made(template, name)["PolicyDocument"]["Statement"]]
    assert statements == document(kind)["Statement"]


def test_its_jobs_role_trusts_sagemaker_for_this_account_only(template: dict[str, Any]) -> None:
    trust = made(template, "JobRole")["AssumeRolePolicyDocument"]
    assert trust == json.loads((DOCUMENTS / "trust-policy.json").read_text()) and trusts_sagemaker(trust)
    assert not trusts_sagemaker(made(template, "PlatformRole")["AssumeRolePolicyDocument"])


def test_its_bucket_is_encrypted_private_tls_only_and_survives_the_stack(template: dict[str, Any]) -> None:
    bucket = made(template, "Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "${KmsKeyArn}",
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert "VersioningConfiguration" not in bucket, "an erased ticket must be gone"
    (denied,) = made(template, "BucketRules")["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    for name in ("Bucket", "Key", "Repository"):
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"


def test_what_the_settings_need_comes_out_of_it(template: dict[str, Any]) -> None:
    told = " ".join(one["Description"] for one in template["Outputs"].values())
    for name in ("ARTIFACTS_URI", "SAGEMAKER_ROLE_ARN", "SAGEMAKER_KMS_KEY", "SAGEMAKER_IMAGE"):
        assert name in told


def test_every_setting_is_in_the_guide_and_none_that_there_is_not() -> None:
    guide = (DOCUMENTS.parent / "sagemaker.md").read_text()
    table = guide.split("## The settings")[1].split("## The check")[0]
    named = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in SETTING.findall(row.split("|")[1])
    }
    known = {f"SAGEMAKER_{one.name.upper()}" for one in fields(Options) if one.name != "artifacts_uri"}
    assert named == known | {"COMPUTE_BACKEND", "ARTIFACTS_URI"}


def test_the_guides_defaults_are_the_codes() -> None:
    guide = (DOCUMENTS.parent / "sagemaker.md").read_text()
    rows = dict(re.findall(r"^\| `SAGEMAKER_([A-Z_]+)` \| `?([\w.-]+)`? \|", guide, re.MULTILINE))
    for one in fields(Options):
        told = rows.get(one.name.upper())
        if isinstance(one.default, bool):
            assert told == ("on" if one.default else "off"), one.name
        elif isinstance(one.default, int | float):
            assert told is not None and float(told) == one.default, one.name
        elif isinstance(one.default, str) and one.default:
            assert told == one.default, one.name
