"""The whole loop in the cloud, with the container's real programs, through the double: nothing is acted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compute.port import EndpointBusy, EndpointSpec, JobState, TrainingSpec
from ml.archive import unpack_artifact
from ml.container import make_encoder_artifact
from ml.schema import TransformOutput, dump_line
from tests.compute.cloud import REAL, CloudHouse
from tests.compute.conftest import until
from tests.ml.conftest import training_rows, write_bert

TEXT = {"id": "7", "text": "my card is lost"}


def wish(house: CloudHouse, name: str, artifact: str) -> None:
    """Wish for an endpoint until it answers with this artifact."""

    def answers() -> bool:
        try:
            house.backend.put_endpoint(EndpointSpec(name, artifact))
        except EndpointBusy:
            return False
        seen = house.backend.observe_endpoint(name)
        return (seen.state, seen.artifact_uri, seen.reason) == ("in_service", artifact, "")

    until(answers, f"{name} on {artifact}", lambda: house.backend.observe_endpoint(name), pause=0.2)


def answer(house: CloudHouse, name: str) -> TransformOutput:
    return TransformOutput.from_dict(house.backend.invoke(name, [TEXT], 30)[0])


@pytest.mark.heavy
def test_labels_become_a_model_that_is_observed_promoted_and_rolled_back(
    cloud_house: CloudHouse, tmp_path: Path
) -> None:
    house = cloud_house
    house.choose(image=REAL, spot=True)

    # Labels accumulate, and a training learns from them.
    (house.folder / "labelled").mkdir()
    rows = "".join(dump_line(row.__dict__) for row in training_rows(300))
    (house.folder / "labelled" / "rows.jsonl").write_text(rows)
    base = write_bert(tmp_path / "bert")
    channels = {"train": house.given(house.folder / "labelled"), "base": base.as_uri()}
    spec = TrainingSpec("train-r1-a1", channels, {"epochs": "1"}, house.uri("training"), 300)
    house.backend.start_training(spec)
    house.backend.start_training(replace(spec, tags={"delivery": "2"}))
    trained = house.ended(spec.name)
    assert trained.state == JobState.SUCCEEDED, trained
    assert "validation_accuracy" in trained.metrics and trained.artifact_uri is not None
    house.backend.get(trained.artifact_uri, tmp_path / "model.tar.gz")
    manifest = unpack_artifact(tmp_path / "model.tar.gz", tmp_path / "model")
    assert manifest.kind == "classifier"

    # The registry knows it, waiting for people.
    packages = house.backend.packages
    arn = packages.register(
        trained.artifact_uri, dict(trained.metrics), {"run": "1", "encoder": manifest.encoder}
    )
    assert packages.status(arn) == "PendingManualApproval"

    # It is judged on a batch: one answer per ticket, in order.
    house.transform(["my card is lost", "", "where is my parcel"], "audit", trained.artifact_uri)
    judged = house.ended("audit")
    assert judged.state == JobState.SUCCEEDED, judged
    outputs = [TransformOutput.from_dict(record) for record in house.output("audit")]
    assert [output.id for output in outputs] == ["0", "1", "2"]
    assert outputs[0].label in {"card", "parcel", "refund"}

    # Production answers with the former model; the observer sees the same ticket beside it.
    make_encoder_artifact(base, house.folder / "former" / "model.tar.gz")
    former = house.given(house.folder / "former" / "model.tar.gz")
    wish(house, "production", former)
    wish(house, "observer", trained.artifact_uri)
    assert answer(house, "production").label is None
    assert answer(house, "observer").label == outputs[0].label

    # Two people approve: promotion is an update of production, and the observer goes.
    packages.approve(arn, True, "two people, on the audit set")
    wish(house, "production", trained.artifact_uri)
    house.backend.delete_endpoint("observer")
    assert answer(house, "production").label == outputs[0].label
    until(lambda: house.backend.observe_endpoint("observer").state == "absent")

    # And back, as quickly as forth.
    wish(house, "production", former)
    packages.approve(arn, False, "rolled back")
    assert answer(house, "production").label is None
    assert len(house.jobs("train-r1-a1")) == 1
