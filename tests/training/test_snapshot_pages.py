"""Snapshots looked into, compared, taken away, mended and trained on again."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.errors import Refused
from annotation import actions as annotation
from annotation.models import Ticket
from ml.dataset import fingerprint
from ml.schema import TrainingRow, read_training_rows
from tests import factories
from tests.training.workshop import Workshop
from training import actions, snapshots
from training.models import DatasetSnapshot, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(role: str = "lead") -> Client:
    client = Client()
    client.force_login(factories.person(f"the {role}", role))
    return client


@pytest.fixture(autouse=True)
def _one_backend(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages ask for the backend by the settings; here it is the workshop's."""
    monkeypatch.setattr("training.api.snapshots.backend", lambda: workshop.backend)


def taken(workshop: Workshop) -> DatasetSnapshot:
    return snapshots.snapshot_create(backend=workshop.backend)


def read(client: Client, snapshot: DatasetSnapshot, rest: str = "", **asked: Any) -> Any:
    answer = client.get(f"/api/snapshots/{snapshot.fingerprint}/{rest}", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def compare(before: DatasetSnapshot, after: DatasetSnapshot) -> Any:
    return read(signed_in(), before, f"compare/{after.fingerprint}/")


def changed(before: DatasetSnapshot, after: DatasetSnapshot, kind: str) -> list[dict[str, Any]]:
    return read(signed_in(), before, f"compare/{after.fingerprint}/{kind}/")["results"]


# Looking in


def test_somebody_who_opens_a_snapshot_sees_each_ticket_with_its_service_and_who_said_so(
    workshop: Workshop,
) -> None:
    factories.ticket("This came from the old desk with its label", label="Service 2")
    snapshot = taken(workshop)
    rows = read(signed_in("annotator"), snapshot, "rows/")["results"]
    assert {(row["ticket_id"], row["service"], row["origin"]) for row in rows} == {
        (ticket.pk, ticket.label.code, ticket.label_source)
        for ticket in Ticket.objects.filter(status="labelled").select_related("label")
    }
    assert read(signed_in(), snapshot)["origins"] == {"person": 4, "import": 1}
    only = read(signed_in(), snapshot, "rows/", origin="import")["results"]
    assert [row["excerpt"] for row in only] == ["This came from the old desk with its label"]
    assert len(read(signed_in(), snapshot, "rows/", service="service-2")["results"]) == 3


def test_rows_come_a_page_at_a_time_and_none_twice(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, seen, cursor = taken(workshop), [], ""
    monkeypatch.setattr("training.api.snapshots.PAGE", 3)
    for _ in range(2):
        page = read(signed_in(), snapshot, "rows/", cursor=cursor)
        seen += [row["ticket_id"] for row in page["results"]]
        cursor = page["next"]
    assert cursor is None and sorted(seen) == [ticket.pk for ticket in workshop.tickets[:4]]


def test_a_ticket_whose_text_changed_since_is_marked(workshop: Workshop) -> None:
    snapshot, ticket = taken(workshop), workshop.tickets[0]
    factories.ticket("Quite another text by now", external_id=ticket.external_id, audit=None)
    marked = [row["ticket_id"] for row in read(signed_in(), snapshot, "rows/")["results"] if row["is_edited"]]
    assert marked == [ticket.pk]


def test_the_list_names_the_training_and_the_version_a_snapshot_gave(trained: Workshop) -> None:
    run = trained.until(trained.plan("learn"), "succeeded")
    listed = signed_in().get("/api/snapshots/").json()["results"]
    assert listed[0]["used_by"] == [
        {"run": run.pk, "state": "succeeded", "version": run.model_version.number}
    ]


@pytest.mark.parametrize("name", ["f" * 64, "f" * 12, "abc", "%27", "..", "0" * 200])
def test_a_name_that_is_no_snapshot_s_is_not_found(name: str) -> None:
    assert signed_in().get(f"/api/snapshots/{name}/").status_code == 404


def test_twelve_digits_of_a_fingerprint_are_enough(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    answer = signed_in().get(f"/api/snapshots/{snapshot.fingerprint[:12].upper()}/").json()
    assert answer["fingerprint"] == snapshot.fingerprint


# Comparing


def test_a_comparison_counts_what_came_went_and_flipped_and_shows_the_tickets(workshop: Workshop) -> None:
    before, lead = taken(workshop), factories.person("lea", "lead")
    gone, flipped, edited = workshop.tickets[0], workshop.tickets[1], workshop.tickets[2]
    workshop.label(workshop.tickets[4], 1)
    annotation.ticket_reopen(ticket_id=gone.pk)
    annotation.ticket_relabel(ticket_id=flipped.pk, service_id=workshop.services[0].pk, annotator=lead)
    factories.ticket("Put in other words", external_id=edited.external_id, audit=None)
    edited.refresh_from_db()
    workshop.label(edited, 0)
    after = taken(workshop)
    found = compare(before, after)
    kinds = ("came", "went", "flipped", "edited", "same", "erased")
    assert {kind: found[kind] for kind in kinds} == {
        "came": 1, "went": 1, "flipped": 1, "edited": 1, "same": 1, "erased": 0,
    }  # fmt: skip
    assert found["flips"] == [{"before": "service-2", "after": "service-1", "rows": 1}]
    assert {"service": "service-1", "before": 2, "after": 2, "came": 0, "went": 1} in found["services"]
    assert [row["ticket_id"] for row in changed(before, after, "came")] == [workshop.tickets[4].pk]
    assert [row["ticket_id"] for row in changed(before, after, "went")] == [gone.pk]
    assert [row["ticket_id"] for row in changed(before, after, "edited")] == [edited.pk]
    (row,) = changed(before, after, "flipped")
    assert (row["ticket_id"], row["service_before"], row["service"]) == (flipped.pk, "service-2", "service-1")


def test_a_snapshot_compared_with_itself_shows_no_change(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    found = compare(snapshot, snapshot)
    assert found["same"] == 4 and not found["came"] + found["went"] + found["flipped"] + found["edited"]


def test_erased_tickets_are_counted_apart_and_neither_came_nor_went(workshop: Workshop) -> None:
    before = taken(workshop)
    workshop.label(workshop.tickets[4], 1)
    after = taken(workshop)
    annotation.tickets_erase(ticket_ids=[workshop.tickets[0].pk])
    snapshots.erased_forget(backend=workshop.backend)
    found = compare(before, after)
    assert (found["came"], found["went"], found["same"], found["erased"]) == (1, 0, 3, 1)
    shown = read(signed_in(), before, "rows/")["results"]
    assert {"ticket_id": None, "excerpt": "", "service": "", "service_before": None, "origin": "",
            "is_edited": False} in shown  # fmt: skip


# Taking away


def exported(snapshot: DatasetSnapshot, form: str) -> str:
    answer = signed_in().get(f"/api/snapshots/{snapshot.fingerprint}/export/", {"form": form})
    assert snapshot.fingerprint[:12] in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


def test_an_export_holds_the_very_rows_that_were_learnt(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    rows = [TrainingRow.from_dict(json.loads(line)) for line in exported(snapshot, "jsonl").splitlines()]
    assert fingerprint(rows) == snapshot.fingerprint
    table = list(csv.DictReader(io.StringIO(exported(snapshot, "csv").removeprefix("\ufeff"))))
    assert [(row["id"], row["label"], row["text"]) for row in table] == [
        (r.id, r.label, r.text) for r in rows
    ]


def test_no_cell_of_an_export_is_run_as_a_formula_and_no_erased_text_is_in_it(workshop: Workshop) -> None:
    bad = factories.ticket("=HYPERLINK(1) where is my parcel")
    workshop.label(bad, 0)
    snapshot = taken(workshop)
    assert "'=HYPERLINK" in exported(snapshot, "csv")
    annotation.tickets_erase(ticket_ids=[bad.pk])
    snapshots.erased_forget(backend=workshop.backend)
    assert "HYPERLINK" not in exported(snapshot, "csv") + exported(snapshot, "jsonl")


def test_an_annotator_may_look_but_not_take_away_mend_or_train(workshop: Workshop) -> None:
    client, snapshot = signed_in("annotator"), taken(workshop)
    read(client, snapshot)
    assert client.get(f"/api/snapshots/{snapshot.fingerprint}/export/").status_code == 403
    for what in ("restore", "train"):
        assert client.post(f"/api/snapshots/{snapshot.fingerprint}/{what}/").status_code == 403
    assert client.post("/api/snapshots/").status_code == 403


# Mending, and training again


def content(workshop: Workshop, snapshot: DatasetSnapshot) -> bytes:
    with workshop.backend.open(snapshot.uri) as file:
        return file.read()


def test_a_lost_or_spoilt_file_is_written_again_by_its_fingerprint(workshop: Workshop, tmp_path: Any) -> None:
    snapshot = taken(workshop)
    whole = content(workshop, snapshot)
    assert actions.snapshot_restore(snapshot=snapshot, backend=workshop.backend).whole
    workshop.backend.delete_prefix(snapshot.uri.rsplit("/", 1)[0] + "/")
    assert not actions.snapshot_restore(snapshot=snapshot, backend=workshop.backend).whole
    assert content(workshop, snapshot) == whole
    spoilt = tmp_path / "spoilt"
    spoilt.write_bytes(whole[:50] + b"\n{" + whole[200:])
    workshop.backend.put(spoilt, snapshot.uri)
    assert not actions.snapshot_restore(snapshot=snapshot, backend=workshop.backend).whole
    rows = read_training_rows(content(workshop, snapshot).decode().splitlines())
    assert fingerprint(rows) == snapshot.fingerprint


def test_a_row_that_neither_file_nor_ticket_holds_is_said_and_nothing_is_written(workshop: Workshop) -> None:
    snapshot = taken(workshop)
    annotation.ticket_reopen(
        ticket_id=workshop.tickets[1].pk
    )  # its label went, but the snapshot still knows it
    factories.ticket("Another text by now", external_id=workshop.tickets[0].external_id, audit=None)
    workshop.backend.delete_prefix(snapshot.uri.rsplit("/", 1)[0] + "/")
    with pytest.raises(Refused) as refused:
        actions.snapshot_restore(snapshot=snapshot, backend=workshop.backend)
    assert (refused.value.code, refused.value.params) == ("snapshot_incomplete", {"lost": 1, "rows": 4})
    assert not workshop.backend.exists(snapshot.uri)


def test_mending_never_brings_back_the_text_of_an_erased_ticket(workshop: Workshop, tmp_path: Any) -> None:
    snapshot, erased = taken(workshop), workshop.tickets[0]
    old = tmp_path / "from a backup"
    old.write_bytes(content(workshop, snapshot))
    annotation.tickets_erase(ticket_ids=[erased.pk])
    snapshots.erased_forget(backend=workshop.backend)
    workshop.backend.put(old, snapshot.uri)
    found = actions.snapshot_restore(snapshot=snapshot, backend=workshop.backend)
    assert (found.whole, found.erased) == (False, 1)
    assert erased.text not in content(workshop, snapshot).decode()


def test_a_training_on_an_earlier_snapshot_learns_from_its_rows_alone(trained: Workshop) -> None:
    snapshot = taken(trained)
    trained.label(trained.tickets[4], 1)
    answer = signed_in().post(f"/api/snapshots/{snapshot.fingerprint}/train/")
    assert answer.status_code == 201
    run = TrainingRun.objects.get(pk=answer.json()["run"])
    trained.tell(run, "learn")
    trained.until(run, "succeeded")
    assert run.snapshot == snapshot and run.reason["code"] == "snapshot"
    assert DatasetSnapshot.objects.count() == 1
    again = signed_in().post(f"/api/snapshots/{snapshot.fingerprint}/train/")
    assert again.status_code == 201, "a second one, once the first is over"
    assert (
        signed_in().post(f"/api/snapshots/{snapshot.fingerprint}/train/").json()["error"]["code"]
        == "run_live"
    )


def test_taking_a_snapshot_by_hand_gives_the_same_one_until_labels_change(workshop: Workshop) -> None:
    client = signed_in()
    first = client.post("/api/snapshots/").json()
    assert first["rows"] == 4 and client.post("/api/snapshots/").json()["id"] == first["id"]
