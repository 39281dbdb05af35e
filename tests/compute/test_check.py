"""`check_compute`: what is missing is named with what to do, and nothing is changed by looking."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compute.check import Finding, base_model_finding, local_findings
from compute.sagemaker import Options
from compute.sagemaker.check import account_findings, alarm_findings, policy_text, protection_findings
from compute.sagemaker.check_bucket import bucket_findings
from compute.sagemaker.check_places import image_findings, key_findings, network_findings, quota_findings
from compute.sagemaker.clients import Clients
from tests.compute.cloud import ROLE
from tests.compute.company import BUCKET, MACHINES, Company
from tests.compute.sagemaker_double.operations import ACCOUNT, REGION
from tests.compute.sagemaker_double.watchman import Watchman


@pytest.fixture(scope="module")
def clients(double: Any) -> Clients:
    """Made once: botocore reads a service's whole model for each."""
    return Clients(REGION)


@pytest.fixture
def company(double: Any, clients: Clients) -> Iterator[Company]:
    made = Company(double, clients)
    yield made
    made.close()


def looked(company: Company, **changes: Any) -> list[Finding]:
    options = Options(**{**company.options.__dict__, **changes})
    return list(account_findings(options, company.clients))


def part(company: Company, look: Callable[..., Iterator[Finding]], **changes: Any) -> list[Finding]:
    """One part of it, for what does not need the rest."""
    options = Options(**{**company.options.__dict__, **changes})
    region = {"region": REGION} if "region" in signature(look).parameters else {}
    return list(look(company.clients, options, **region))


def missing(findings: list[Finding]) -> list[str]:
    assert all(one.todo for one in findings if one.standing != "ok"), "each says what to do"
    return [one.what for one in findings if one.standing == "missing"]


def test_an_account_that_has_everything_is_found_so_and_left_as_it_was(company: Company) -> None:
    clients, watchman = Clients(REGION), Watchman()
    for service in ("sts", "iam", "s3", "ecr", "kms", "service-quotas", "cloudwatch"):
        clients.to_look(service).meta.events.register(
            "provide-client-params.*.*", lambda model, **_: watchman.calls.append(model.name)
        )
    before = len(company.double.calls)
    findings = list(account_findings(company.options, clients))
    assert missing(findings) == [] and len(findings) > 12
    assert [str(one) for one in findings if one.standing != "ok"] == []
    assert company.double.calls[before:] == [], "nothing asked of SageMaker itself"
    assert len(watchman.calls) > 20
    reading = ("Describe", "Get", "Head", "List", "Simulate")
    assert [name for name in watchman.calls if not name.startswith(reading)] == []
    assert company.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize("action", ["sagemaker:StopTransformJob", "iam:PassRole", "kms:GenerateDataKey"])
def test_an_action_that_the_platform_may_not_do_is_named_with_the_policy_to_attach(
    action: str, company: Company
) -> None:
    company.grant(without=action)
    findings = looked(company)
    told = [one for one in findings if one.standing == "missing" and "the platform" in one.what]
    assert [f"may not {action} on " in one.what for one in told] == [True]
    assert "check_compute --policy platform" in told[0].todo and company.caller in told[0].todo


def test_the_jobs_role_is_asked_about_too(company: Company) -> None:
    company.grant(without="ecr:BatchGetImage")
    assert any("the jobs' role may not ecr:BatchGetImage" in line for line in missing(looked(company)))


def test_where_nobody_may_ask_the_simulator_harmless_calls_tell_what_they_can(company: Company) -> None:
    company.double.identity.policies.clear()
    company.double.fault("deny", "DescribeModel")
    findings = looked(company)
    assert sum("is not told" in one.what for one in findings if one.standing == "unknown") == 2
    assert any("may not sagemaker:DescribeModel" in line for line in missing(findings))
    assert "the platform may sagemaker:DescribeEndpoint" in [one.what for one in findings]


