"""Who and what the demo begins with: accounts, services, tickets, a retrain policy one can watch at work."""

import zoneinfo
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any

from django.conf import settings

from accounts.actions import demo_people_ensure
from annotation import actions as annotation
from annotation.demo.corpus import DemoTicket, generate
from annotation.demo.services import services as service_texts
from annotation.ingest import ImportOptions, Report, ingest_records
from annotation.models import LabelUse, Service, Ticket
from training import actions as training

TICKETS = 10_000
IMPORTED_EVERY = 80  # one ticket in so many came with a label from the former system
POLICY = {"min_new_labels": 25, "minimum_labels": 40, "cooldown_minutes": 0, "epochs": 3}

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
        training.policy_update(**POLICY, max_seconds=settings.DEMO_TRAIN_SECONDS)
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


def tickets(count: int = TICKETS, today: date | None = None) -> Report | None:
    """Ingest the corpus, its last day being yesterday; None if it is there already."""
    if Ticket.objects.count() >= count:
        return None
    zone = zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
    until = datetime.combine(today or datetime.now(zone).date(), time.min)
    corpus = generate(count, until=until)
    _ingest((t for n, t in enumerate(corpus) if n % IMPORTED_EVERY == 0), LabelUse.LABELS)
    return _ingest(corpus, LabelUse.ANSWER_KEY)


def _ingest(corpus: Iterable[DemoTicket], use: LabelUse) -> Report:
    records = ({**asdict(ticket), "received_at": ticket.received_at.isoformat()} for ticket in corpus)
    return ingest_records(records, ImportOptions(label_as=use.value, **_COLUMNS))
