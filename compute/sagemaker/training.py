"""Training jobs: the request, and what SageMaker's words mean."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from compute.metrics import METRIC_DEFINITIONS, phase
from compute.objects import existing
from compute.port import ArtifactMissing, JobState, Observation, TrainingSpec, spec_hash
from compute.sagemaker.clients import Clients
from compute.sagemaker.jobs import Described, Jobs, failure_code_of, reason_of
from compute.sagemaker.names import spec_tags
from compute.sagemaker.objects import S3Objects
from compute.sagemaker.options import Options

STATES = {
    "InProgress": JobState.RUNNING,
    "Completed": JobState.SUCCEEDED,
    "Failed": JobState.FAILED,
    "Stopping": JobState.STOPPING,
    "Stopped": JobState.STOPPED,
}
LIMITS = {
    "MaxRuntimeExceeded": "the training ran longer than its limit of {seconds} s",
    "MaxWaitTimeExceeded": "no spare machine was found within {wait} s",
}


class Trainings:
    """Training jobs by their names in the account."""

    def __init__(self, clients: Clients, options: Options, objects: S3Objects) -> None:
        self.options = options
        self.objects = objects
        self.jobs = Jobs(clients, "training")

    def start(self, name: str, spec: TrainingSpec) -> None:
        self.objects.writable(spec.output_uri)
        if not self.jobs.is_known(name, spec_hash(spec)):
            self.jobs.create(name, spec_hash(spec), self._request(name, spec))

    def _request(self, name: str, spec: TrainingSpec) -> dict[str, Any]:
        options, output = self.options, spec.output_uri.rstrip("/")
        key = {"KmsKeyId": options.kms_key} if options.kms_key else {}
        volume = options.volume_key(options.training_instance)
        limits = {"MaxRuntimeInSeconds": spec.max_seconds}
        if options.spot:
            limits["MaxWaitTimeInSeconds"] = spec.max_seconds + options.spot_wait_seconds
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": options.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": options.training_image or options.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": n, "Regex": r} for n, r in METRIC_DEFINITIONS.items()],
            },
            "HyperParameters": spec.hyperparameters,
            "InputDataConfig": [self._channel(channel, uri) for channel, uri in sorted(spec.channels.items())],
            "OutputDataConfig": {"S3OutputPath": output, **key},
            "CheckpointConfig": {"S3Uri": f"{output}/{name}/checkpoints"},
            "ResourceConfig": {
                "InstanceType": options.training_instance, "InstanceCount": 1,
                "VolumeSizeInGB": options.training_volume_gb, **volume,
            },
            "StoppingCondition": limits,
            "EnableManagedSpotTraining": options.spot,
            "EnableNetworkIsolation": options.network_isolation,
            "EnableInterContainerTrafficEncryption": options.encrypt_between_containers,
            "Environment": spec.environment,
            "Tags": spec_tags(spec.tags, spec_hash(spec)),
        }  # fmt: skip
        if options.vpc:
            request["VpcConfig"] = options.vpc
        return request

    def _channel(self, channel: str, uri: str) -> dict[str, Any]:
        """A folder ends with a slash: S3's prefixes would else take in the folders whose names begin alike."""
        if uri.startswith("file://"):
            uri = self._sent(existing(uri))
        if self.objects.size(uri) is None:
            uri = f"{uri.rstrip('/')}/"
            if not any(True for _ in self.objects.names_under(uri, at_most=1)):
                raise ArtifactMissing(f"nothing at {uri}")
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": channel, "DataSource": {"S3DataSource": source}, "InputMode": "File"}

    def _sent(self, local: Path) -> str:
        """The address in S3 of what lies on this machine (the embedded base model); sent once, named by content."""
        files = sorted(path for path in local.rglob("*") if path.is_file()) if local.is_dir() else [local]
        found = hashlib.sha256()
        for path in files:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            found.update(f"{path.relative_to(local).as_posix()} {content}\n".encode())
        folder = f"{self.objects.root}/channels/{found.hexdigest()[:16]}"
        if self.objects.size(f"{folder}.whole") is None:
            target = folder if local.is_dir() else f"{folder}/{local.name}"
            self.objects.put(local, target)
            self.objects.mark(f"{folder}.whole")
        return folder

    def observed(self, name: str, told: Described) -> Observation:
        """What a description means. A status nobody knew when this was written is a job under way."""
        status, secondary = told.get("TrainingJobStatus", ""), str(told.get("SecondaryStatus", ""))
        state = STATES.get(status, JobState.RUNNING)
        reason = reason_of(told)
        if state == JobState.STOPPED and secondary in LIMITS:
            limits = told.get("StoppingCondition", {})
            seconds, wait = limits.get("MaxRuntimeInSeconds"), limits.get("MaxWaitTimeInSeconds")
            state, reason = JobState.TIMED_OUT, LIMITS[secondary].format(seconds=seconds, wait=wait)
        artifact = told.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        if state == JobState.SUCCEEDED and (not artifact or self.objects.size(artifact) is None):
            state, reason = JobState.FAILED, "the program ended well but left no usable artifact"
        log = self.jobs.log_tail(name)
        found = {one["MetricName"]: float(one["Value"]) for one in told.get("FinalMetricDataList", [])}
        progress = found.get("progress")
        phases = [said for line in log.splitlines() if (said := phase(line))]
        billed = told.get("BillableTimeInSeconds", told.get("TrainingTimeInSeconds"))
        machine = str(told.get("ResourceConfig", {}).get("InstanceType", ""))
        return Observation(
            state=state,
            sub_state="" if state.is_final else secondary or str(status),
            progress=1.0 if state == JobState.SUCCEEDED else progress and min(1.0, max(0.0, progress)),
            metrics=found,
            phase=phases[-1] if phases else "",
            failure_reason=reason,
            failure_code=failure_code_of(told) if state == JobState.FAILED else "",
            artifact_uri=artifact if state == JobState.SUCCEEDED else None,
            started_at=told.get("TrainingStartTime"),
            ended_at=told.get("TrainingEndTime") if state.is_final else None,
            log_tail=log,
            instance_type=machine,
            billable_seconds=None if billed is None else int(billed),
            price_per_hour=self.options.prices.get(machine),
            log_url=self.jobs.log_url(name),
        )
