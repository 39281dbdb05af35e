"""boto3's clients, and AWS's errors in the words of the port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from compute.port import CapacityError, ComputeError, InvalidSpec, PlatformUnavailable, Throttled

ATTEMPTS = 8
"""Of each call, in botocore's standard mode; after them the caller waits longer, with its row unchanged."""
THROTTLES = frozenset(
    {
        "ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
        "SlowDown", "RequestThrottled", "RequestThrottledException", "BandwidthLimitExceeded",
    }
)  # fmt: skip
CAPACITY = frozenset({"ResourceLimitExceeded", "InsufficientCapacity", "CapacityError"})
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403"}
)
ABSENT = re.compile(r"not found|could not find|does not exist|cannot find", re.IGNORECASE)
TAKEN = re.compile(r"already exist", re.IGNORECASE)
BUSY = re.compile(r"cannot (update|delete)|in.progress", re.IGNORECASE)


class NotAllowed(ComputeError):
    """The credentials are missing, or their policy does not allow the call: the message says which."""

    code = "not_allowed"


class Clients:
    """Clients made once and shared by threads (boto3's sessions are not safe to share, its clients are)."""

    def __init__(self, region: str, attempts: int = ATTEMPTS) -> None:
        self._attempts = attempts
        self._session = boto3.Session(region_name=region or None)
        self._lock = Lock()
        self._made: dict[tuple[str, int], Any] = {}

    @property
    def sagemaker(self) -> Any:
        return self._client("sagemaker")

    @property
    def s3(self) -> Any:
        return self._client("s3")

    @property
    def region(self) -> str:
        """As given or as boto3 finds it; empty when there is none."""
        return self._session.region_name or ""

    @property
    def logs(self) -> Any:
        return self._client("logs", seconds=5)

    @property
    def cloudwatch(self) -> Any:
        return self._client("cloudwatch")

    def to_look(self, service: str) -> Any:
        """For the check: any service, soon tired of one that does not answer."""
        return self._client(service, attempts=2, seconds=10)

    def runtime(self, timeout_s: float) -> Any:
        """For calls that must not take longer than this, rounded up to whole seconds; tried once only."""
        return self._client("sagemaker-runtime", attempts=1, seconds=max(1, -int(-timeout_s // 1)))

    def _client(self, service: str, attempts: int | None = None, seconds: int = 60) -> Any:
        with self._lock:
            found = self._made.get((service, seconds))
            if found is None:
                retries = {"mode": "standard", "total_max_attempts": attempts or self._attempts}
                config = Config(
                    retries=retries, connect_timeout=min(10, seconds), read_timeout=seconds, max_pool_connections=32
                )  # fmt: skip
                with told_plainly():
                    found = self._session.client(service, config=config)
                self._made[service, seconds] = found
            return found


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def message_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")) or str(error)


def is_absent(error: ClientError) -> bool:
    """Whether the thing described is not there: SageMaker says so in several ways."""
    code = code_of(error)
    if code in {"ResourceNotFound", "ResourceNotFoundException", "NoSuchKey", "404", "NotFound"}:
        return True
    return code in {"ValidationException", "ValidationError"} and ABSENT.search(message_of(error)) is not None


def is_taken(error: ClientError) -> bool:
    """Whether the name belongs to something that exists."""
    code = code_of(error)
    return code in {"ResourceInUse", "ConflictException"} or (
        code == "ValidationException" and TAKEN.search(message_of(error)) is not None
    )


def is_busy(error: ClientError) -> bool:
    """Whether the endpoint is in the middle of something."""
    is_refused = code_of(error) in {"ValidationException", "ResourceInUse", "ConflictException"}
    return is_refused and BUSY.search(message_of(error)) is not None


def is_ambiguous(error: BaseException) -> bool:
    """Whether the call may have taken effect all the same: a 5xx, or no answer at all."""
    if isinstance(error, ClientError):
        return status_of(error) >= 500
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)


def translated(error: BaseException) -> ComputeError:
    """The port's error for one of AWS's."""
    if isinstance(error, ClientError):
        return _from_answer(error)
    if isinstance(error, ParamValidationError):
        return InvalidSpec(str(error))
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, NoRegionError)):
        return NotAllowed(f"AWS cannot be reached: {error}")
    return PlatformUnavailable(f"AWS does not answer: {error}")


def _from_answer(error: ClientError) -> ComputeError:
    code, text = code_of(error), f"{error.operation_name}: {message_of(error)}"
    if code in THROTTLES or status_of(error) == 429:
        return Throttled(text)
    if code in CAPACITY:
        return CapacityError(text)
    if code in DENIED:
        return NotAllowed(text)
    if status_of(error) >= 500:
        return PlatformUnavailable(text)
    return InvalidSpec(text)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Let AWS's errors leave the block as the port's."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translated(error) from error
