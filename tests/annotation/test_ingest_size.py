"""A hundred thousand rows through the real command in a process of its own: all are there, and memory stays flat."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from annotation.models import Annotation, Service, Ticket
from benchmarks import ingest
from config import embedded

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]

MOST_GROWTH_MB = 50
TEXT = (
    "colis commande retard remboursement carte paiement livraison facture compte adresse produit cassé échange "
    "where is my parcel order refund please help account password login broken late invoice"
)


def write(path: Path, count: int, *, ids: bool) -> Path:
    chance = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text,service,date\n")
        for number in range(count):
            words = " ".join(chance.choices(TEXT.split(), k=30))
            text = f'"{words}\nécrivez à jean{number}@exemple.fr, 06 12 34 56 78"'
            name = f"T{number}" if ids else ""
            file.write(f"{name},{text},Service {number % 12},2024-03-01 10:00\n")
            if number % 1000 == 0:
                file.write(f"{number},too,many,cells,here\n")
    return path


def import_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Run the command over the test's database; returns its peak resident memory in MB."""
    monkeypatch.setenv(
        "DATABASE_URL", embedded.database_url(settings.HOME_DIR, connection.settings_dict["NAME"])
    )
    options = ["--external-id-column=id", "--received-at-column=date", "--label-column=service"]
    _, _, peak = ingest.import_file(path, *options, "--service-from-labels")
    return peak


@pytest.mark.parametrize(
    ("ids", "rows"), [(True, 100_000), (False, 50_000)], ids=["with external ids", "without external ids"]
)
def test_a_hundred_thousand_rows_come_in_and_cost_no_more_memory_than_ten_thousand(
    tmp_path: Path, ids: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = import_rows(write(tmp_path / "few.csv", 10_000, ids=ids), monkeypatch)
    assert Ticket.objects.count() == 10_000
    many = import_rows(write(tmp_path / "many.csv", rows, ids=ids), monkeypatch)
    assert Ticket.objects.count() == (rows if ids else 10_000 + rows)
    assert few > 20, "a process of Python and Django"
    assert many - few <= MOST_GROWTH_MB * (rows - 10_000) / 90_000
    assert not Ticket.objects.exclude(text__contains="[EMAIL], [PHONE]").exists()
    assert Service.objects.count() == 12
    labelled = Ticket.objects.filter(status="labelled", is_audit=False).count()
    assert labelled == Ticket.objects.filter(is_audit=False).count()
    # With ids, the ten thousand known tickets got another text: its label is another annotation.
    assert Annotation.objects.filter(annotator=None).count() == 10_000 + rows
