"""Batch transforms: the request, what SageMaker's words mean, and the output made whole."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from compute.port import JobState, Observation, TransformSpec, spec_hash
from compute.sagemaker.clients import Clients
from compute.sagemaker.jobs import Described, Jobs, failure_code_of, reason_of, seconds_between
from compute.sagemaker.models import Models
from compute.sagemaker.names import spec_tags
from compute.sagemaker.objects import S3Objects
from compute.sagemaker.options import Options
from compute.sagemaker.shards import BadOutput, Plan, Shards
from compute.sagemaker.training import STATES

MEGABYTE, SHORTEST_LINE = 1_000_000, len('{"id":"","text":""}\n')
QUEUE_NAME = "SERVE_QUEUE_RECORDS"
"""SageMaker fills a call with lines up to its bytes; `serve` refuses more records than its queue is said to hold."""
ANSWER_SECONDS = 3600
LIMIT_NAME = "AIGUILLEUR_MAX_SECONDS"
OUTPUT_NAME = "AIGUILLEUR_OUTPUT_URI"
"""SageMaker has no limit of time for transforms, nor a name for what we join: the job carries both."""


def payload_mb(longest: int) -> int:
    """The most of one call, in MB: as little as holds the longest line, and a tenth more, as AWS recommends.

    A call's answers are many times its size, and all of them are in the machine's memory before any is written.
    """
    return max(1, math.ceil(1.1 * longest / MEGABYTE))


class Transforms:
    """Batch transforms by their names in the account."""

    def __init__(self, clients: Clients, options: Options, objects: S3Objects, models: Models) -> None:
        self.options = options
        self.objects = objects
        self.models = models
        self.jobs = Jobs(clients, "transform")

    def start(self, name: str, spec: TransformSpec) -> None:
        self.objects.writable(spec.output_uri)
        if self.jobs.is_known(name, spec_hash(spec)):
            return
        model = self.models.ensure(spec.artifact_uri, spec.environment)
        shards = Shards(self.objects, f"{spec.output_uri.rstrip('/')}/{name}")
        plan = shards.cut(spec.input_uri, self.options.transform_instances)
        self.jobs.create(name, spec_hash(spec), self._request(name, spec, model, shards, plan))

    def _request(
        self, name: str, spec: TransformSpec, model: str, shards: Shards, plan: Plan
    ) -> dict[str, Any]:
        options = self.options
        key = {"KmsKeyId": options.kms_key} if options.kms_key else {}
        volume = options.volume_key(options.transform_instance)
        payload = payload_mb(plan.longest)
        target = f"{spec.output_uri.rstrip('/')}/{spec.input_uri.rstrip('/').rsplit('/', 1)[1]}.out"
        return {
            "TransformJobName": name,
            "ModelName": model,
            "BatchStrategy": "MultiRecord",
            "MaxConcurrentTransforms": 1,
            "MaxPayloadInMB": payload,
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": ANSWER_SECONDS, "InvocationsMaxRetries": 3},
            "Environment": {
                LIMIT_NAME: str(spec.max_seconds),
                OUTPUT_NAME: target,
                QUEUE_NAME: str(payload * 1024**2 // SHORTEST_LINE),
            },
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": shards.input_uri}},
                "ContentType": "application/jsonlines",
                "CompressionType": "None",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": shards.output_uri,
                "Accept": "application/jsonlines",
                "AssembleWith": "Line",
                **key,
            },
            "TransformResources": {
                "InstanceType": options.transform_instance,
                "InstanceCount": min(len(plan.parts), options.transform_instances),
                **volume,
            },
            "Tags": spec_tags(spec.tags, spec_hash(spec)),
        }

    def observed(self, name: str, told: Described) -> Observation:
        """What a description means.

        A transform over its limit is asked to stop. One that is complete is joined, the first time this is asked:
        SUCCEEDED means that the output is there, line for line.
        """
        status = self.jobs.status(told)
        state, reason, output = STATES.get(status, JobState.RUNNING), reason_of(told), None
        limit = int(told.get("Environment", {}).get(LIMIT_NAME, 0) or 0)
        began, ended = told.get("TransformStartTime"), told.get("TransformEndTime")
        taken = seconds_between(began, ended or datetime.now(UTC))
        is_over = bool(limit and taken is not None and taken > limit)
        if state == JobState.RUNNING and is_over:
            self.jobs.stop(name, told)
            state = JobState.STOPPING
        elif state == JobState.STOPPED and is_over:
            state, reason = JobState.TIMED_OUT, f"the transform ran longer than its limit of {limit} s"
        elif state == JobState.SUCCEEDED:
            state, reason, output = self._joined(told)
        if status in {"Failed", "Stopped"}:
            self._shards(told).forget()
        count = int(told.get("TransformResources", {}).get("InstanceCount", 1))
        machine = str(told.get("TransformResources", {}).get("InstanceType", ""))
        return Observation(
            state=state,
            sub_state="" if state.is_final else status,
            progress=1.0 if state == JobState.SUCCEEDED else None,
            failure_reason=reason,
            failure_code=failure_code_of(told) if state == JobState.FAILED else "",
            output_uri=output,
            started_at=began,
            ended_at=ended if state.is_final else None,
            log_tail=self.jobs.log_tail(name),
            instance_type=machine,
            billable_seconds=None if taken is None else round(taken * count),
            price_per_hour=self.options.prices.get(machine),
            log_url=self.jobs.log_url(name),
        )

    def _shards(self, told: Described) -> Shards:
        return Shards(self.objects, str(told["TransformOutput"]["S3OutputPath"]).rsplit("/", 1)[0])

    def _joined(self, told: Described) -> tuple[JobState, str, str | None]:
        target = str(told.get("Environment", {}).get(OUTPUT_NAME, ""))
        shards = self._shards(told)
        if self.objects.size(f"{shards.folder}.joined") is None:
            try:
                shards.join(target)
            except BadOutput as error:
                return JobState.FAILED, str(error), None
            self.objects.mark(f"{shards.folder}.joined")
            shards.forget()
        return JobState.SUCCEEDED, "", target
