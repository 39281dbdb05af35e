"""Tickets over HTTP: preview a file, import it in a worker that may die, and bulk ``POST /api/tickets/``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as conf
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotation.actions import imports
from annotation.models import Annotation, ImportRun, Service, Ticket
from annotation.tasks import imports_drive
from config import embedded
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
ROWS = 10_000
PATIENCE_SECONDS = 120.0
CSV = b"id,text,team,date\n1,Where is my parcel?,Delivery,2024-03-01 10:00\n2,,Delivery,\n3,My card,Nobody,\n"
COLUMNS = {"text_column": "text", "label_column": "team", "external_id_column": "id"}


def client(role: str = "lead") -> Client:
    found = Client()
    found.force_login(factories.person(f"{role}-over-http", role))
    return found


def upload(content: bytes, where: str = "/api/imports/", role: str = "lead", **fields: Any) -> Any:
    file = SimpleUploadedFile("tickets.csv", content)
    return client(role).post(where, {"file": file, **fields})


def post(tickets: Any, role: str = "machine", **more: Any) -> Any:
    body = json.dumps({"tickets": tickets, **more})
    return client(role).post("/api/tickets/", body, content_type="application/json")


def uploads_kept() -> set[Path]:
    return set(Path(conf.MEDIA_ROOT).glob("*.upload"))


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def test_a_preview_shows_columns_guesses_and_first_rows_and_keeps_nothing() -> None:
    before = uploads_kept()
    seen = upload(CSV, "/api/imports/preview/").json()
    assert seen["columns"] == ["id", "text", "team", "date"]
    assert seen["guess"] == {
        "text_column": "text", "label_column": "team", "external_id_column": "id",
        "received_at_column": "date", "channel_column": "", "language_column": "",
    }  # fmt: skip
    assert seen["rows"][0] == {
        "id": "1", "text": "Where is my parcel?", "team": "Delivery", "date": "2024-03-01 10:00",
    }  # fmt: skip
    assert seen["warnings"] == [{"code": "naive_times", "params": {"zone": "Europe/Paris"}}]
    assert uploads_kept() == before
    assert not Ticket.objects.exists() and not ImportRun.objects.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"), (b"PK\x03\x04" + b"\x01" * 99, "not_text"), (b"a,a\n1,2\n", "doubled_column"),
        (b'[{"text": "a"}]', "not_json_lines"), (b"\n,\n", "no_columns"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_refused_at_preview_and_at_import_and_not_kept(
    content: bytes, code: str
) -> None:
    before = uploads_kept()
    assert error(upload(content, "/api/imports/preview/")) == (400, code)
    assert error(upload(content, text_column="a")) == (400, code)
    assert uploads_kept() == before
    assert not ImportRun.objects.exists()


def test_bytes_that_are_no_text_are_shown_as_marks_in_the_preview() -> None:
    wide = "é".encode() * 20
    seen = upload(b"id,text\n1," + wide + b"\n2,\xff\xfe\n", "/api/imports/preview/")
    assert seen.status_code == 200
    assert seen.json()["rows"][1] == {"id": "2", "text": "??"}
    escaped = upload(b'{"text": "a \\ud800", "\\ud800": 1}', "/api/imports/preview/")
    assert escaped.json()["rows"] == [{"text": "a ?"}]


def test_a_wrong_column_is_refused_with_the_columns_there_are() -> None:
    answer = upload(CSV, text_column="message")
    assert error(answer) == (400, "unknown_column")
    assert answer.json()["error"]["params"] == {
        "column": "message",
        "columns": ["id", "text", "team", "date"],
    }


def test_a_file_over_the_limit_is_refused(settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 20
    before = uploads_kept()
    assert error(upload(CSV, **COLUMNS)) == (400, "file_too_large")
    assert uploads_kept() == before


@pytest.mark.parametrize("role", ["annotator", "reviewer", "machine"])
def test_only_leads_import_files(role: str) -> None:
    assert error(upload(CSV, role=role, **COLUMNS)) == (403, "permission_denied")
    assert error(upload(CSV, "/api/imports/preview/", role=role)) == (403, "permission_denied")


def test_an_import_waits_as_a_row_and_its_report_names_every_bad_row() -> None:
    factories.service("Delivery")
    answer = upload(CSV, **COLUMNS)
    assert answer.status_code == 201
    run = answer.json()
    assert (run["state"], run["progress"], run["filename"]) == ("waiting", 0.0, "tickets.csv")
    imports.import_run(import_id=run["id"])
    done = client().get(f"/api/imports/{run['id']}/").json()
    assert (done["state"], done["progress"], done["rows_read"], done["created"], done["rejected"]) == (
        "done", 1.0, 3, 2, 1,
    )  # fmt: skip
    assert [(e["line"], e["code"]) for e in done["errors"]] == [(3, "empty_text"), (4, "unknown_service")]
    assert client().get("/api/imports/").json()["results"][0]["id"] == run["id"]
    assert not uploads_kept()
    assert client().get("/api/imports/999999/").status_code == 404


def test_an_upload_that_went_away_fails_in_words_and_not_for_ever() -> None:
    run = ImportRun.objects.get(pk=upload(CSV, **COLUMNS).json()["id"])
    Path(run.path).unlink()
    imports.import_run(import_id=run.pk)
    seen = client().get(f"/api/imports/{run.pk}/").json()
    assert (seen["state"], seen["failure"]["code"]) == ("failed", "file_gone")
    assert imports.imports_stalled() == []


def test_while_one_worker_has_an_import_another_leaves_it_alone() -> None:
    run_id = upload(CSV, **COLUMNS).json()["id"]
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [imports.LOCK_CLASS, run_id])
        imports.import_run(import_id=run_id)
        assert ImportRun.objects.get().state == "waiting"
    finally:
        other.close()
    until(lambda: imports.import_run(import_id=run_id) or ImportRun.objects.get().state == "done", "the lock")


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts real Celery workers over the test's own database; what others left in the queue is thrown away."""
    url = embedded.database_url(conf.HOME_DIR, connection.settings_dict["NAME"])
    current_app.control.purge()
    started: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "worker.log").open("wb")

    def start() -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config.celery",
            "worker",
            "-Q",
            "default",
            "--pool",
            "solo",
        ]
        environment = os.environ | {"DATABASE_URL": url, "BASE_MODEL": str(tmp_path / "none")}
        started.append(
            subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait()
    log.close()


def test_an_import_whose_worker_is_killed_goes_on_with_the_next_and_doubles_nothing(
    start_worker: Callable[[], subprocess.Popen[bytes]],
) -> None:
    factories.service("Delivery")
    lines = (f"{n},Question {factories.spelled(n)},{'Delivery' if n % 2 else ''}" for n in range(ROWS))
    content = ("id,text,team\n" + "\n".join(lines) + "\nx,,\n").encode()
    worker = start_worker()
    run = ImportRun.objects.get(pk=upload(content, **COLUMNS).json()["id"])

    def rows_read() -> int:
        run.refresh_from_db()
        return run.rows_read

    until(lambda: rows_read() > 0, "the first batch")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    stopped_at = rows_read()
    assert 0 < stopped_at < ROWS and run.state == "running"
    progress = client().get(f"/api/imports/{run.pk}/").json()["progress"]
    assert 0 < progress < 1

    assert imports.imports_stalled() == [], "its last sign of life is a moment old"
    ImportRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    start_worker()

    def ended() -> bool:
        imports_drive.delay()  # as beat does
        time.sleep(0.5)
        rows_read()
        return run.state not in ("waiting", "running")

    until(ended, "the import to end")
    assert (run.state, run.rows_read, run.created, run.unchanged, run.rejected) == (
        "done", ROWS + 1, ROWS, 0, 1,
    )  # fmt: skip
    assert [problem["line"] for problem in run.errors] == [ROWS + 2]
    assert Ticket.objects.count() == Ticket.objects.values("external_id").distinct().count() == ROWS
    assert Annotation.objects.count() == ROWS // 2
    assert not uploads_kept()


def test_bulk_tickets_are_checked_one_by_one_and_good_ones_kept() -> None:
    factories.service("Delivery")
    good = {
        "text": "Where is it?",
        "external_id": "A1",
        "received_at": "2024-03-01T10:00:00Z",
        "channel": "api",
    }
    answer = post(
        [
            {
                **good,
                "language": "en",
                "label": "Delivery",
                "metadata": {"shop": "Paris", "phone": "0612345678"},
            },
            {"text": ""},
            "words",
            None,
            {"text": "b", "external_id": "A2", "label": "Nobody"},
            {"text": "c", "received_at": "soon"},
        ]
    )
    assert answer.status_code == 200
    report = answer.json()
    assert (report["created"], report["rejected"], report["state"]) == (2, 4, "done")
    assert [(e["line"], e["code"]) for e in report["errors"]] == [
        (2, "empty_text"), (3, "not_an_object"), (4, "not_an_object"), (6, "bad_date"), (5, "unknown_service"),
    ]  # fmt: skip
    ticket = Ticket.objects.get(external_id="A1")
    assert (ticket.channel, ticket.language) == ("api", "en")
    assert ticket.metadata == {"shop": "Paris", "phone": "[PHONE]"}
    assert Annotation.objects.get().ticket == ticket
    again = post([good]).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1)


