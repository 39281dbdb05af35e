"""The SageMaker backend: the port, each of its words given to the part that knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from compute.port import (
    NAME,
    EndpointObservation,
    EndpointSpec,
    JobConflict,
    JobNotFound,
    ModelRegistry,
    Observation,
    TrainingSpec,
    TransformSpec,
)
from compute.sagemaker.clients import Clients
from compute.sagemaker.endpoints import Endpoints
from compute.sagemaker.models import Models
from compute.sagemaker.names import name_in_account
from compute.sagemaker.objects import S3Objects
from compute.sagemaker.options import Options
from compute.sagemaker.packages import ModelPackages
from compute.sagemaker.training import Trainings
from compute.sagemaker.transform import Transforms


class SageMakerBackend:
    """Jobs and endpoints in an AWS account, objects in its S3. Implements ComputeBackend; threads may share it.

    `packages` is the account's model registry.
    """

    def __init__(self, options: Options, clients: Clients | None = None) -> None:
        clients = clients or Clients(options.region)
        self.options = options
        self.objects = S3Objects(clients, options)
        models = Models(clients, options, self.objects)
        self.trainings = Trainings(clients, options, self.objects)
        self.transforms = Transforms(clients, options, self.objects, models)
        self.endpoints = Endpoints(clients, options, models)
        self.packages: ModelRegistry | None = ModelPackages(clients, options, self.objects)

    def _name(self, name: str) -> str:
        return name_in_account(self.options.name_prefix, name)

    def start_training(self, spec: TrainingSpec) -> None:
        name = self._name(spec.name)
        if self.transforms.jobs.describe(name) is not None:
            raise JobConflict(f"a job named {spec.name} exists with another spec")
        self.trainings.start(name, spec)

    def start_transform(self, spec: TransformSpec) -> None:
        name = self._name(spec.name)
        if self.trainings.jobs.describe(name) is not None:
            raise JobConflict(f"a job named {spec.name} exists with another spec")
        self.transforms.start(name, spec)

    def observe(self, name: str) -> Observation:
        full = self._known(name)
        if (training := self.trainings.jobs.describe(full)) is not None:
            return self.trainings.observed(full, training)
        if (transform := self.transforms.jobs.describe(full)) is not None:
            return self.transforms.observed(full, transform)
        raise JobNotFound(f"no job named {name}")

    def stop(self, name: str) -> None:
        full = self._known(name)
        if (training := self.trainings.jobs.describe(full)) is not None:
            self.trainings.jobs.stop(full, training)
        elif (transform := self.transforms.jobs.describe(full)) is not None:
            self.transforms.jobs.stop(full, transform)
        else:
            raise JobNotFound(f"no job named {name}")

    def _known(self, name: str) -> str:
        if NAME.fullmatch(name) is None:
            raise JobNotFound(f"no job named {name}")
        return self._name(name)

    # Objects

    def put(self, local: Path, uri: str) -> None:
        self.objects.put(local, uri)

    def get(self, uri: str, local: Path) -> None:
        self.objects.get(uri, local)

    def open(self, uri: str) -> BinaryIO:
        return self.objects.open(uri)

    def exists(self, uri: str) -> bool:
        return self.objects.exists(uri)

    def delete_prefix(self, uri: str) -> None:
        self.objects.delete_prefix(uri)

    # Endpoints

    def put_endpoint(self, spec: EndpointSpec) -> None:
        self.endpoints.put(spec)

    def observe_endpoint(self, name: str) -> EndpointObservation:
        return self.endpoints.observe(name) if NAME.fullmatch(name) else EndpointObservation("absent")

    def delete_endpoint(self, name: str) -> None:
        if NAME.fullmatch(name):
            self.endpoints.delete(name)

    def invoke(self, name: str, records: list[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
        return self.endpoints.invoke(name, records, timeout_s)
