"""The account looked at: settings, identity, permissions, bucket, image, key, network, quotas. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from compute.check import Finding
from compute.port import ComputeError, InvalidSpec
from compute.sagemaker import permissions
from compute.sagemaker.check_bucket import bucket_findings
from compute.sagemaker.check_places import image_findings, key_findings, network_findings, quota_findings
from compute.sagemaker.clients import Clients, NotAllowed, code_of, message_of, told_plainly
from compute.sagemaker.options import Options

POLICY_TODO = "attach the policy that `manage.py check_compute --policy {kind}` prints to {who}"
_ASSUMED = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")


@dataclass(frozen=True)
class Account:
    """Who asks, where. `principal` is what IAM knows the caller by; empty for the account's root user."""

    number: str
    region: str
    principal: str


def account_findings(options: Options, clients: Clients | None = None) -> Iterator[Finding]:
    """Line by line, in the order of what depends on what. Ends early where the rest could not be asked."""
    yield from protection_findings(options)
    try:
        clients = clients or Clients(options.region)
        with told_plainly():
            caller = clients.to_look("sts").get_caller_identity()
    except ComputeError as error:
        todo = "give AWS_REGION and credentials: an instance's role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        yield Finding("missing", f"AWS does not know who asks: {error}", todo)
        return
    account = Account(str(caller["Account"]), clients.region, _principal(clients, str(caller["Arn"])))
    yield Finding("ok", f"asking as {caller['Arn']} in {account.region}")
    if not account.principal:
        yield Finding("advice", "these are the root user's credentials", "use a role or user of its own")
    parts = (
        role_findings(clients, options, account),
        permission_findings(clients, options, account),
        bucket_findings(clients, options, account.region),
        image_findings(clients, options, account.region),
        key_findings(clients, options),
        network_findings(clients, options, account.region),
        quota_findings(clients, options),
        alarm_findings(clients, options),
    )
    for part in parts:
        yield from _complete(part)


def _complete(findings: Iterator[Finding]) -> Iterator[Finding]:
    """A part's findings; what cuts it short becomes its last line."""
    try:
        yield from findings
    except NotAllowed as error:
        todo = POLICY_TODO.format(kind="check", who="whoever runs the check")
        yield Finding("unknown", f"not looked at: {error}", todo)
    except (ComputeError, ClientError, BotoCoreError) as error:
        yield Finding(
            "unknown", f"not looked at: {error}", "try again; if it stays, look it up in AWS's console"
        )


def protection_findings(options: Options) -> Iterator[Finding]:
    """Settings that are possible, but that somebody should have meant."""
    for is_on, name, loss in (
        (options.network_isolation, "SAGEMAKER_NETWORK_ISOLATION", "containers may call out"),
        (
            options.encrypt_between_containers,
            "SAGEMAKER_ENCRYPT_BETWEEN_CONTAINERS",
            "machines talk in the clear",
        ),
    ):
        if not is_on:
            yield Finding("advice", f"{name} is off: {loss}", "unset it to have it on")
    if not options.kms_key:
        todo = "set SAGEMAKER_KMS_KEY to a key of your own, whose use you can limit and withdraw"
        yield Finding("advice", "no key of your own: objects and volumes are encrypted with AWS's", todo)
    machines = {options.training_instance, options.transform_instance, options.endpoint_instance}
    if unpriced := sorted(machines - set(options.prices)):
        example = ",".join(f"{machine}=0.00" for machine in unpriced)
        yield Finding(
            "advice",
            f"no price of {', '.join(unpriced)}: costs show hours, no money",
            f"SAGEMAKER_PRICES={example}",
        )
    if options.endpoint_instances == 1:
        yield Finding(
            "advice",
            "one machine serves an endpoint: no canary before an update",
            "SAGEMAKER_ENDPOINT_INSTANCES=2",
        )


def _principal(clients: Clients, arn: str) -> str:
    """The ARN that IAM knows the caller by: a session of a role stands for the role."""
    if arn.endswith(":root"):
        return ""
    session = _ASSUMED.fullmatch(arn)
    if session is None:
        return arn
    partition, number, name = session.groups()
    try:
        return str(clients.to_look("iam").get_role(RoleName=name)["Role"]["Arn"])
    except (ClientError, BotoCoreError):
        return f"arn:{partition}:iam::{number}:role/{name}"


def role_findings(clients: Clients, options: Options, account: Account) -> Iterator[Finding]:
    """The jobs' role: of this account, there, and SageMaker may take it on."""
    number, name = options.role_arn.split(":")[4], options.role_arn.rsplit("/", 1)[-1]
    if number != account.number:
        todo = "give a role of the account that the credentials belong to"
        yield Finding("missing", f"SAGEMAKER_ROLE_ARN is of account {number}, not {account.number}", todo)
        return
    try:
        role = clients.to_look("iam").get_role(RoleName=name)["Role"]
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            with told_plainly():
                raise
        yield Finding("missing", f"there is no role {name}", "make it: docs/sagemaker.md, “The account”")
        return
    if trusts_sagemaker(role.get("AssumeRolePolicyDocument")):
        yield Finding("ok", f"SageMaker may take on the role {name}")
    else:
        todo = "give it the trust policy that `manage.py check_compute --policy trust` prints"
        yield Finding("missing", f"SageMaker may not take on the role {name}", todo)


