"""What becomes of a row: taken once, checked by itself, changed when it changes, labelled as asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.ingest import ImportOptions, Report, import_file, ingest_records
from annotation.models import Annotation, AnswerKey, QueueItem, Service, Ticket
from annotation.signals import tickets_ingested
from tests import factories

pytestmark = pytest.mark.django_db

ALL = ImportOptions(
    external_id_column="id",
    label_column="service",
    received_at_column="at",
    channel_column="channel",
    language_column="language",
    all_metadata=True,
)


def take(*records: Any, options: ImportOptions = ALL) -> Report:
    return ingest_records(records, options)


def codes(report: Report) -> list[tuple[int, str]]:
    return [(error["line"], error["code"]) for error in report.errors]


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.rejected


def one() -> Ticket:
    return Ticket.objects.get()


def test_every_column_finds_its_place() -> None:
    factories.service("Delivery")
    take(
        {"id": "A1", "text": " Where is it? ", "service": "delivery", "at": "2024-03-01T10:00:00Z"}
        | {
            "channel": "mail",
            "language": "FR",
            "shop": "Paris",
            "vip": True,
            "tags": ["a", {"b": 1.5}],
            "none": None,
        }
    )
    ticket = one()
    assert (ticket.external_id, ticket.text, ticket.channel, ticket.language) == (
        "A1", "Where is it?", "mail", "fr",
    )  # fmt: skip
    assert ticket.received_at == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert ticket.metadata == {"shop": "Paris", "vip": True, "tags": ["a", {"b": 1.5}]}


def test_the_same_records_twice_change_nothing() -> None:
    factories.service("Delivery")
    records = [
        {"id": f"A{n}", "text": f"Question {factories.spelled(n)}", "service": "Delivery", "at": "2024-03-01"}
        | {"channel": "mail", "language": "en", "price": 12.5, "big": 10**20}
        for n in range(30)
    ]
    assert counts(take(*records)) == (30, 0, 0, 0)
    before = list(Ticket.objects.order_by("id").values())
    labels = Annotation.objects.count()
    assert counts(take(*records)) == (0, 0, 30, 0)
    assert list(Ticket.objects.order_by("id").values()) == before
    assert Annotation.objects.count() == labels == 30


def test_rows_without_an_id_are_known_again_by_their_text() -> None:
    records = [{"text": "Hello"}, {"text": "hello "}, {"text": "Other"}]
    assert take(*records).created == 3
    assert counts(take(*records)) == (0, 0, 3, 0)


def test_a_changed_text_asks_people_anew_and_is_told_to_be_embedded_again(
    django_capture_on_commit_callbacks: Any,
) -> None:
    service = factories.service("Delivery")
    take({"id": "A1", "text": "Where is my parcel?"}, {"id": "A2", "text": "Something else"})
    ticket = Ticket.objects.get(external_id="A1")
    factories.labelled(ticket, service)
    factories.queued(Ticket.objects.get(external_id="A2"))
    told: list[int] = []
    listen = lambda ticket_ids, **_: told.extend(ticket_ids)  # noqa: E731
    tickets_ingested.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        report = take({"id": "A1", "text": "My card is lost"}, {"id": "A2", "text": "Something else"})
    assert counts(report) == (0, 1, 1, 0)
    assert told == [ticket.pk]
    group = ticket.group
    ticket.refresh_from_db()
    assert (ticket.text, ticket.status, ticket.label_id, ticket.round) == ("My card is lost", "open", None, 1)
    assert ticket.group != group
    assert ticket.annotations.count() == 1, "the history stays"
    assert QueueItem.objects.count() == 1, "the ticket that did not change stays in the queue"


def test_the_label_that_comes_with_a_changed_text_is_the_label_of_that_text() -> None:
    factories.service("Delivery")
    take({"id": "A1", "text": "Where is my parcel?", "service": "Delivery"})
    Ticket.objects.update(is_audit=False)
    for _ in range(2):
        take({"id": "A1", "text": "It has not come", "service": "Delivery"})
        assert (one().text, one().status, one().label_source) == ("It has not come", "labelled", "import")
    assert Annotation.objects.count() == 2
    take({"id": "A1", "text": "My card is lost"})
    assert (one().status, one().label_id) == ("open", None)


def test_what_a_row_does_not_carry_is_left_as_it_is() -> None:
    take({"id": "A1", "text": "One", "at": "2024-03-01T10:00Z", "channel": "mail", "shop": "Paris"})
    assert counts(take({"id": "A1", "text": "One"}, options=ImportOptions(external_id_column="id"))) == (
        0, 0, 1, 0,
    )  # fmt: skip
    assert (one().channel, one().metadata, one().received_at.year) == ("mail", {"shop": "Paris"}, 2024)
    assert take({"id": "A1", "text": "One", "channel": "", "shop": "Lyon"}).updated == 1
    assert (one().channel, one().metadata, one().round) == ("", {"shop": "Lyon"}, 0)


def test_of_two_rows_with_one_id_the_first_counts_and_the_other_is_reported() -> None:
    records = [{"id": "A1", "text": "First"}, {"id": "A1", "text": "Second"}, {"id": "A1", "text": "first"}]
    for expected in ((1, 0, 1, 1), (0, 0, 2, 1)):
        report = take(*records)
        assert counts(report) == expected
        assert codes(report) == [(2, "repeated_id")]
    assert (one().text, one().round) == ("First", 0)


def test_equal_texts_are_one_group_and_are_counted() -> None:
    report = take(
        *({"id": f"A{n}", "text": t} for n, t in enumerate(["Where is it?", "WHERE is it ?!", "No"]))
    )
    assert report.created == 3
    groups = list(Ticket.objects.order_by("id").values_list("group", flat=True))
    assert groups[0] == groups[1] != groups[2]
    again = take({"id": "B", "text": "where is it?"})
    assert again.duplicates == 1


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"text": ""}, "empty_text"),
        ({"text": " \x00\n"}, "empty_text"),
        ({}, "empty_text"),
        ({"text": None}, "empty_text"),
        ({"text": ["a"]}, "not_a_text"),
        ({"text": {"a": 1}}, "not_a_text"),
        ({"text": True}, "not_a_text"),
        ({"text": "x" * 1_000_001}, "text_too_long"),
        ({"text": "half \ud83d"}, "bad_characters"),
        ({"text": "a", "id": "x" * 201}, "value_too_long"),
        ({"text": "a", "id": "\udcff"}, "bad_characters"),
        ({"text": "a", "channel": "x" * 33}, "value_too_long"),
        ({"text": "a", "language": "français"[:8] + "!"}, "value_too_long"),
        ({"text": "a", "service": "\ud800"}, "bad_characters"),
        ({"text": "a", "at": "yesterday"}, "bad_date"),
        ({"text": "a", "at": "2024-02-30"}, "bad_date"),
        ({"text": "a", "at": "31/31/2024"}, "bad_date"),
        ({"text": "a", "at": "1969-12-31T00:00Z"}, "date_out_of_range"),
        ({"text": "a", "at": "0001-01-01"}, "date_out_of_range"),
        ({"text": "a", "at": "9999-12-31T23:59:59-12:00"}, "date_out_of_range"),
        ({"text": "a", "at": "2999-01-01"}, "date_out_of_range"),
        ({"text": "a", "note": "x" * 20_001}, "metadata_too_long"),
        ({"text": "a", "note": "\ud800"}, "bad_characters"),
        ({"text": "a", "note": {"\ud800": 1}}, "bad_characters"),
        ({"text": "a", "\ud800": 1}, "bad_characters"),
        ({"text": "a", "n": float("inf")}, "not_a_number"),
        ("words", "not_an_object"),
        (None, "not_an_object"),
    ],
)
def test_a_bad_row_is_reported_by_its_line_and_the_good_ones_are_kept(record: Any, code: str) -> None:
    report = take({"text": "before"}, record, {"text": "after"})
    assert codes(report) == [(2, code)]
    assert counts(report) == (2, 0, 0, 1)
    assert json.dumps(report.values()).encode()
    assert set(Ticket.objects.values_list("text", flat=True)) == {"before", "after"}


def test_a_value_nested_thousands_deep_costs_its_row_only() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    report = take({"text": "a", "note": deep}, {"text": "b"})
    assert codes(report) == [(1, "too_nested")]
    assert one().text == "b"


def test_a_nul_is_taken_out_wherever_it_stands() -> None:
    take({"id": "A\x001", "text": "a\x00b", "channel": "ma\x00il", "no\x00te": {"k\x00": ["v\x00"]}})
    assert (one().external_id, one().text, one().channel) == ("A1", "ab", "mail")
    assert one().metadata == {"note": {"k": ["v"]}}


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2024-07-01 10:00", 8), ("2024-01-15 10:00", 9), ("2024-07-01T10:00:00+00:00", 10), ("01/07/2024 10:00", 8),
        ("2024-07-01T10:00:00-05:00", 15), ("01.07.2024 10:00", 8),
    ],
)  # fmt: skip
def test_a_time_without_a_zone_is_read_in_the_installations(written: str, hour: int) -> None:
    report = take({"text": "a", "at": written})  # Europe/Paris
    assert one().received_at.astimezone(UTC).hour == hour
    assert report.naive_dates == (0 if written.count("T") else 1)


def test_a_ticket_without_a_date_came_now_and_a_second_import_does_not_move_it() -> None:
    take({"id": "A1", "text": "a"})
    when = one().received_at
    assert timezone.now() - when < timedelta(minutes=5)
    take({"id": "A1", "text": "a"})
    assert one().received_at == when


def test_labels_name_services_by_code_or_either_name_and_an_unknown_one_keeps_its_ticket() -> None:
    service = factories.service("Delivery", name_fr="Livraison")
    labels = ["DELIVERY", "livraison", service.code, "Nobody", ""]
    report = take(*({"id": f"A{n}", "text": f"t{n} {factories.spelled(n)}", "service": label}
                    for n, label in enumerate(labels)))  # fmt: skip
    assert codes(report) == [(4, "unknown_service")]
    assert counts(report) == (5, 0, 0, 0)
    assert report.errors[0]["params"] == {"label": "Nobody", "ticket_kept": True}
    imported = Annotation.objects.filter(annotator=None, service=service, mode="import")
    assert imported.count() == 3
    assert not Service.objects.filter(name="Nobody").exists()


def test_services_are_made_from_labels_when_asked_for_and_only_once() -> None:
    options = ImportOptions(**{**vars(ALL), "service_from_labels": True})
    long = "A very long name " * 10
    records = [{"id": f"A{n}", "text": f"t {factories.spelled(n)}", "service": label}
               for n, label in enumerate(["Refund", "refund", "Été", long, "ı", "I", "ß", "SS"])]  # fmt: skip
    report = take(*records, options=options)
    assert counts(report) == (8, 0, 0, 0)
    assert Service.objects.filter(name="Refund").count() == 1
    assert Annotation.objects.filter(service__name=long[:80].strip()).count() == 1
    number = Service.objects.count()
    assert not take(*records, options=options).services_created
    assert Service.objects.count() == number


def test_a_wrong_label_column_does_not_make_services_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.ingest.batch.MOST_SERVICES", 3)
    options = ImportOptions(**{**vars(ALL), "service_from_labels": True})
    report = take(*({"id": f"A{n}", "text": f"t {factories.spelled(n)}", "service": f"Label {n}"}
                    for n in range(5)), options=options)  # fmt: skip
    assert Service.objects.count() == 3
    assert codes(report) == [(4, "too_many_services"), (5, "too_many_services")]
    assert report.created == 5


def test_an_imported_label_never_overrules_a_person_nor_closes_an_audit_ticket() -> None:
    mine, theirs = factories.service("Delivery"), factories.service("Billing")
    taught, audit = factories.ticket(external_id="A1"), factories.ticket(external_id="A2", audit=True)
    factories.labelled(taught, mine)
    take(
        {"id": "A1", "text": taught.text, "service": "Billing"},
        {"id": "A2", "text": audit.text, "service": "Billing"},
    )
    for ticket in (taught, audit):
        ticket.refresh_from_db()
    assert (taught.status, taught.label_id) == ("labelled", mine.pk)
    assert (audit.status, audit.label_id) == ("open", None)
    assert Annotation.objects.filter(service=theirs, annotator=None).count() == 2


def test_an_answer_key_is_kept_apart_and_labels_nothing() -> None:
    factories.service("Delivery")
    options = ImportOptions(**{**vars(ALL), "label_as": "answer_key"})
    report = take(*({"id": f"A{n}", "text": f"t {factories.spelled(n)}", "service": label}
                    for n, label in enumerate(["Delivery", "none", "", "Nobody"])), options=options)  # fmt: skip
    assert list(AnswerKey.objects.order_by("ticket_id").values_list("code", flat=True)) == [
        "delivery", "", "", "",
    ]  # fmt: skip
    assert codes(report) == [(4, "unknown_service")]
    assert not Annotation.objects.exists()
    assert not Ticket.objects.exclude(status="open").exists()


def test_only_the_first_two_hundred_problems_are_listed_but_all_are_counted() -> None:
    report = take(*({"text": ""} for _ in range(250)))
    assert (report.rejected, len(report.errors)) == (250, 200)


WORDS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("2024-01-01"),
    st.text(alphabet="\x00\ud800é\n🙂a", max_size=5),
)  # fmt: skip
VALUES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
COLUMNS = st.sampled_from(["text", "id", "service", "at", "channel", "language", "shop", "\x00", "é"])


@given(st.lists(st.one_of(WORDS, st.dictionaries(COLUMNS, VALUES, max_size=9)), max_size=8))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_records_are_taken_or_reported_one_by_one(records: list[Any]) -> None:
    report = take(*records)
    assert report.rows_read == len(records)
    assert report.created + report.updated + report.unchanged + report.rejected == len(records)
    again = take(*records)
    assert (again.created, again.updated) == (0, 0)


SHREDS = st.sampled_from(
    ["id,text,service\n", '{"text": "', '"', "a", ",", "\n", "\x00", "é", "1", "}", "\\u0000", "\\ud800"]
)


@given(content=st.lists(SHREDS, max_size=30).map("".join))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_imported_or_refused_in_words(tmp_path: Path, content: str) -> None:
    from accounts.errors import Refused
    from annotation.reading import FileProblem

    path = tmp_path / "tickets"
    path.write_text(content)
    try:
        report = import_file(path, ImportOptions(all_metadata=True))
    except (FileProblem, Refused) as refused:
        assert str(refused)
        return
    assert report.created + report.updated + report.unchanged + report.rejected == report.rows_read
