"""A house in the cloud: the words of `House`, over SageMaker through its double."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from compute.sagemaker import Options, SageMakerBackend
from compute.sagemaker.clients import Clients
from tests.compute.conftest import PROGRAMS, House
from tests.compute.sagemaker_double import Double, Programs
from tests.compute.sagemaker_double.operations import ACCOUNT, REGION
from tests.compute.sagemaker_double.server import BUCKET
from tests.compute.sagemaker_double.watchman import Watchman

NAMES = {
    "Partition": "aws", "AccountId": ACCOUNT, "Region": REGION, "Bucket": BUCKET, "Prefix": "t*", "NamePrefix": "t*",
    "PackageGroup": "t*-models", "JobRoleArn": "arn:aws:iam::123456789012:role/aiguilleur-jobs",
}  # fmt: skip
"""What the houses of a session have in common: their own prefixes begin with t."""
TINY, REAL = "tiny-programs", "real-programs"
ROLE = NAMES["JobRoleArn"]


@contextmanager
def account() -> Iterator[Double]:
    """A double, and clients that call it as they would call AWS: by boto3's own variables."""
    double = Double()
    double.images = {
        TINY: Programs(
            [sys.executable, str(PROGRAMS / "train.py")], [sys.executable, str(PROGRAMS / "serve.py")]
        ),
        REAL: Programs([sys.executable, "-m", "ml.train"], [sys.executable, "-m", "ml.serve"]),
    }
    variables = {
        "AWS_ENDPOINT_URL": double.moto_url, "AWS_ENDPOINT_URL_SAGEMAKER": double.url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": double.url, "AWS_ENDPOINT_URL_IAM": double.url,
        "AWS_ENDPOINT_URL_SERVICE_QUOTAS": double.url, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }  # fmt: skip
    former = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        clients = Clients(REGION, attempts=2)
        double.watchman = Watchman(**NAMES)  # type: ignore[attr-defined]
        for client in (clients.sagemaker, clients.s3, clients.logs, clients.cloudwatch, clients.runtime(10)):
            double.watchman.watch(client)  # type: ignore[attr-defined]
        double.clients = clients  # type: ignore[attr-defined]
        yield double
    finally:
        double.close()
        for name, value in former.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class CloudHouse(House):
    """One installation in the account: names and objects under a prefix of its own."""

    look_every = 0.1  # a look is several calls, answered by this very process

    def __init__(self, folder: Path, double: Double, **options: Any) -> None:
        self.folder, self.double = folder, double
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()
        self.prefix = f"t{uuid4().hex[:8]}"
        self.root = f"s3://{BUCKET}/{self.prefix}"
        chosen = {"spot": False, "canary_seconds": 0, "region": REGION, **options}
        self.options = Options(
            role_arn=ROLE, image=TINY, artifacts_uri=self.root, name_prefix=self.prefix, **chosen
        )
        self.backend = SageMakerBackend(self.options, double.clients)  # type: ignore[attr-defined]
        self.starts = folder / "starts"
        (folder / "data").mkdir()
        (folder / "data" / "rows.jsonl").write_text('{"id":"1"}\n{"id":"2"}\n')

    def choose(self, **options: Any) -> None:
        """Another choice of options for this installation."""
        self.options = replace(self.options, **options)
        self.backend = SageMakerBackend(self.options, self.double.clients)  # type: ignore[attr-defined]

    def uri(self, *parts: str) -> str:
        return "/".join([self.root, *parts])

    def job_name(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def given(self, path: Path) -> str:
        uri = self.uri("given", *path.relative_to(self.folder).parts)
        if not self.backend.exists(uri):
            self.backend.put(path, uri)
        return uri

    def jobs(self, ending: str) -> list[dict[str, Any]]:
        """Requests to create a training of a name, sent so far."""
        return self.double.called("CreateTrainingJob", f"{self.prefix}-{ending}")

    def supervise(self, *options: str) -> None:
        """Nobody needs to: the account is always at work."""

    def close(self) -> None:
        self.double.faults.clear()
        self.double.stop_grace, self.double.empty_lines_between_answers = 1.0, False
        for jobs in (self.double.trainings, self.double.transforms):
            for name, job in list(jobs.items()):
                if name.startswith(self.prefix):
                    job.stop_asked.set()
        for name, endpoint in list(self.double.endpoints.items()):
            if name.startswith(self.prefix) and endpoint.serving is not None:
                endpoint.status = "Deleting"
                endpoint.serving.remove()
                self.double.endpoints.pop(name, None)
