"""What training and transform jobs have in common: started once whatever happens, observed, stopped."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from compute.port import FAILURE_REASON_AT_MOST, JobConflict, PlatformUnavailable
from compute.sagemaker.clients import Clients, is_absent, is_ambiguous, is_taken, told_plainly, translated
from compute.sagemaker.names import SPEC_TAG

log = logging.getLogger(__name__)
KINDS = {"training": "TrainingJob", "transform": "TransformJob"}
AT_WORK = frozenset({"InProgress"})
LOG_LINES = 120
LOG_BYTES = 8_192
_ALGORITHM = re.compile(r"^AlgorithmError: ")
_EXIT = re.compile(r",? exit code: \d+\s*$")

Described = dict[str, Any]


class Jobs:
    """The account's jobs of one kind, by their names there."""

    def __init__(self, clients: Clients, kind: str) -> None:
        self.clients = clients
        self.word = KINDS[kind]
        self.kind = kind

    def describe(self, name: str) -> Described | None:
        """What SageMaker says of a job; None when it knows none of this name."""
        try:
            found: Described = getattr(self.clients.sagemaker, f"describe_{self.kind}_job")(
                **{f"{self.word}Name": name}
            )
            return found
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_absent(error):
                return None
            raise translated(error) from error

    def is_known(self, name: str, spec_hash: str) -> bool:
        """Whether this very job exists. JobConflict when its name belongs to another."""
        found = self.describe(name)
        if found is None:
            return False
        with told_plainly():
            tags = self.clients.sagemaker.list_tags(ResourceArn=found[f"{self.word}Arn"])["Tags"]
        told = {tag["Key"]: tag["Value"] for tag in tags}.get(SPEC_TAG)
        if told != spec_hash:
            raise JobConflict(f"a {self.kind} job named {name} exists with another spec")
        return True

    def create(self, name: str, spec_hash: str, request: dict[str, Any]) -> None:
        """Send the request, or adopt what it, or one like it, has made before.

        There is no client token: the name is the key. Where nobody knows whether the call took effect, the job is
        looked for before anybody sends again.
        """
        try:
            getattr(self.clients.sagemaker, f"create_{self.kind}_job")(**request)
        except (ClientError, BotoCoreError) as error:
            is_met = isinstance(error, ClientError) and is_taken(error)
            if (is_met or is_ambiguous(error)) and self.is_known(name, spec_hash):
                return
            if is_met:
                raise PlatformUnavailable(f"{name} exists but cannot be described yet") from error
            raise translated(error) from error

    def status(self, told: Described) -> str:
        return str(told.get(f"{self.word}Status", ""))

    def stop(self, name: str, told: Described) -> None:
        """Ask a job to stop; one that ended meanwhile is left as it is."""
        if self.status(told) not in AT_WORK:
            return
        try:
            getattr(self.clients.sagemaker, f"stop_{self.kind}_job")(**{f"{self.word}Name": name})
        except (ClientError, BotoCoreError) as error:
            found = self.describe(name) if isinstance(error, ClientError) else None
            if found is None or self.status(found) in AT_WORK:
                raise translated(error) from error

    @property
    def log_group(self) -> str:
        return f"/aws/sagemaker/{self.word}s"

    def log_url(self, name: str) -> str:
        """CloudWatch's page of the streams of a job."""
        return console_url(self.clients.region, self.log_group, f"{name}/")

    def log_tail(self, name: str) -> str:
        """The last lines of its first container's log; empty while there is none, or when it may not be read."""
        group = self.log_group
        try:
            logs = self.clients.logs
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/", limit=5)
            named = [found["logStreamName"] for found in streams.get("logStreams", [])]
            if not named:
                return ""
            events = logs.get_log_events(
                logGroupName=group, logStreamName=named[-1], limit=LOG_LINES, startFromHead=False
            )
        except (ClientError, BotoCoreError) as error:
            log.debug("no log of %s: %s", name, error)
            return ""
        text = "\n".join(event["message"].rstrip("\n") for event in events.get("events", []))
        return text[-LOG_BYTES:].replace("\x00", "\N{REPLACEMENT CHARACTER}")


def reason_of(described: Described) -> str:
    """The program's own words: SageMaker's frame around them says nothing to people."""
    reason = str(described.get("FailureReason", ""))
    if _ALGORITHM.match(reason):
        own = _EXIT.sub("", _ALGORITHM.sub("", reason)).strip(" ,")
        reason = own or reason
    return reason[:FAILURE_REASON_AT_MOST]


def failure_code_of(described: Described) -> str:
    """`capacity` when there was no machine; what else failed needs no code of its own."""
    return "capacity" if str(described.get("FailureReason", "")).startswith("CapacityError") else ""


def console_url(region: str, group: str, streams: str) -> str:
    """CloudWatch's page of a group's streams whose names begin so; its address escapes twice, with $ for %."""
    twice = [quote(quote(part, safe=""), safe="").replace("%", "$") for part in (group, streams)]
    asked = quote("?logStreamNameFilter=", safe="").replace("%", "$")
    page = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{page}#logsV2:log-groups/log-group/{twice[0]}{asked}{twice[1]}"


def seconds_between(began: datetime | None, ended: datetime | None) -> float | None:
    return None if began is None or ended is None else (ended - began).total_seconds()
