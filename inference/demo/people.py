"""Who and what the demo begins with: accounts, services, tickets, a retrain policy one can watch at work."""

import zoneinfo
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any

from django.conf import settings

from accounts.actions import demo_people_ensure
from accounts.models import User
from annotation import actions as annotation
from annotation.demo.corpus import DemoTicket, generate
from annotation.demo.services import NONE
from annotation.demo.services import services as service_texts
from annotation.ingest import ImportOptions, Report, ingest_records
from annotation.models import LabelUse, Service, Ticket
from training import actions as training

TICKETS = 10_000
IMPORTED_EVERY = 80  # one ticket in so many came with a label from the former system
ARCHIVE = 2_400
"""Tickets whose label the former system still had; they are found after the first training."""
ARCHIVE_SHARE = 0.6
"""Of a small demo's tickets, at most."""
POLICY = {
    "is_active": False,  # until the story is told
    "min_new_labels": 25,
    "minimum_labels": 40,
    "cooldown_minutes": 0,
    "epochs": 3,
    "advisor_may_veto": False,  # a training is to be seen, worth it or not
}
GATE = {
    "precision": 0.85,
    "min_accuracy": 0.6,
    "min_recall": 0.2,
    "min_coverage": 0.2,
    "max_calibration_error": 0.2,
    "max_latency_ms": 3000,
    "minutes_escalation": 3.0,
    "minutes_misroute": 12.0,
}
"""What the shop asks for: its tickets are written to be confused, so it promises less than the .95 of other houses."""

_COLUMNS: dict[str, Any] = {
    "external_id_column": "external_id",
    "received_at_column": "received_at",
    "channel_column": "channel",
    "language_column": "language",
    "label_column": "service",
    "is_demo": True,
}


def cast() -> None:
    """Make the accounts, the services with their guidelines, and the policy."""
    demo_people_ensure()
    known = set(Service.objects.values_list("code", flat=True))
    if not known:
        training.policy_update(**POLICY)
        training.gate_settings_update(by=User.objects.get(username="chloe"), **GATE)
    for text in service_texts():
        if text.code not in known:
            annotation.service_create(
                name=text.name,
                code=text.code,
                is_demo=True,
                name_fr=text.name_fr,
                description=text.description,
                guideline=f"{text.guideline}\n\n---\n\n{text.guideline_fr}",
                keywords=list(text.keywords),
                key=text.key,
            )


def train_seconds() -> int:
    """Time box of a training that is watched."""
    return int(settings.DEMO_TRAIN_SECONDS)


def tickets(count: int = TICKETS, today: date | None = None) -> Report | None:
    """Ingest the corpus, its last day being yesterday; None if it is there already."""
    if Ticket.objects.count() >= count:
        return None
    corpus = _corpus(count, today)
    _ingest((t for n, t in enumerate(corpus) if n % IMPORTED_EVERY == 0), LabelUse.LABELS)
    return _ingest(corpus, LabelUse.ANSWER_KEY)


def archive(count: int = TICKETS) -> int:
    """Ingest the labels that the former system had; returns how many tickets carry one now, controls left out."""
    wanted = min(ARCHIVE, int(ARCHIVE_SHARE * count))
    corpus = _corpus(count, None)
    share = wanted / count
    labelled = [
        t for n, t in enumerate(corpus) if t.service != NONE and int((n + 1) * share) > int(n * share)
    ]
    _ingest(labelled, LabelUse.LABELS)
    return len(labelled)


def _corpus(count: int, today: date | None) -> list[DemoTicket]:
    zone = zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
    return generate(count, until=datetime.combine(today or datetime.now(zone).date(), time.min))


def _ingest(corpus: Iterable[DemoTicket], use: LabelUse) -> Report:
    records = ({**asdict(ticket), "received_at": ticket.received_at.isoformat()} for ticket in corpus)
    return ingest_records(records, ImportOptions(label_as=use.value, **_COLUMNS))
