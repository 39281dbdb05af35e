"""What a model answered is loaded: its vectors and predictions, what it refused, and never the answer of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation.models import Ticket
from compute.port import ComputeBackend
from inference import actions, loading, selectors
from inference.models import Embedding, Prediction, TransformRun
from inference.runs import asking
from ml.schema import TransformInput, TransformOutput, WireError, parse_line
from ml.text import text_hash
from tests.inference.cast import drive, make_services, make_ticket, make_tickets, vectors
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)


def answer(version: ModelVersion, ticket: Ticket, **changes: Any) -> TransformOutput:
    given: dict[str, Any] = {
        "id": loading.line_id(ticket.pk, ticket.text_hash),
        "encoder": version.encoder,
        "model": "m",
        "embedding": np.full(version.dim, version.dim**-0.5, np.float32),
    }
    return TransformOutput(**given | changes)


def test_a_refused_text_is_remembered_and_not_asked_again(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    good, bad = make_tickets(2)
    refusal = answer(version, bad, embedding=None, error=WireError("too_long", "no"))
    done = loading.load(version, [answer(version, good), refusal])
    assert (done.answers, done.refusals) == (1, 1)
    assert Embedding.objects.get(ticket=bad).error == "too_long"
    assert not selectors.tickets_missing(version).exists()
    assert selectors.pool_is_covered(version)


def test_the_answer_of_another_encoder_is_not_loaded(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    ticket = make_ticket(1)
    with pytest.raises(loading.BadOutput, match="not"):
        loading.load(version, [answer(version, ticket, encoder="0" * 16)])
    with pytest.raises(loading.BadOutput, match="numbers"):
        loading.load(version, [answer(version, ticket, embedding=np.ones(5, np.float32))])
    assert not Embedding.objects.exists()


def test_what_a_model_says_is_kept_with_how_strange_the_ticket_is_to_it() -> None:
    services, tickets = make_services("card", "parcel"), make_tickets(2)
    version = ModelVersion.objects.create(
        number=1, kind="classifier", artifact_uri="file:///none", manifest_hash="1", encoder="e" * 16, dim=8,
        labels=["card", "parcel"],
    )  # fmt: skip
    chances = np.array([0.25, 0.75], np.float32)
    said = [answer(version, one, probabilities=chances, label="parcel") for one in tickets]
    loading.load(version, [replace(said[0], outlier=0.5), said[1]])
    kept = Prediction.objects.order_by("ticket_id")
    assert [(one.service_id, one.probability, one.outlier) for one in kept] == [
        (services[1].pk, 0.75, 0.5),
        (services[1].pk, 0.75, None),
    ]
    loading.load(version, [replace(one, outlier=0.9) for one in said])
    assert set(Prediction.objects.values_list("outlier", flat=True)) == {0.9}


def test_a_version_that_kept_the_encoder_is_given_the_vectors_of_the_texts_as_they_are_now(
    backend: ComputeBackend, supervisor: object, tmp_path: Path
) -> None:
    tickets = make_tickets(5)
    drive(backend)
    held, current = vectors(), selectors.current_encoder()
    assert current is not None
    changed, new = tickets[2], make_ticket(90)
    changed.text = "hello another parcel"
    changed.text_hash = text_hash(changed.text)
    changed.save()
    for space in (current.fingerprint, "e" * 16):
        version = ModelVersion.objects.create(
            number=ModelVersion.objects.count(), kind="classifier", artifact_uri="file:///none",
            manifest_hash=space, encoder=space, dim=current.dim, labels=["card", "parcel"],
        )  # fmt: skip
        run = TransformRun.objects.create(model_version=version, purpose="pool")
        assert asking.write(run, tmp_path / "tickets.jsonl") == 6
        lines = (tmp_path / "tickets.jsonl").read_text().splitlines()
        asked = [TransformInput.from_dict(parse_line(line)) for line in lines]
        brought = {int(one.id.split(".")[0]): list(one.vector) for one in asked if one.vector is not None}
        known = {pk: vector for pk, vector in held.items() if pk not in (changed.pk, new.pk)}
        assert brought == (known if space == current.fingerprint else {})


def test_an_erased_ticket_is_left_out(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    kept, erased = make_tickets(2)
    gone = answer(version, erased)
    erased.delete()
    loading.load(version, [gone, answer(version, kept), TransformOutput("line 3", "", "")])
    assert list(Embedding.objects.values_list("ticket_id", flat=True)) == [kept.pk]
