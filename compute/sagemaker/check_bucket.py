"""The bucket, looked at: there, here, encrypted, private, only over TLS, and tidied by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from compute.check import Finding
from compute.sagemaker.clients import Clients, code_of, is_absent, status_of, told_plainly
from compute.sagemaker.objects import parts_of
from compute.sagemaker.options import Options


def bucket_findings(clients: Clients, options: Options, region: str) -> Iterator[Finding]:
    """Ends early when there is no bucket to look at."""
    bucket, prefix = parts_of(options.artifacts_uri)
    s3 = clients.to_look("s3")
    try:
        head = s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) == 404 or is_absent(error):
            yield Finding(
                "missing", f"there is no bucket {bucket}", "make it: docs/sagemaker.md, “The account”"
            )
            return
        if status_of(error) in {301, 400}:
            yield Finding(
                "missing", f"the bucket {bucket} is in another region than {region}", "use one of this region"
            )
            return
        todo = "check that it is yours, and allow s3:ListBucket on it"
        yield Finding("missing", f"the bucket {bucket} may not be looked at", todo)
        return
    where = head.get("BucketRegion") or region
    if where != region:
        yield Finding(
            "missing", f"the bucket {bucket} is in {where}, jobs in {region}", "use one of this region"
        )
    else:
        yield Finding("ok", f"the bucket {bucket} is there")
    yield _absent_object(s3, bucket, prefix)
    yield _encryption(s3, bucket, options)
    yield _privacy(s3, bucket)
    yield _transport(s3, bucket)
    yield _lifecycle(s3, bucket)


def _asked(s3: Any, what: str, bucket: str, nothing: set[str]) -> dict[str, Any] | None:
    """The answer of `get_<what>`; None when the bucket has none."""
    try:
        answer: dict[str, Any] = getattr(s3, f"get_{what}")(Bucket=bucket)
        return answer
    except ClientError as error:
        if code_of(error) in nothing:
            return None
        with told_plainly():
            raise
        raise  # not reached: told_plainly translates every ClientError


def _absent_object(s3: Any, bucket: str, prefix: str) -> Finding:
    """Whether an absent object is told as absent: the platform relies on it to begin a job only once."""
    try:
        s3.head_object(Bucket=bucket, Key=f"{prefix}/check-compute-looks-for-nothing")
    except ClientError as error:
        if is_absent(error):
            return Finding("ok", f"s3://{bucket}/{prefix} can be looked at")
        todo = "allow s3:GetObject under the prefix, and s3:ListBucket on the bucket without a condition"
        return Finding(
            "missing", f"absent objects under {prefix} answer {code_of(error)} instead of 404", todo
        )
    return Finding("ok", f"s3://{bucket}/{prefix} can be looked at")


def _encryption(s3: Any, bucket: str, options: Options) -> Finding:
    told = _asked(s3, "bucket_encryption", bucket, {"ServerSideEncryptionConfigurationNotFoundError"})
    rules = (told or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    by_default = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    kinds = {one.get("SSEAlgorithm", "") for one in by_default}
    todo = (
        "set the bucket's default encryption to aws:kms: checkpoints are written with the default, not by us"
    )
    if not any(kind.startswith("aws:kms") for kind in kinds):
        return Finding("missing", f"{bucket} does not encrypt with KMS by default", todo)
    keys = {one.get("KMSMasterKeyID", "") for one in by_default} - {""}
    wanted = options.kms_key.rsplit("/", 1)[-1]
    if wanted and not any(key.endswith(wanted) for key in keys):
        return Finding(
            "advice", f"{bucket} encrypts by default with another key than SAGEMAKER_KMS_KEY", todo
        )
    return Finding("ok", f"{bucket} encrypts with KMS by default")


def _privacy(s3: Any, bucket: str) -> Finding:
    told = _asked(s3, "public_access_block", bucket, {"NoSuchPublicAccessBlockConfiguration"})
    block = (told or {}).get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    if off := [name for name in names if not block.get(name)]:
        return Finding(
            "missing", f"{bucket} could be made public ({', '.join(off)} off)", "switch all four on"
        )
    return Finding("ok", f"{bucket} cannot be made public")


def _transport(s3: Any, bucket: str) -> Finding:
    told = _asked(s3, "bucket_policy", bucket, {"NoSuchBucketPolicy"})
    statements = json.loads(told["Policy"]).get("Statement", []) if told else []
    for one in statements if isinstance(statements, list) else [statements]:
        secure = one.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport", "")
        if one.get("Effect") == "Deny" and str(secure).lower() == "false":
            return Finding("ok", f"{bucket} answers over TLS only")
    todo = "add the statement RefuseWithoutTls of docs/aws/template.yaml to its policy"
    return Finding("advice", f"{bucket} would also answer without TLS", todo)


def _lifecycle(s3: Any, bucket: str) -> Finding:
    told = _asked(s3, "bucket_lifecycle_configuration", bucket, {"NoSuchLifecycleConfiguration"})
    rules = [rule for rule in (told or {}).get("Rules", []) if rule.get("Status") == "Enabled"]
    if any("AbortIncompleteMultipartUpload" in rule for rule in rules):
        return Finding("ok", f"{bucket} forgets unfinished uploads")
    todo = "add the lifecycle rules of docs/aws/template.yaml"
    return Finding("advice", f"{bucket} keeps, and bills, unfinished uploads for ever", todo)
