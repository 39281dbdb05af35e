"""What is asked of AWS: protected by default, named for good, nothing of S3 listed that is not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from compute.port import EndpointSpec, InvalidSpec, JobState, TrainingSpec
from compute.sagemaker import Options
from compute.sagemaker.names import name_in_account
from tests.compute.cloud import ROLE, CloudHouse
from tests.compute.conftest import until
from tests.compute.sagemaker_double.server import BUCKET

KEY = "arn:aws:kms:eu-west-3:123456789012:key/12345678-1234-1234-1234-123456789012"


def objects_of(house: CloudHouse) -> list[str]:
    return list(house.double.buckets.keys(f"s3://{BUCKET}/{house.prefix}/"))


def is_at_rest(house: CloudHouse) -> bool:
    seen = house.backend.observe_endpoint("live")
    return (seen.state, seen.reason) == ("in_service", "")


def test_a_training_is_asked_for_with_all_that_protects_it(cloud_house: CloudHouse) -> None:
    cloud_house.choose(kms_key=KEY, subnets=("subnet-1",), security_groups=("sg-1",), spot=True)
    cloud_house.train()
    cloud_house.ended()
    asked = cloud_house.jobs("t-1")[0]
    assert asked["EnableNetworkIsolation"] is True and asked["EnableInterContainerTrafficEncryption"] is True
    assert asked["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert asked["OutputDataConfig"]["KmsKeyId"] == asked["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert asked["EnableManagedSpotTraining"] is True
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 3660}
    assert asked["CheckpointConfig"]["S3Uri"].endswith(f"/{cloud_house.job_name('t-1')}/checkpoints")
    regexes = {one["Name"]: one["Regex"] for one in asked["AlgorithmSpecification"]["MetricDefinitions"]}
    assert "train_loss" in regexes and all(len(regex) <= 500 for regex in regexes.values())


@pytest.mark.parametrize(
    ("machine", "has_its_own_disk"),
    [("ml.m5.2xlarge", False), ("ml.g4dn.xlarge", True), ("ml.g5.xlarge", True)],
)
def test_a_machine_with_its_own_disk_is_given_no_key_for_it_because_aws_takes_none(
    machine: str, has_its_own_disk: bool, cloud_house: CloudHouse
) -> None:
    cloud_house.choose(kms_key=KEY, training_instance=machine, transform_instance=machine)
    cloud_house.train()
    cloud_house.transform(["a"])
    asked = cloud_house.jobs("t-1")[0]
    transform = cloud_house.double.called("CreateTransformJob", cloud_house.job_name("b-1"))[0]
    assert ("VolumeKmsKeyId" not in asked["ResourceConfig"]) == has_its_own_disk
    assert ("VolumeKmsKeyId" not in transform["TransformResources"]) == has_its_own_disk
    assert asked["OutputDataConfig"]["KmsKeyId"] == KEY, "what it writes is encrypted all the same"


@pytest.mark.parametrize(
    "machine", ["c5d.large", "m5d.large", "p4d.24xlarge", "p5.48xlarge", "g6e.xlarge", "r6gd.large"]
)
def test_machines_with_a_disk_of_their_own_are_known_by_their_names(machine: str) -> None:
    options = Options(ROLE, "image", "s3://bucket/aig", kms_key=KEY)
    assert options.volume_key(f"ml.{machine}") == {}
    for other in (
        "ml.m5.large",
        "ml.c5.xlarge",
        "ml.p3.2xlarge",
        "ml.m6g.large",
        "ml.inf2.xlarge",
        "ml.r5.large",
    ):
        assert options.volume_key(other) == {"VolumeKmsKeyId": KEY}


def test_a_model_and_its_endpoint_are_protected_too(cloud_house: CloudHouse) -> None:
    cloud_house.choose(subnets=("subnet-1",), security_groups=("sg-1",), endpoint_instances=2)
    for artifact in ("first", "second"):
        cloud_house.backend.put_endpoint(EndpointSpec("live", cloud_house.artifact(artifact)))
        until(lambda: is_at_rest(cloud_house))
    model = cloud_house.double.called("CreateModel", "")[-1]
    assert model["EnableNetworkIsolation"] is True and model["VpcConfig"]["Subnets"] == ["subnet-1"]
    update = cloud_house.double.called("UpdateEndpoint", cloud_house.job_name("live"))[0]
    routing = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]["Value"]) == ("CANARY", 50)
    alarms = update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert len(alarms) == 2, "without alarms nothing would be rolled back"


def test_everything_written_is_encrypted_and_lies_under_the_prefix(cloud_house: CloudHouse) -> None:
    cloud_house.choose(kms_key=KEY)
    cloud_house.train()
    cloud_house.transform(["a", "b"])
    assert cloud_house.ended("t-1").state == cloud_house.ended("b-1").state == JobState.SUCCEEDED
    keys = objects_of(cloud_house)
    assert len(keys) > 4
    for key in keys:
        head = cloud_house.double.buckets.client.head_object(Bucket=BUCKET, Key=key)
        assert head["ServerSideEncryption"] == "aws:kms", key
        if "/checkpoints/" not in key:  # those are the platform's to encrypt, by the bucket's default
            assert head["SSEKMSKeyId"] == KEY, key


def test_only_prefixes_of_ours_are_ever_listed(cloud_house: CloudHouse) -> None:
    listed: list[str] = []
    events = cloud_house.double.clients.s3.meta.events
    events.register(
        "provide-client-params.s3.*", lambda params, **_: listed.append(params.get("Prefix", "-")), "spy"
    )
    try:
        cloud_house.train()
        cloud_house.ended()
        cloud_house.backend.delete_prefix(cloud_house.uri("runs"))
        cloud_house.backend.exists(cloud_house.uri("nothing"))
    finally:
        events.unregister("provide-client-params.s3.*", unique_id="spy")
    prefixes = {one for one in listed if one != "-"}
    assert len(prefixes) >= 3 and all(one.startswith(f"{cloud_house.prefix}/") for one in prefixes)


def test_a_transform_is_cut_into_as_many_parts_as_machines_and_joined_in_order(
    cloud_house: CloudHouse,
) -> None:
    cloud_house.choose(transform_instances=3)
    source = cloud_house.folder / "b-1.jsonl"
    lines = [json.dumps({"id": str(n), "text": f"t{n}"}) for n in range(200)]
    lines[0], lines[150], lines[199] = "", "", " "
    source.write_text("\n".join(lines) + "\n")
    cloud_house.transform([])
    assert cloud_house.ended("b-1").state == JobState.SUCCEEDED
    asked = cloud_house.double.called("CreateTransformJob", cloud_house.job_name("b-1"))[0]
    assert asked["TransformResources"]["InstanceCount"] == 3
    ids = [record["id"] for record in cloud_house.output()]
    expected = [str(n) for n in range(200)]
    expected[0], expected[150], expected[199] = "line 1", "line 151", "line 200"
    assert ids == expected
    left = [key.rsplit("/", 1)[1] for key in objects_of(cloud_house) if "/out/" in key]
    assert sorted(left) == ["b-1.jsonl.out", f"{cloud_house.job_name('b-1')}.joined"], (
        "no texts are left behind"
    )


@pytest.mark.parametrize(("longest", "payload"), [(1, 1), (900_000, 1), (1_000_000, 2), (4_900_000, 6)])
def test_a_call_of_a_transform_is_as_small_as_its_longest_line_lets_it(
    longest: int, payload: int, cloud_house: CloudHouse
) -> None:
    cloud_house.transform(["short", "x" * longest])
    cloud_house.ended("b-1")
    asked = cloud_house.double.called("CreateTransformJob", cloud_house.job_name("b-1"))[0]
    assert asked["MaxPayloadInMB"] == payload
    lines = payload * 1024**2 // len('{"id":"","text":""}\n')
    assert int(asked["Environment"]["SERVE_QUEUE_RECORDS"]) >= lines, "a full call would be refused"
    assert [len(str(record["said"])) for record in cloud_house.output()] == [5, longest]


def test_a_base_model_of_this_machine_is_sent_once(cloud_house: CloudHouse) -> None:
    base = cloud_house.folder / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    for name in ("t-1", "t-2"):
        spec = cloud_house.training(name)
        channels = {**spec.channels, "base": base.as_uri()}
        given = TrainingSpec(name, channels, spec.hyperparameters, spec.output_uri, 60)
        cloud_house.backend.start_training(given)
        assert cloud_house.ended(name).state == JobState.SUCCEEDED
    sent = [key for key in objects_of(cloud_house) if "/channels/" in key]
    assert len(sent) == 2 and sum(key.endswith("/config.json") for key in sent) == 1


def test_what_a_job_costs_is_told_in_billed_seconds_of_its_machine(cloud_house: CloudHouse) -> None:
    cloud_house.train()
    cloud_house.transform(["a"])
    trained, transformed = cloud_house.ended("t-1"), cloud_house.ended("b-1")
    assert (trained.instance_type, transformed.instance_type) == ("ml.m5.2xlarge", "ml.m5.2xlarge")
    assert trained.billable_seconds is not None and trained.billable_seconds >= 1
    assert transformed.billable_seconds is not None


def test_a_model_is_registered_once_and_waits_for_its_approval(cloud_house: CloudHouse) -> None:
    packages, artifact = cloud_house.backend.packages, cloud_house.artifact()
    arn = packages.register(artifact, {"accuracy": 0.9}, {"run": "7", "snapshot": "abc"})
    assert packages.register(artifact, {"accuracy": 0.9}, {"run": "7", "snapshot": "abc"}) == arn
    assert packages.status(arn) == "PendingManualApproval"
    packages.approve(arn, True, "chloe and admin: precision holds on 1,000 controls")
    assert packages.status(arn) == "Approved"
    packages.approve(arn, False, "rolled back")
    assert packages.status(arn) == "Rejected"


def test_a_call_carries_an_inference_id_that_a_repetition_shares(cloud_house: CloudHouse) -> None:
    cloud_house.backend.put_endpoint(EndpointSpec("live", cloud_house.artifact()))
    until(lambda: cloud_house.backend.observe_endpoint("live").state == "in_service")
    for text in ("a", "a", "b"):
        cloud_house.backend.invoke("live", [{"id": "1", "text": text}], 10)
    ids = cloud_house.double.endpoints[cloud_house.job_name("live")].inference_ids
    assert ids[0] == ids[1] != ids[2] and all(ids)


def test_a_broken_download_goes_on_where_it_was(cloud_house: CloudHouse) -> None:
    content = bytes(range(256)) * 20_000
    (cloud_house.folder / "large").write_bytes(content)
    cloud_house.backend.put(cloud_house.folder / "large", cloud_house.uri("large"))
    stream = cloud_house.backend.open(cloud_house.uri("large"))
    first = stream.read(100_000)
    raw = stream.raw  # type: ignore[attr-defined]
    whole, raw._body.read = raw._body.read, _broken
    assert first + stream.read() == content
    assert whole != raw._body


def _broken(*_: Any) -> bytes:
    raise ReadTimeoutError(endpoint_url="s3")


# Settings


GIVEN = {
    "SAGEMAKER_ROLE_ARN": ROLE,
    "SAGEMAKER_IMAGE": "123.dkr.ecr.eu-west-3.amazonaws.com/aiguilleur@sha256:1",
}


def test_role_image_and_bucket_are_enough_and_protection_is_on() -> None:
    options = Options.from_environment(
        {**GIVEN, "SAGEMAKER_BATCH": "true", "PATH": "/bin"}, "s3://bucket/aig/"
    )
    assert options.network_isolation and options.encrypt_between_containers and options.spot
    assert options.artifacts_uri == "s3://bucket/aig" and options.vpc is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SAGEMAKER_ROLE_ARN": ""}, "needs SAGEMAKER_ROLE_ARN"),
        ({"SAGEMAKER_ROLE_ARN": "admin"}, "SAGEMAKER_ROLE_ARN"),
        ({"SAGEMAKER_SPOT": "maybe"}, "SAGEMAKER_SPOT"),
        ({"SAGEMAKER_CANARY_PERCENT": "51"}, "SAGEMAKER_CANARY_PERCENT"),
        ({"SAGEMAKER_SUBNETS": "subnet-1"}, "go together"),
        ({"SAGEMAKER_INSTANCE": "ml.m5.large"}, "no setting SAGEMAKER_INSTANCE"),
        ({"SAGEMAKER_PRICES": "ml.m5.large"}, "SAGEMAKER_PRICES"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSpec, match=said):
        Options.from_environment(GIVEN | change, "s3://bucket/aig")


@pytest.mark.parametrize("uri", ["file:///tmp/x", "s3://bucket", "s3://bucket/", "s3://Bucket/x"])
def test_artifacts_must_have_a_prefix_of_a_bucket(uri: str) -> None:
    with pytest.raises(InvalidSpec, match="ARTIFACTS_URI"):
        Options.from_environment(GIVEN, uri)


def test_settings_are_read_in_their_own_kinds() -> None:
    chosen = {
        "SAGEMAKER_SUBNETS": "a, b",
        "SAGEMAKER_SECURITY_GROUPS": "c",
        "SAGEMAKER_PRICES": "ml.m5.large=0.1",
    }
    options = Options.from_environment({**GIVEN, **chosen, "SAGEMAKER_SPOT": "0"}, "s3://bucket/aig")
    assert (options.subnets, options.spot, options.prices) == (("a", "b"), False, {"ml.m5.large": 0.1})


def test_a_name_too_long_for_the_account_stays_its_own() -> None:
    one, other = (name_in_account("aiguilleur", "x" * 60 + end) for end in ("a", "b"))
    assert len(one) <= 63 and one != other and name_in_account("aiguilleur", "x") == "aiguilleur-x"
