"""The account's model registry."""

from __future__ import annotations

import io
import json

from compute.sagemaker.clients import Clients, told_plainly
from compute.sagemaker.models import create
from compute.sagemaker.names import digest_of
from compute.sagemaker.objects import S3Objects
from compute.sagemaker.options import Options


class ModelPackages:
    """The account's model registry: one group, one version for each model that the house registers.

    Approval is set by whoever promotes; nothing here decides.
    """

    def __init__(self, clients: Clients, options: Options, objects: S3Objects) -> None:
        self.clients = clients
        self.options = options
        self.objects = objects

    @property
    def group(self) -> str:
        return self.options.model_package_group or f"{self.options.name_prefix}-models"

    def register(self, artifact_uri: str, metrics: dict[str, float], properties: dict[str, str]) -> str:
        """Register an artifact, waiting for approval, with its figures and lineage; returns the version's ARN.

        Idempotent by the artifact: its token is always the same. The figures are written beside the artifact.
        """
        artifact_folder = artifact_uri.rsplit("/", 1)[0]
        metrics_uri = f"{artifact_folder}/metrics.json"
        self.objects.write(io.BytesIO(json.dumps(metrics, sort_keys=True).encode()), metrics_uri)
        create(
            self.clients.sagemaker.create_model_package_group,
            ModelPackageGroupName=self.group,
            ModelPackageGroupDescription="Models of Aiguilleur",
        )
        content = ["application/jsonlines", "application/json"]
        with told_plainly():
            answer = self.clients.sagemaker.create_model_package(
                ModelPackageGroupName=self.group,
                ModelApprovalStatus="PendingManualApproval",
                ClientToken=digest_of([self.group, artifact_uri]),
                CustomerMetadataProperties={key[:128]: value[:256] for key, value in properties.items()},
                ModelMetrics={
                    "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": metrics_uri}}
                },
                InferenceSpecification={
                    "Containers": [{"Image": self.options.image, "ModelDataUrl": artifact_uri}],
                    "SupportedContentTypes": content,
                    "SupportedResponseMIMETypes": content,
                    "SupportedTransformInstanceTypes": [self.options.transform_instance],
                    "SupportedRealtimeInferenceInstanceTypes": [self.options.endpoint_instance],
                },
            )
        return str(answer["ModelPackageArn"])

    def approve(self, arn: str, approved: bool, why: str) -> None:
        """Set the approval status of a version; `why` names the people and the reason."""
        with told_plainly():
            self.clients.sagemaker.update_model_package(
                ModelPackageArn=arn,
                ModelApprovalStatus="Approved" if approved else "Rejected",
                ApprovalDescription=why[:1024],
            )

    def status(self, arn: str) -> str:
        """PendingManualApproval, Approved or Rejected."""
        with told_plainly():
            told = self.clients.sagemaker.describe_model_package(ModelPackageName=arn)
        return str(told["ModelApprovalStatus"])
