"""Snapshots: exactly what a model is trained on, for ever, but for what people had erased."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.errors import Refused
from annotation import actions as annotation
from annotation.models import Ticket
from ml.dataset import fingerprint, fingerprint_of_hashes, split_by_group
from ml.schema import TrainingRow, read_training_rows
from tests import factories
from tests.training.workshop import Workshop, waiting
from training import nudges, snapshots
from training.models import DatasetSnapshot, SnapshotRow

pytestmark = pytest.mark.django_db(transaction=True)


def taken(workshop: Workshop) -> DatasetSnapshot:
    return snapshots.snapshot_create(backend=workshop.backend)


def content(workshop: Workshop, snapshot: DatasetSnapshot) -> bytes:
    with workshop.backend.open(snapshot.uri) as file:
        return file.read()


def rows(workshop: Workshop, snapshot: DatasetSnapshot) -> list[TrainingRow]:
    return list(read_training_rows(content(workshop, snapshot).decode().splitlines()))


def test_a_snapshot_holds_each_label_that_may_train_and_counts_them(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    held = {row.id: (row.text, row.label) for row in rows(workshop, snapshot)}
    assert held == {
        str(ticket.pk): (ticket.text, ticket.label.code)
        for ticket in Ticket.objects.filter(status="labelled").select_related("label")
    }
    assert (snapshot.rows, snapshot.services) == (4, {"service-1": 2, "service-2": 2})


def test_its_name_is_the_hash_of_the_row_hashes_whatever_their_order(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    held = rows(workshop, snapshot)
    assert snapshot.fingerprint == fingerprint(held) == fingerprint(held[::-1])
    kept = SnapshotRow.objects.order_by("-pk").values_list("row_hash", flat=True)
    assert snapshot.fingerprint == fingerprint_of_hashes(kept)


def test_the_same_labels_are_the_same_snapshot_and_another_label_makes_another(workshop: Workshop) -> None:
    first = taken(workshop)
    assert taken(workshop) == first
    workshop.label(workshop.tickets[4], 1)
    assert taken(workshop) != first
    assert DatasetSnapshot.objects.count() == 2


def test_what_people_say_afterwards_changes_nothing_in_it(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    before = content(workshop, snapshot)
    lead = factories.person("lea", "lead")
    annotation.ticket_relabel(
        ticket_id=workshop.tickets[0].pk, service_id=workshop.services[1].pk, annotator=lead
    )
    annotation.ticket_reopen(ticket_id=workshop.tickets[1].pk)
    taken(workshop)
    snapshot.refresh_from_db()
    assert content(workshop, snapshot) == before
    assert SnapshotRow.objects.get(snapshot=snapshot, ticket=workshop.tickets[0]).code == "service-1"


def test_it_holds_masked_text_alone(workshop: Workshop, settings: Any) -> None:
    settings.KEEP_ORIGINAL_TEXT = True
    ticket = factories.ticket("Write to eve@example.com or call +33 6 12 34 56 78 about my parcel")
    workshop.label(ticket, 0)
    written = content(workshop, taken(workshop)).decode()
    assert "about my parcel" in written
    assert "eve@example.com" not in written and "12 34 56 78" not in written


def test_it_holds_no_audit_label_and_none_of_a_service_switched_off(workshop: Workshop) -> None:
    control, other = factories.ticket(audit=True), factories.ticket("something else entirely")
    third = factories.service("Third")
    workshop.label(control, 0)
    workshop.label(other, third)
    third.is_active = False
    third.save(update_fields=["is_active"])
    snapshot = taken(workshop)
    held = {int(row.id) for row in rows(workshop, snapshot)}
    assert Ticket.objects.get(pk=control.pk).status == "labelled"
    assert not held & {control.pk, other.pk} and snapshot.rows == 4
    assert not SnapshotRow.objects.filter(ticket__in=[control, other]).exists()


def test_near_duplicates_share_their_group_and_never_fall_on_both_sides_of_a_split(
    workshop: Workshop,
) -> None:
    for number in range(12):
        for _ in range(2):
            ticket = factories.ticket(f"The very same words {factories.spelled(number)}", audit=False)
            if Ticket.objects.get(pk=ticket.pk).status == "open":
                workshop.label(ticket, number % 2)
    held = rows(workshop, taken(workshop))
    assert len(held) == 4 + 24 and len({row.group for row in held}) == 4 + 12
    train, validation = split_by_group(held, 0.3, 13)
    assert validation and not {row.group for row in train} & {row.group for row in validation}


def test_labels_of_one_service_alone_are_refused(workshop: Workshop) -> None:
    workshop.services[1].is_active = False
    workshop.services[1].save(update_fields=["is_active"])
    with pytest.raises(Refused, match="two services"):
        taken(workshop)
    assert not DatasetSnapshot.objects.exists()


# Erasure


def test_an_erased_ticket_leaves_a_tombstone_and_the_fingerprint_still_holds(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    erased = workshop.tickets[0]
    annotation.tickets_erase(ticket_ids=[erased.pk])
    assert snapshots.erased_forget(backend=workshop.backend) == 1
    written = content(workshop, snapshot).decode()
    assert erased.text not in written and len(written.splitlines()) == 4
    assert len(rows(workshop, snapshot)) == 3
    lost = SnapshotRow.objects.get(ticket=None)
    assert lost.code == "" and json.dumps(lost.row_hash) in written
    assert snapshot.fingerprint == fingerprint_of_hashes(
        SnapshotRow.objects.values_list("row_hash", flat=True)
    )
    assert snapshots.erased_forget(backend=workshop.backend) == 0
    annotation.tickets_erase(ticket_ids=[workshop.tickets[1].pk])
    assert snapshots.erased_forget(backend=workshop.backend) == 1
    assert len(rows(workshop, snapshot)) == 2


def test_erasing_asks_at_once_that_snapshots_forget(workshop: Workshop) -> None:
    before = waiting(nudges.FORGET)
    annotation.tickets_erase(ticket_ids=[workshop.tickets[0].pk])
    assert waiting(nudges.FORGET) == before + 1


def test_a_retry_over_a_tombstone_trains_on_what_is_left(trained: Workshop) -> None:
    run = trained.until(trained.plan("complain"), "failed")
    annotation.tickets_erase(ticket_ids=[trained.tickets[0].pk])
    snapshots.erased_forget(backend=trained.backend)
    from training import actions

    actions.run_retry(run_id=run.pk)
    run.refresh_from_db()
    trained.tell(run, "learn")
    trained.until(run, "succeeded")
    assert run.model_version.labels == ["service-1", "service-2"]


def test_a_ticket_erased_while_the_snapshot_is_made_leaves_no_text_behind(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workshop.backend.put

    def erased_after(path: Path, uri: str) -> None:
        real(path, uri)
        monkeypatch.undo()
        annotation.tickets_erase(ticket_ids=[workshop.tickets[0].pk])

    monkeypatch.setattr(workshop.backend, "put", erased_after)
    with pytest.raises(IntegrityError):
        taken(workshop)
    files = [path for path in workshop.house.artifacts.rglob("*") if path.is_file()]
    assert files == [] and not DatasetSnapshot.objects.exists()
    assert taken(workshop).rows == 3
