"""``manage.py written_effect`` over an installation's rows."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotation.actions.written import tickets_write
from annotation.models import Ticket
from inference.models import Embedding, Encoder
from ml.text import group_key, text_hash
from tests import factories
from training.models import ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def encoder() -> Encoder:
    version = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///x", manifest_hash="0", encoder="e" * 16, dim=4
    )
    return Encoder.objects.create(fingerprint="e" * 16, dim=4, model_version=version, is_current=True)


def embed(encoder: Encoder, tickets: list[Ticket]) -> None:
    rng = np.random.default_rng(len(tickets))
    for ticket in tickets:
        point = 3 * np.eye(4)[ticket.label_id % 4] + rng.normal(size=4)
        vector = point / np.linalg.norm(point)
        Embedding.objects.create(ticket=ticket, encoder=encoder, text_hash=ticket.text_hash, vector=vector)


def test_it_says_for_each_service_what_the_written_tickets_change(encoder: Encoder, tmp_path: Path) -> None:
    services = factories.services(2)
    words = [factories.spelled(n) for n in range(40)]
    real = Ticket.objects.bulk_create(
        Ticket(
            external_id=word, text=word, text_hash=text_hash(word), group=group_key(word), received_at=timezone.now(),
            audit_rank=0, status="labelled", label=services[n % 2], labelled_at=timezone.now(),
        )
        for n, word in enumerate(words)
    )  # fmt: skip
    with pytest.raises(CommandError, match="write some first"):
        call_command("written_effect")
    texts = [f"{factories.spelled(n)} {factories.spelled(n * 7)} written parcel" for n in range(100, 106)]
    made = tickets_write(service_id=services[0].pk, texts=texts, author=factories.person("erin", "reviewer"))
    embed(encoder, real)
    with pytest.raises(CommandError, match="no vector yet"):
        call_command("written_effect")
    embed(encoder, list(Ticket.objects.filter(pk__in=[one.ticket_id for one in made])))
    said, out = StringIO(), tmp_path / "out.json"
    call_command("written_effect", stdout=said, json=out)
    found = json.loads(out.read_text())
    assert found["real"] == 40 and found["services"][0]["written"] == 6
    assert "Of 40 real tickets" in said.getvalue() and "service-1" in said.getvalue()
