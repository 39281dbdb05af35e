"""What an installation chooses about its AWS account: the variables `SAGEMAKER_*`, checked once.

Whatever protects data is on unless it is switched off. Only the role, the image and the bucket (`ARTIFACTS_URI`) must
be given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields

from compute.port import InvalidSpec

PLATFORM_NAMES = frozenset({"SAGEMAKER_BASE_DIR", "SAGEMAKER_BATCH", "SAGEMAKER_BIND_TO_PORT"})
"""Variables of the container's contract, which have nothing to do with these."""
OWN_DISK = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|gr6|p5[a-z]*|trn\d[a-z]*|i\d[a-z]*)\.")
"""Machines with a disk of their own, which its hardware encrypts: c5d, g4dn, g5, p4d … Source: the service model on
`VolumeKmsKeyId`, EC2's list of instance store volumes."""
WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True)
class Options:
    """One installation's choices; each field is the variable of its name, `role_arn` being `SAGEMAKER_ROLE_ARN`.

    Raises InvalidSpec when built with values that AWS cannot accept.
    """

    role_arn: str
    """The execution role that jobs and endpoints take on."""
    image: str
    """The image of `docker/model.Dockerfile` in ECR, best by digest."""
    artifacts_uri: str
    """`s3://bucket/prefix`: all that is written lies under it. From `ARTIFACTS_URI`."""
    region: str = ""
    """Empty: as boto3 finds it (AWS_REGION, the profile)."""
    name_prefix: str = "aiguilleur"
    """Begins every name in the account, so that a policy can be limited to it; one for each installation.

    Small letters: SageMaker writes its resources' addresses so, and a policy tells letters apart."""

    training_instance: str = "ml.m5.2xlarge"
    training_volume_gb: int = 30
    training_image: str = ""
    """Where training needs another image (GPU); empty: `image`."""
    spot: bool = True
    """Train on spare machines: about a third of the price; an interruption goes on from the checkpoint."""
    spot_wait_seconds: int = 3600
    """How long a training may wait for a spare machine, beside its own limit."""
    transform_instance: str = "ml.m5.2xlarge"
    transform_instances: int = 1
    """The input is cut into as many parts; one machine works on one part."""
    endpoint_instance: str = "ml.m5.large"
    endpoint_instances: int = 1
    """From 2 on an update goes through a canary; with 1 it is replaced at once."""
    canary_percent: int = 50
    canary_seconds: int = 300
    """How long the alarms watch the canary before the rest follows."""
    rollback_alarms: tuple[str, ...] = ()
    """CloudWatch alarms that undo an update; empty: one on errors and one on latency are made for each endpoint."""
    rollback_latency_seconds: float = 10.0

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    """Both or none. With them, jobs and endpoints run in this VPC."""
    kms_key: str = ""
    """Encrypts objects and volumes; empty: objects with the account's own S3 key, volumes with AWS's."""
    network_isolation: bool = True
    """Containers get no network at all; they need none."""
    encrypt_between_containers: bool = True
    model_package_group: str = ""
    """Of the model registry; empty: `<name_prefix>-models`."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """`ml.m5.2xlarge=0.51,…`: what an hour costs, in the account's money, for the figures on the pages."""

    def __post_init__(self) -> None:
        checks = {
            "ROLE_ARN": re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", self.role_arn),
            "IMAGE": re.fullmatch(r"\S{1,255}", self.image),
            "NAME_PREFIX": re.fullmatch(r"[a-z0-9](-?[a-z0-9]){0,23}", self.name_prefix),
            "CANARY_PERCENT": 1 <= self.canary_percent <= 50,
            "CANARY_SECONDS": 0 <= self.canary_seconds <= 3600,
            "TRAINING_VOLUME_GB": self.training_volume_gb >= 1,
            "TRANSFORM_INSTANCES": self.transform_instances >= 1,
            "ENDPOINT_INSTANCES": self.endpoint_instances >= 1,
            "SPOT_WAIT_SECONDS": self.spot_wait_seconds >= 0,
            "ROLLBACK_ALARMS": len(self.rollback_alarms) <= 10,
        }
        for name, holds in checks.items():
            if not holds:
                raise InvalidSpec(f"SAGEMAKER_{name}: {getattr(self, name.lower())!r} is not possible")
        if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/]+)+", self.artifacts_uri) is None:
            raise InvalidSpec(
                f"ARTIFACTS_URI={self.artifacts_uri!r}: with SageMaker it must name a prefix of a bucket, as "
                "s3://bucket/aiguilleur"
            )
        if bool(self.subnets) != bool(self.security_groups):
            raise InvalidSpec("SAGEMAKER_SUBNETS and SAGEMAKER_SECURITY_GROUPS go together: set both or none")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], artifacts_uri: str) -> Options:
        """Read the variables `SAGEMAKER_*`. InvalidSpec names one that is missing, unknown or no such value."""
        known = {f"SAGEMAKER_{one.name.upper()}": one for one in fields(cls) if one.name != "artifacts_uri"}
        given: dict[str, object] = {}
        for name, text in environment.items():
            if not name.startswith("SAGEMAKER_") or name in PLATFORM_NAMES or not text.strip():
                continue
            if name not in known:
                raise InvalidSpec(f"there is no setting {name}")
            given[known[name].name] = _parsed(name, str(known[name].type), text.strip())
        missing = [
            name
            for name, one in known.items()
            if one.default is MISSING and one.default_factory is MISSING and one.name not in given
        ]
        if missing:
            raise InvalidSpec(f"COMPUTE_BACKEND=sagemaker needs {' and '.join(missing)}")
        return cls(artifacts_uri=artifacts_uri.rstrip("/"), **given)  # type: ignore[arg-type]

    def volume_key(self, instance: str) -> dict[str, str]:
        """The key of a job's volume, as requests name it; none where AWS takes none, the disk being in the machine."""
        if not self.kms_key or OWN_DISK.match(instance):
            return {}
        return {"VolumeKmsKeyId": self.kms_key}

    @property
    def vpc(self) -> dict[str, list[str]] | None:
        if not self.subnets:
            return None
        return {"SecurityGroupIds": list(self.security_groups), "Subnets": list(self.subnets)}


def _parsed(name: str, kind: str, text: str) -> object:
    try:
        if kind == "bool":
            return WORDS[text.lower()]
        if kind.startswith("tuple"):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind.startswith("Mapping"):
            return {key.strip(): float(value) for key, value in (p.split("=") for p in text.split(",") if p)}
        return {"int": int, "float": float, "str": str}[kind](text)
    except (KeyError, ValueError) as error:
        raise InvalidSpec(f"{name}={text!r} is no {kind}") from error
