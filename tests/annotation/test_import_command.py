"""``manage.py import_tickets FILE`` as people call it: options, report, and errors in one line."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.models import Annotation, AnswerKey, Service, Ticket
from tests import factories

pytestmark = pytest.mark.django_db

ROWS = (
    "ref;when;via;lang;message;team;shop;mood\n"
    "A1;2024-07-01 10:00;mail;fr;Où est mon colis ?;Delivery;Paris;bad\n"
    'A2;2024-07-02T09:30:00Z;chat;en;"My card\nwas charged twice";Billing;Lyon;\n'
    "A3;2024-07-03 08:00;mail;fr;;Delivery;Paris;good\n"
    "A4;soon;mail;fr;Bonjour;Delivery;Paris;good\n"
    "A5;2024-07-05 08:00;mail;fr;Je veux un remboursement;Refunds;Paris;good\n"
)
COLUMNS = {
    "text_column": "message",
    "label_column": "team",
    "external_id_column": "ref",
    "received_at_column": "when",
    "channel_column": "via",
    "language_column": "lang",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    path.write_text(ROWS)
    return path


def run(path: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import_tickets", str(path), stdout=out, **options)
    return out.getvalue()


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(CommandError) as refused:
        run(path, **options)
    return str(refused.value)


def test_good_rows_are_in_bad_ones_are_named_by_their_line_and_the_report_says_all(path: Path) -> None:
    factories.service("Delivery")
    factories.service("Billing")
    said = run(path, **COLUMNS, metadata_columns="shop, mood")
    assert "5 rows in " in said
    assert "3 new, 0 updated, 0 unchanged, 2 rejected" in said
    assert "line 5: empty text column=message" in said
    assert "line 6: bad date column=when, value=soon" in said
    assert "line 7: unknown service label=Refunds, ticket_kept=True" in said
    assert "2 dates without a zone were read as times in Europe/Paris." in said
    second = Ticket.objects.get(external_id="A2")
    assert second.text == "My card\nwas charged twice"
    assert (second.channel, second.language, second.metadata) == ("chat", "en", {"shop": "Lyon"})
    first = Ticket.objects.get(external_id="A1")
    assert first.received_at == datetime(2024, 7, 1, 8, tzinfo=UTC)
    assert first.metadata == {"shop": "Paris", "mood": "bad"}


def test_a_second_import_of_the_file_changes_nothing(path: Path) -> None:
    run(path, **COLUMNS, all_metadata=True, service_from_labels=True)
    before = list(Ticket.objects.order_by("id").values()), Annotation.objects.count(), Service.objects.count()
    assert "0 new, 0 updated, 3 unchanged, 2 rejected" in run(
        path, **COLUMNS, all_metadata=True, service_from_labels=True
    )
    assert before == (
        list(Ticket.objects.order_by("id").values()), Annotation.objects.count(), Service.objects.count(),
    )  # fmt: skip


def test_services_are_made_from_labels_only_when_asked(path: Path) -> None:
    run(path, **COLUMNS)
    assert not Service.objects.exists()
    assert "New services: delivery, billing, refunds" in run(path, **COLUMNS, service_from_labels=True)
    assert Annotation.objects.filter(kind="label", annotator=None).count() == 3


def test_as_an_answer_key_the_labels_are_kept_apart(path: Path) -> None:
    run(path, **COLUMNS, as_answer_key=True, service_from_labels=True)
    assert dict(AnswerKey.objects.values_list("ticket__external_id", "code")) == {
        "A1": "delivery", "A2": "billing", "A5": "refunds",
    }  # fmt: skip
    assert not Annotation.objects.exists()


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    lines = [json.dumps({"id": 7, "text": "Où est-il ?", "extra": {"a": [1]}}), "{broken", '["list"]']
    path.write_text("\n".join(lines))
    said = run(path, external_id_column="id", all_metadata=True)
    assert "line 2: bad json" in said and "line 3: not an object" in said
    assert Ticket.objects.get(external_id="7").metadata == {"extra": {"a": [1]}}


def test_a_wrong_column_names_the_columns_there_are(path: Path) -> None:
    said = refusal(path)
    assert "There is no column 'text'" in said
    assert "ref, when, via, lang, message, team, shop, mood" in said
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"", {}, "The file is empty"),
        (b"\x89PNG\r\n" + bytes(range(32)) * 40, {}, "not a text file"),
        (b"text,text\na,b\n", {}, "Two columns have one name: text"),
        (b"text\na\n", {"encoding": "klingon"}, "There is no encoding named 'klingon'"),
        (b"text\na\n", {"delimiter": "ab"}, "cannot separate columns"),
        (b'[{"text": "a"}]', {}, "one object a line"),
        (b"text\na\n", {"metadata_columns": "shop"}, "There is no column 'shop'"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, content: bytes, options: dict[str, str], said: str
) -> None:
    path = tmp_path / "tickets.csv"
    path.write_bytes(content)
    message = refusal(path, **options)
    assert said in message and message.startswith("tickets.csv: ")
    assert "\n" not in message


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "nowhere.csv")
    assert "There is no file" in refusal(tmp_path)


def test_a_header_alone_is_said_to_hold_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("id,text\n")
    assert "The file has no rows below its first line." in run(path)


def test_tabs_and_latin_1_are_named_or_found(tmp_path: Path) -> None:
    path = tmp_path / "tickets.txt"
    path.write_bytes("id\ttext\n1\tdéjà payé\n".encode("latin-1"))
    assert "read as Windows-1252" in run(path)
    assert "1 unchanged" in run(path, delimiter="tab", encoding="latin-1")
    assert Ticket.objects.get().text == "déjà payé"


def test_personal_data_is_counted_in_the_report(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("text\nwrite to jean@exemple.fr or 06 12 34 56 78\n")
    assert "Masked: 1 email, 1 phone" in run(path)
    assert Ticket.objects.get().text == "write to [EMAIL] or [PHONE]"