def trusts_sagemaker(document: Any) -> bool:
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    for one in statements if isinstance(statements, list) else [statements]:
        services = (
            one.get("Principal", {}).get("Service", []) if isinstance(one.get("Principal"), dict) else []
        )
        if one.get("Effect") == "Allow" and "sagemaker.amazonaws.com" in (
            [services] if isinstance(services, str) else services
        ):
            return True
    return False


def permission_findings(clients: Clients, options: Options, account: Account) -> Iterator[Finding]:
    """Every action of both policies, asked of IAM's simulator; where that is forbidden, by looking at nothing."""
    names = permissions.names_of(options, account.region, account.number, account.principal)
    for kind, who, arn in (
        ("platform", "the platform", account.principal),
        ("jobs", "the jobs' role", options.role_arn),
    ):
        if not arn:
            continue
        try:
            refused = refused_actions(clients, permissions.POLICIES[kind], names, arn)
        except ClientError as error:
            yield Finding(
                "unknown", f"what {who} may do is not told: {message_of(error)}",
                POLICY_TODO.format(kind="check", who="whoever runs the check"),
            )  # fmt: skip
            if kind == "platform":
                yield from _tried(clients, options)
            continue
        for resource, actions in refused.items():
            todo = POLICY_TODO.format(kind=kind, who=arn)
            yield Finding("missing", f"{who} may not {', '.join(actions)} on {resource}", todo)
        if not refused:
            yield Finding("ok", f"{who} may do all it needs")


def refused_actions(
    clients: Clients, grants: tuple[permissions.Grant, ...], names: dict[str, str], arn: str
) -> dict[str, list[str]]:
    """Actions that the simulator refuses, by resource."""
    refused: dict[str, list[str]] = {}
    document = permissions.policy(grants, names)
    for one in document["Statement"]:
        context = [
            {
                "ContextKeyName": key,
                "ContextKeyValues": [value.replace("*", "Jobs")],
                "ContextKeyType": "string",
            }
            for condition in one.get("Condition", {}).values()
            for key, value in condition.items()
        ]
        for resource in one["Resource"]:
            found = clients.to_look("iam").simulate_principal_policy(
                PolicySourceArn=arn, ActionNames=one["Action"], ContextEntries=context,
                ResourceArns=[resource if resource == "*" else resource.replace("*", "check")],
            )  # fmt: skip
            for result in found["EvaluationResults"]:
                if result["EvalDecision"] != "allowed":
                    refused.setdefault(resource, []).append(result["EvalActionName"])
    return refused


def _tried(clients: Clients, options: Options) -> Iterator[Finding]:
    """Descriptions of things that do not exist: an answer of any kind but a refusal means that one may ask."""
    name = f"{options.name_prefix}-check"
    calls: dict[str, Callable[[], Any]] = {
        "DescribeTrainingJob": lambda: clients.sagemaker.describe_training_job(TrainingJobName=name),
        "DescribeTransformJob": lambda: clients.sagemaker.describe_transform_job(TransformJobName=name),
        "DescribeModel": lambda: clients.sagemaker.describe_model(ModelName=name),
        "DescribeEndpoint": lambda: clients.sagemaker.describe_endpoint(EndpointName=name),
    }
    for action, call in calls.items():
        try:
            with told_plainly():
                call()
        except NotAllowed as error:
            todo = POLICY_TODO.format(kind="platform", who="the platform")
            yield Finding("missing", f"the platform may not sagemaker:{action}: {error}", todo)
            continue
        except InvalidSpec:
            pass  # there is no such thing, and we were told so
        yield Finding("ok", f"the platform may sagemaker:{action}")


def alarm_findings(clients: Clients, options: Options) -> Iterator[Finding]:
    """The alarms named to undo updates; those of our own are made with each endpoint."""
    if not options.rollback_alarms:
        return
    with told_plainly():
        found = clients.to_look("cloudwatch").describe_alarms(AlarmNames=list(options.rollback_alarms))
    there = {one["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for one in found.get(kind, [])}
    for name in options.rollback_alarms:
        if name in there:
            yield Finding("ok", f"the alarm {name} is there")
        else:
            todo = "make it, or take it out of SAGEMAKER_ROLLBACK_ALARMS"
            yield Finding("missing", f"there is no alarm {name}: updates would be refused", todo)


def policy_text(kind: str, options: Options | None) -> str:
    """A policy's JSON: `platform`, `jobs`, `check` or `trust`; names nobody knows yet stay open as `${…}`."""
    names: dict[str, str] = {}
    if options is not None:
        account, region, principal = "${AccountId}", options.region or "${Region}", "${PlatformPrincipalArn}"
        try:
            clients = Clients(options.region)
            region = clients.region or region
            with told_plainly():
                caller = clients.to_look("sts").get_caller_identity()
            account, principal = str(caller["Account"]), _principal(clients, str(caller["Arn"])) or principal
        except ComputeError:
            account = options.role_arn.split(":")[4]
        names = permissions.names_of(options, region, account, principal)
    if kind == "trust":
        return permissions.as_text(permissions.trust(names))
    return permissions.as_text(permissions.policy(permissions.POLICIES[kind], names))