def test_a_role_that_sagemaker_may_not_take_on_or_of_another_account_is_said(company: Company) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
        ],
    }
    company.iam.update_assume_role_policy(RoleName="aiguilleur-jobs", PolicyDocument=json.dumps(trust))
    assert missing(looked(company)) == ["SageMaker may not take on the role aiguilleur-jobs"]
    gone = f"arn:aws:iam::{ACCOUNT}:role/gone"
    assert "there is no role gone" in missing(looked(company, role_arn=gone))
    other = ROLE.replace(ACCOUNT, "999999999999")
    assert any("is of account 999999999999" in line for line in missing(looked(company, role_arn=other)))


def test_a_bucket_without_its_protections_is_told_which(company: Company) -> None:
    company.s3.delete_bucket_encryption(Bucket=BUCKET)
    company.s3.delete_public_access_block(Bucket=BUCKET)
    company.s3.delete_bucket_policy(Bucket=BUCKET)
    company.s3.delete_bucket_lifecycle(Bucket=BUCKET)
    findings = part(company, bucket_findings)
    said = missing(findings)
    assert any("could be made public (BlockPublicAcls" in line for line in said)
    assert any("does not encrypt with KMS" in line for line in said)
    advice = [one.what for one in findings if one.standing == "advice"]
    assert any("without TLS" in line for line in advice) and any(
        "unfinished uploads" in line for line in advice
    )


def test_a_bucket_that_is_not_there_or_elsewhere_is_said(company: Company) -> None:
    assert "there is no bucket nowhere-to-be" in missing(
        part(company, bucket_findings, artifacts_uri="s3://nowhere-to-be/aig")
    )
    far = company.double.client("s3", region="us-west-2")
    far.create_bucket(Bucket="far-off", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    said = missing(part(company, bucket_findings, artifacts_uri="s3://far-off/aig"))
    assert f"the bucket far-off is in us-west-2, jobs in {REGION}" in said
    far.delete_bucket(Bucket="far-off")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("aiguilleur:1", "is no image of ECR"),
        (f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/aiguilleur:1", "is in us-east-1"),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/aiguilleur:none", "nothing in ECR"),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/other:1", "nothing in ECR"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_said(image: str, said: str, company: Company) -> None:
    assert any(said in line for line in missing(part(company, image_findings, image=image)))


def test_a_tag_in_place_of_a_digest_is_advised_against(company: Company) -> None:
    findings = part(company, image_findings, image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/aiguilleur:1")
    assert [one.what for one in findings if one.standing == "advice"] == [
        "SAGEMAKER_IMAGE names a tag, which can be moved"
    ]


def test_a_key_that_is_off_and_one_that_is_not_there_are_said(company: Company) -> None:
    company.double.client("kms").disable_key(KeyId=company.key.rsplit("/", 1)[-1])
    assert any("is Disabled" in line for line in missing(part(company, key_findings)))
    company.double.client("kms").enable_key(KeyId=company.key.rsplit("/", 1)[-1])
    gone = company.key[:-12] + "000000000000"
    assert f"there is no key {gone}" in missing(part(company, key_findings, kms_key=gone))


def test_a_quota_too_small_is_said_with_what_is_needed(company: Company) -> None:
    company.double.identity.quotas = {
        MACHINES[0]: 0.0,
        MACHINES[1]: 1.0,
        "ml.m5.large for endpoint usage": 4.0,
    }
    said = missing(part(company, quota_findings))
    assert said == [f"“{MACHINES[0]}” is 0, 1 needed", "“ml.m5.large for endpoint usage” is 4, 6 needed"]


def test_a_network_is_looked_at_where_one_is_chosen(company: Company) -> None:
    ec2 = company.double.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="jobs", Description="jobs", VpcId=network)["GroupId"]
    chosen = {"subnets": (subnet,), "security_groups": (group,)}
    assert any("has no endpoint for S3" in one.what for one in part(company, network_findings, **chosen))
    ec2.create_vpc_endpoint(VpcId=network, ServiceName=f"com.amazonaws.{REGION}.s3")
    assert f"jobs reach S3 from {network}" in [one.what for one in part(company, network_findings, **chosen)]
    gone = {**chosen, "subnets": ("subnet-00000000",)}
    assert any("SAGEMAKER_SUBNETS" in line for line in missing(part(company, network_findings, **gone)))


def test_an_alarm_that_is_not_there_and_protection_switched_off_are_said(company: Company) -> None:
    assert missing(part(company, alarm_findings, rollback_alarms=("quiet",))) == [
        "there is no alarm quiet: updates would be refused"
    ]
    assert "SAGEMAKER_NETWORK_ISOLATION is off: containers may call out" in [
        one.what for one in protection_findings(replace(company.options, network_isolation=False))
    ]


def test_without_credentials_one_line_says_what_to_give(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    findings = list(account_findings(company.options))
    assert findings[-1].standing == "missing" and "AWS does not know who asks" in findings[-1].what
    assert "AWS_PROFILE" in findings[-1].todo


def test_a_policy_is_printed_with_the_accounts_own_names(company: Company) -> None:
    text = policy_text("platform", company.options)
    assert ACCOUNT in text and f"arn:aws:s3:::{BUCKET}/aig/*" in text and company.key in text
    assert "${" not in text
    assert "${AccountId}" in policy_text("trust", None)


def test_a_long_answer_is_still_one_line() -> None:
    told = str(Finding("unknown", "not looked at:\n<html>\n" + "x " * 900, "try again"))
    assert "\n" not in told and len(told) < 500 and told.endswith("→ try again")


# The command


def command(*words: str) -> tuple[str, str]:
    """What it prints, and the error it ends with."""
    out = StringIO()
    try:
        call_command("check_compute", *words, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_the_command_fails_while_something_is_missing_and_passes_afterwards(
    tmp_path: Path, settings: Any
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    settings.BASE_MODEL = str(base)
    settings.COMPUTE_SPOOL, settings.ARTIFACTS_URI = tmp_path / "spool", (tmp_path / "artifacts").as_uri()
    printed, error = command()
    assert "no supervisor beats" in printed and "→ start the installation" in printed
    assert error.startswith("1 missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"], "it made nothing"
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "heartbeat").touch()
    printed, error = command()
    assert error == "" and "the supervisor is at work" in printed
    os.utime(tmp_path / "spool" / "heartbeat", (time.time() - 60,) * 2)
    assert command()[1].startswith("1 missing")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"COMPUTE_BACKEND": "sagemaker", "SAGEMAKER": {}}, "needs SAGEMAKER_ROLE_ARN and SAGEMAKER_IMAGE"),
        ({"COMPUTE_BACKEND": "cloud"}, "there is no such backend"),
    ],
)
def test_settings_that_cannot_work_are_one_line(chosen: dict[str, Any], said: str, settings: Any) -> None:
    for name, value in chosen.items():
        setattr(settings, name, value)
    printed, error = command()
    assert said in printed and len(printed.splitlines()) == 1 and error.startswith("1 missing")


