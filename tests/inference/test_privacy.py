"""Only masked text leaves the tickets: what was planted is in no job's file, snapshot, pool or answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from annotation.ingest import ImportOptions, ingest_records
from annotation.models import Ticket
from compute.local import LocalBackend
from compute.port import ComputeBackend
from inference import actions, runs
from inference.models import TransformRun
from tests import factories
from training import actions as training
from training.models import DatasetSnapshot, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)

SECRETS = {
    "email": "marie.curie@radium.example",
    "phone": "06 12 34 56 78",
    "iban": "FR76 3000 6000 0112 3456 7890 189",
    "card": "4539 1488 0343 6467",
    "order": "98765432",
    "customer": "0045123",
}
WORDS = [
    "écrivez à {email} ou appelez le {phone}, où est mon colis",
    "refund to {iban}, the card {card} was charged twice",
    "ma commande n° {order} n'est pas là, n° client {customer}",
    "call me on {phone} about order #{order}",
    "le remboursement sur {iban} se fait attendre",
    "customer number {customer}: my card {card} is lost",
]
OPTIONS = ImportOptions(external_id_column="id", label_column="service", all_metadata=True)


@pytest.fixture
def house(backend: ComputeBackend, settings: Any, tmp_path: Path) -> Iterator[LocalBackend]:
    """A backend whose every file lies in one folder."""
    settings.ARTIFACTS_URI = (tmp_path / "artifacts").as_uri()
    settings.COMPUTE_SPOOL = tmp_path / "spool"
    yield LocalBackend(tmp_path / "spool", tmp_path / "artifacts")


def take_in() -> list[Ticket]:
    factories.service("Delivery")
    factories.service("Billing")
    report = ingest_records(
        [
            {"id": f"T{n}", "text": words.format(**SECRETS), "service": ["Delivery", "Billing", ""][n % 3]}
            | {"note": "by " + SECRETS["email"], "phone": SECRETS["phone"], "deep": {"a": [SECRETS["iban"]]}}
            for n, words in enumerate(WORDS)
        ],
        OPTIONS,
    )
    assert report.created == len(WORDS)
    Ticket.objects.update(is_audit=False)
    for number, name in enumerate(["Delivery", "Billing", "", "Delivery", "Billing", ""]):
        ticket = Ticket.objects.get(external_id=f"T{number}")
        if name and ticket.status == "open":  # it was drawn for the audit reserve
            factories.labelled(ticket, ticket_service(name))
    return list(Ticket.objects.order_by("id"))


def ticket_service(name: str) -> Any:
    from annotation.models import Service

    return Service.objects.get(name=name)


def leaks(content: str) -> list[str]:
    squeezed = content.replace(" ", "")
    return [kind for kind, secret in SECRETS.items() if secret.replace(" ", "") in squeezed]


def files(folder: Path) -> dict[str, str]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes().decode("utf-8", "replace") for name, path in found.items()}


def test_the_transforms_input_the_snapshot_and_the_pool_hold_no_personal_data(
    house: LocalBackend, tmp_path: Path
) -> None:
    tickets = take_in()
    actions.work_find(backend=house, live=False)
    transform = TransformRun.objects.get()
    runs.advance(transform.pk, house)
    training.run_start(reason={"code": "test"})
    run = TrainingRun.objects.get()
    training.run_advance(run.pk, house)
    seen = files(tmp_path)
    written = {name: text for name, text in seen.items() if name.endswith(".jsonl")}
    assert {name.split("/")[1] for name in written} == {"transforms", "snapshots", "training-pools"}
    lines = [line for text in written.values() for line in text.splitlines()]
    assert len(lines) == len(tickets) + DatasetSnapshot.objects.get().rows + 2
    for name, text in written.items():
        assert "[PHONE]" in text or "[IBAN]" in text or "[ORDER]" in text, name
    assert {name: leaks(text) for name, text in seen.items() if leaks(text)} == {}


def test_neither_the_rows_nor_the_pages_hold_personal_data() -> None:
    tickets = take_in()
    for ticket in tickets:
        assert leaks(serializers.serialize("json", [ticket], ensure_ascii=False)) == []
    assert sum(sum(ticket.masked.values()) for ticket in tickets) == 11
    factories.queued(*[ticket for ticket in tickets if ticket.status == "open"])
    lead = Client()
    lead.force_login(factories.person("lea", "lead"))
    pages = [
        lead.get("/api/tickets/"),
        *(lead.get(f"/api/tickets/{ticket.pk}/") for ticket in tickets),
        lead.post("/api/queue/claim/", {"mode": "teach", "count": 2}, content_type="application/json"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert leaks(page.content.decode()) == []
    export = lead.get("/api/tickets/export/")
    assert leaks(b"".join(export.streaming_content).decode()) == []
    for secret in SECRETS.values():
        assert lead.get("/api/tickets/", {"q": secret}).json()["results"] == []


def test_the_original_is_kept_only_if_the_setting_says_so_and_goes_nowhere_either(
    settings: Any, house: LocalBackend, tmp_path: Path
) -> None:
    settings.KEEP_ORIGINAL_TEXT = True
    tickets = take_in()
    assert tickets[0].original_text == WORDS[0].format(**SECRETS)
    assert leaks(tickets[0].text) == []
    actions.work_find(backend=house, live=False)
    runs.advance(TransformRun.objects.get().pk, house)
    assert any(name.startswith("artifacts/transforms") for name in files(tmp_path))
    assert {name: leaks(text) for name, text in files(tmp_path).items() if leaks(text)} == {}
    lead = Client()
    lead.force_login(factories.person("lea", "lead"))
    assert leaks(lead.get(f"/api/tickets/{tickets[0].pk}/").content.decode()) == []
    settings.KEEP_ORIGINAL_TEXT = False
    ingest_records([{"id": "T0", "text": "Now " + WORDS[1].format(**SECRETS)}], OPTIONS)
    assert Ticket.objects.get(external_id="T0").original_text == ""