def test_bulk_refuses_what_is_no_list_of_tickets_and_nothing_is_half_saved() -> None:
    for body in ([], {"text": "a"}, "words", None, [{"text": "a"}] * 5001):
        assert error(post(body)) == (400, "invalid")
    lead = client()
    for raw in ("", "{", "[" * 100_000, '{"tickets": [{"text": NaN}]}', "\x00"):
        answer = lead.post("/api/tickets/", raw, content_type="application/json")
        assert answer.status_code == 400, raw[:20]
    assert not Ticket.objects.exists()


def test_machines_add_tickets_but_no_services_and_annotators_add_nothing() -> None:
    assert error(post([{"text": "a"}], role="annotator")) == (403, "permission_denied")
    post([{"text": "a", "label": "New"}], service_from_labels=True)
    assert not Service.objects.exists()
    post([{"text": "a", "label": "New"}], role="lead", service_from_labels=True)
    assert Service.objects.get().name == "New"


def test_half_a_character_or_a_nul_in_bulk_never_breaks_the_answer() -> None:
    body = '{"tickets": [{"text": "a \\ud800"}, {"text": "b\\u0000", "metadata": {"n": 1e400}}, {"text": "c\\u0000"}]}'
    answer = client().post("/api/tickets/", body, content_type="application/json")
    assert answer.status_code == 200
    assert [e["code"] for e in answer.json()["errors"]] == ["bad_characters", "not_a_number"]
    assert Ticket.objects.get().text == "c"