def test_the_command_looks_at_the_account_and_prints_its_policies(company: Company, settings: Any) -> None:
    settings.COMPUTE_BACKEND, settings.ARTIFACTS_URI = "sagemaker", company.options.artifacts_uri
    settings.SAGEMAKER = {
        "SAGEMAKER_ROLE_ARN": ROLE, "SAGEMAKER_IMAGE": company.options.image, "SAGEMAKER_REGION": REGION,
        "SAGEMAKER_NAME_PREFIX": "aig", "SAGEMAKER_KMS_KEY": company.key,
    }  # fmt: skip
    printed, error = command()
    assert error == "" and "the platform may do all it needs" in printed
    assert "no price of ml.m5.2xlarge, ml.m5.large" in printed
    assert json.loads(command("--policy", "jobs")[0])["Statement"]


def test_folders_nobody_may_write_in_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = [one.what for one in local_findings(tmp_path / "file" / "spool", "s3://bucket/x")]
    assert said[0].startswith("COMPUTE_SPOOL: nobody may write in") and said[1].startswith("ARTIFACTS_URI")


def test_a_base_model_is_looked_for_where_the_backend_finds_it(tmp_path: Path) -> None:
    assert base_model_finding(str(tmp_path), "local").standing == "missing"
    assert base_model_finding("s3://bucket/bert", "local").standing == "missing"
    assert base_model_finding("s3://bucket/bert", "sagemaker").standing == "ok"
