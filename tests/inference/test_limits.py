"""Limits of the learner and of embedding: a text of a megabyte, 300 services, one, none; nothing breaks or is lost.

Zero services, one label only, all tickets labelled and zero tickets are in ``test_learner_worker.py`` at the usual
sizes; the desk's side of all of these is in ``tests/annotation/test_limits.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from annotation import actions as annotation
from annotation.ingest import ImportOptions, ingest_records
from annotation.models import QueueItem, Ticket
from compute.port import ComputeBackend
from inference import loading, selectors
from inference.learner.worker import Resident
from inference.models import Embedding, Encoder, TransformRun
from ml.schema import TransformOutput
from tests import factories
from tests.inference.cast import drive, label, make_services, make_ticket, make_tickets, someone
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)
SERVICES = 300
DIM = 64


@pytest.fixture
def space() -> ModelVersion:
    version = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///none", manifest_hash="0", encoder="b" * 16, dim=DIM
    )
    Encoder.objects.create(fingerprint=version.encoder, dim=DIM, model_version=version, is_current=True)
    return version


def embed(version: ModelVersion, tickets: list[Ticket], clouds: int) -> None:
    """Vectors in as many clouds as asked, tickets by turns."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(clouds, DIM))
    for at in range(0, len(tickets), 500):
        answers = []
        for place, ticket in enumerate(tickets[at : at + 500], start=at):
            vector = (centres[place % clouds] + rng.normal(scale=0.2, size=DIM)).astype(np.float32)
            vector /= np.linalg.norm(vector)
            line = loading.line_id(ticket.pk, ticket.text_hash)
            answers.append(TransformOutput(line, version.encoder, "m", vector))
        loading.load(version, answers)


def test_a_text_of_a_megabyte_is_imported_embedded_ranked_and_shown(
    backend: ComputeBackend, supervisor: object, resident: Resident
) -> None:
    text = ("where is my parcel please help " * 40_000)[:1_000_000].strip()
    records = [{"id": f"T{n}", "text": f"my card is lost {factories.spelled(n)}"} for n in range(5)]
    report = ingest_records([*records, {"id": "big", "text": text}], ImportOptions(external_id_column="id"))
    assert (report.created, report.rejected) == (6, 0)
    drive(backend)
    big = Ticket.objects.get(external_id="big")
    vector = Embedding.objects.get(ticket=big, encoder=selectors.current_encoder()).vector
    assert np.isclose(np.linalg.norm(vector), 1.0, atol=1e-3)
    assert TransformRun.objects.get().rejected == 0
    Ticket.objects.update(is_audit=False)
    resident.refresh()
    assert QueueItem.objects.filter(ticket=big).exists()
    client = Client()
    client.force_login(someone())
    assert client.get(f"/api/tickets/{big.pk}/").json()["text"] == text


def test_three_hundred_services_are_learned_ranked_and_offered(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(SERVICES * 3)
    embed(space, tickets, SERVICES)
    services = make_services(*(f"service-{number}" for number in range(SERVICES)))
    for place, ticket in enumerate(tickets[:SERVICES]):
        label(ticket, services[place % SERVICES])
    resident.refresh()
    queued = list(QueueItem.objects.order_by("mode", "position"))
    assert len(queued) == SERVICES * 2
    assert resident.last.labels == SERVICES
    place_of = {ticket.pk: place for place, ticket in enumerate(tickets)}
    suggested = [item for item in queued if item.suggested_service_id]
    right = [
        item for item in suggested
        if item.suggested_service_id == services[place_of[item.ticket_id] % SERVICES].pk
    ]  # fmt: skip
    assert len(suggested) == len(queued)
    assert len(right) > 0.9 * len(queued)
    assert all(0 < len(item.candidates) <= 5 for item in queued)
    item = annotation.queue_claim(annotator=someone(), mode="teach")[0]
    choice = annotation.Answer(key=item.lease, lease=item.lease, kind="label", service_id=services[-1].pk)
    annotation.queue_submit(annotator=someone(), answer=choice)
    resident.refresh()
    assert resident.last.labels == SERVICES + 1


def test_three_hundred_services_with_a_single_label_among_them_still_rank(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(30)
    embed(space, tickets, 5)
    services = make_services(*(f"service-{number}" for number in range(SERVICES)))
    label(tickets[0], services[150])
    resident.refresh()
    assert QueueItem.objects.filter(mode="teach").count() == 29
    assert not QueueItem.objects.exclude(suggested_service=None).exists()


def test_all_labelled_then_one_more_ticket_gives_it_to_the_desk(
    resident: Resident, space: ModelVersion
) -> None:
    tickets = make_tickets(6)
    embed(space, tickets, 3)
    services = make_services()
    for place, ticket in enumerate(tickets):
        label(ticket, services[place % 3])
    resident.refresh()
    assert not QueueItem.objects.filter(mode="teach").exists()
    late = make_ticket(900)
    embed(space, [late], 3)
    resident.refresh()
    assert list(QueueItem.objects.filter(mode="teach").values_list("ticket", flat=True)) == [late.pk]
