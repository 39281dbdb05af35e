"""`BASE_MODEL=<folder>` with the shape of bert-base-uncased, from the setting to live answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compute.port import EndpointSpec, TransformSpec
from ml.schema import TransformOutput, dump_line
from tests.compute.conftest import House, until
from tests.inference.cast import label, make_services, make_ticket
from tests.ml.conftest import training_rows, write_bert
from training import actions, runs
from training.models import ModelVersion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.heavy, pytest.mark.timeout(1200)]

PROGRAMS = ["--train", f"{sys.executable} -m ml train", "--serve", f"{sys.executable} -m ml serve"]
ROWS = 150  # enough to hold some back, so that the twelve layers really are fine-tuned


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> Any:
    made = House(tmp_path)
    settings.ARTIFACTS_URI = made.artifacts.as_uri()
    settings.BASE_MODEL = str(write_bert(tmp_path / "bert base", hidden=768, layers=12, heads=12))
    made.supervise(*PROGRAMS)
    yield made
    made.close()


def test_a_folder_like_bert_base_uncased_is_trained_and_served(house: House) -> None:
    services = {service.code: service for service in make_services()}
    for number, row in enumerate(training_rows(ROWS)):
        label(
            make_ticket(number, f"{row.text} {'abcdefghij'[number % 10] * (1 + number // 10)}"),
            services[row.label],
        )
    actions.policy_update(epochs=1, max_seconds=600)
    run = actions.run_start(reason={"code": "asked_for", "params": {}})

    def ended() -> bool:
        runs.advance(run.pk, house.backend)
        run.refresh_from_db()
        return not run.is_live

    for _ in range(8):
        try:
            until(ended, "the training")
            break
        except AssertionError:
            assert run.state == "running", (run.state, run.log_tail)
    assert run.state == "succeeded", run.failure_reason
    version = ModelVersion.objects.get()
    assert (version.dim, version.manifest["base_model"]) == (768, "bert base")
    assert version.manifest["metrics"]["steps"] >= 1, "not the head alone: the encoder was fine-tuned"
    assert version.labels == ["card", "parcel", "refund"]

    source = house.artifacts / "batch.jsonl"
    source.write_text(
        "".join(dump_line({"id": str(n), "text": text}) for n, text in enumerate(["my card", "", "refund"]))
    )
    house.backend.start_transform(
        TransformSpec("batch", version.artifact_uri, source.as_uri(), house.uri("out"), 300)
    )
    assert house.ended("batch").state == "succeeded"
    answers = [TransformOutput.from_dict(record) for record in house.output("batch")]
    assert [answer.error is None for answer in answers] == [True, False, True]

    house.backend.put_endpoint(EndpointSpec("live", version.artifact_uri))
    until(lambda: house.backend.observe_endpoint("live").state == "in_service")
    live = TransformOutput.from_dict(house.backend.invoke("live", [{"id": "0", "text": "my card"}], 60)[0])
    assert live.encoder == version.encoder and live.embedding is not None and live.probabilities is not None
    assert live.embedding.shape == (768,) and np.isclose(np.linalg.norm(live.embedding), 1, atol=1e-4)
    assert np.allclose(live.embedding, answers[0].embedding, atol=1e-4), (
        "live and in a batch, the same vector"
    )
    assert np.isclose(live.probabilities.sum(), 1, atol=1e-4)
