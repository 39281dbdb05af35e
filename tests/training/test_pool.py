"""The unlabelled tickets a training is given: which, where, for how long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.models import Ticket
from compute.local import LocalBackend
from tests import factories
from training import snapshots
from training.models import TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backend(tmp_path: Path, settings: Any) -> LocalBackend:
    settings.ARTIFACTS_URI = (tmp_path / "artifacts").as_uri()
    return LocalBackend(tmp_path / "spool", tmp_path / "artifacts")


def pool_of(run: TrainingRun, backend: LocalBackend) -> list[dict[str, str]]:
    with backend.open(f"{snapshots.pool_folder(run)}/rows.jsonl") as file:
        return [json.loads(line) for line in file.read().splitlines()]


def test_the_pool_holds_open_tickets_only_and_never_an_audit_ticket(backend: LocalBackend) -> None:
    billing = factories.service("Billing")
    taught, control, open_one = (factories.ticket(f"ticket about {word}") for word in ("one", "two", "three"))
    factories.labelled(taught, billing)
    Ticket.objects.filter(pk=control.pk).update(is_audit=True)
    run = TrainingRun.objects.create(reason={}, hyperparameters={}, base_model="")
    snapshots.pool_write(run, backend=backend)
    assert pool_of(run, backend) == [{"id": str(open_one.pk), "text": open_one.text}]


def test_of_near_duplicates_one_is_enough(backend: LocalBackend) -> None:
    members = factories.tickets(4)
    Ticket.objects.filter(pk__in=[members[0].pk, members[1].pk]).update(group="same")
    run = TrainingRun.objects.create(reason={}, hyperparameters={}, base_model="")
    snapshots.pool_write(run, backend=backend)
    assert len(pool_of(run, backend)) == 3


def test_the_pool_is_written_again_for_another_attempt_and_forgotten_in_the_end(
    backend: LocalBackend,
) -> None:
    factories.tickets(2)
    run = TrainingRun.objects.create(reason={}, hyperparameters={}, base_model="")
    other = TrainingRun.objects.create(reason={}, hyperparameters={}, base_model="", state="failed")
    for one in (run, run, other):
        snapshots.pool_write(one, backend=backend)
    snapshots.pool_forget(run, backend=backend)
    snapshots.pool_forget(run, backend=backend)
    assert not backend.exists(f"{snapshots.pool_folder(run)}/rows.jsonl")
    assert len(pool_of(other, backend)) == 2
