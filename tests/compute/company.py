"""An account in which nothing is missing, on the double of AWS, and ways to take something away."""

from __future__ import annotations

import json
from typing import Any

from compute.sagemaker import Options, permissions
from compute.sagemaker.clients import Clients
from tests.compute.cloud import ROLE
from tests.compute.sagemaker_double.operations import ACCOUNT, REGION
from tests.compute.sagemaker_double.watchman import document

BUCKET = "check-tests"
MACHINES = ("ml.m5.2xlarge for spot training job usage", "ml.m5.2xlarge for transform job usage")
KIND = "application/vnd.docker.distribution.manifest.v2+json"


class Company:
    """An account in which nothing is missing, until a test takes something away."""

    def __init__(self, double: Any, clients: Clients) -> None:
        self.double, self.clients = double, clients
        self.s3, self.iam = double.client("s3"), double.client("iam")
        self.key = double.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.options = Options(
            ROLE, self.image(), f"s3://{BUCKET}/aig", region=REGION, name_prefix="aig", kms_key=self.key,
            prices={"ml.m5.2xlarge": 0.5, "ml.m5.large": 0.1}, endpoint_instances=2,
        )  # fmt: skip
        self._bucket()
        trust = json.dumps(permissions.trust({"AccountId": ACCOUNT}))
        self.iam.create_role(RoleName="aiguilleur-jobs", AssumeRolePolicyDocument=trust)
        self.grant()
        double.identity.quotas = dict.fromkeys(MACHINES, 1.0) | {"ml.m5.large for endpoint usage": 6.0}

    def image(self) -> str:
        ecr = self.double.client("ecr")
        ecr.create_repository(repositoryName="aiguilleur")
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": KIND, "config": {"digest": "sha256:" + "1" * 64}, "layers": []}
        )
        pushed = ecr.put_image(repositoryName="aiguilleur", imageManifest=manifest, imageTag="1")["image"]
        host = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        return f"{host}/aiguilleur@{pushed['imageId']['imageDigest']}"

    def _bucket(self) -> None:
        where = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        self.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self.s3.put_public_access_block(
            Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
        )
        denied = {  # moto denies it without heeding the condition: so only what the check never does
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }  # fmt: skip
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Statement": [denied]}))
        forget = {"ID": "forget", "Status": "Enabled", "Filter": {"Prefix": ""}}
        forget["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 3}  # type: ignore[assignment]
        self.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [forget]})

    def grant(self, without: str = "") -> None:
        """Both policies as shipped, filled in; without one action."""
        names = permissions.names_of(self.options, REGION, ACCOUNT)
        for arn, kind in ((self.caller, "platform"), (ROLE, "jobs")):
            told = document(kind, **names)
            for one in told["Statement"]:
                one["Action"] = [action for action in one["Action"] if action != without]
            self.double.identity.policies[arn] = told

    @property
    def caller(self) -> str:
        return str(self.double.client("sts").get_caller_identity()["Arn"])

    def close(self) -> None:
        self.double.identity.policies.clear()
        self.iam.delete_role(RoleName="aiguilleur-jobs")
        self.double.client("ecr").delete_repository(repositoryName="aiguilleur", force=True)
        self.s3.delete_bucket(Bucket=BUCKET)
