"""Models of SageMaker: an artifact, an image and how they are run. Named by content, so never changed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from compute.port import ArtifactMissing
from compute.sagemaker.clients import Clients, is_absent, is_taken, translated
from compute.sagemaker.names import digest_of, name_in_account, tags_of
from compute.sagemaker.objects import S3Objects
from compute.sagemaker.options import Options


class Models:
    """Made when they are needed, kept for going back; they cost nothing."""

    def __init__(self, clients: Clients, options: Options, objects: S3Objects) -> None:
        self.clients = clients
        self.options = options
        self.objects = objects
        self._artifacts: dict[str, str] = {}

    def ensure(self, artifact_uri: str, environment: dict[str, str]) -> str:
        """The name of the model that serves this artifact so; made if need be. ArtifactMissing."""
        container: dict[str, Any] = {"Image": self.options.image, "ModelDataUrl": artifact_uri}
        if environment:
            container["Environment"] = environment
        request: dict[str, Any] = {
            "PrimaryContainer": container,
            "ExecutionRoleArn": self.options.role_arn,
            "EnableNetworkIsolation": self.options.network_isolation,
        }
        if self.options.vpc:
            request["VpcConfig"] = self.options.vpc
        name = name_in_account(self.options.name_prefix, f"model-{digest_of(request)}")
        if name in self._artifacts:
            return name
        if self.objects.size(artifact_uri) is None:
            raise ArtifactMissing(f"no artifact at {artifact_uri}")
        create(
            self.clients.sagemaker.create_model, ModelName=name, Tags=tags_of({"made": "model"}), **request
        )
        self._artifacts[name] = artifact_uri
        return name

    def artifact_of(self, name: str) -> str | None:
        """The artifact a model serves; None when there is no such model any more."""
        if name not in self._artifacts:
            try:
                told = self.clients.sagemaker.describe_model(ModelName=name)
            except (ClientError, BotoCoreError) as error:
                if isinstance(error, ClientError) and is_absent(error):
                    return None
                raise translated(error) from error
            self._artifacts[name] = str(told["PrimaryContainer"]["ModelDataUrl"])
        return self._artifacts[name]


def create(call: Any, **request: Any) -> None:
    """Create something that is named by its content: met under its name, it is the same."""
    try:
        call(**request)
    except (ClientError, BotoCoreError) as error:
        if not (isinstance(error, ClientError) and is_taken(error)):
            raise translated(error) from error
