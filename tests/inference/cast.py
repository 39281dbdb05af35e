"""Words to make tickets, services and labels, and to drive the work as beat would."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from accounts.models import User
from annotation.models import Annotation, Service, Ticket
from compute.port import ComputeBackend
from inference import actions, runs, selectors
from inference.models import Embedding, Encoder
from ml.text import audit_rank, group_key, text_hash
from tests.ml.conftest import WORDS

PATIENCE_SECONDS = 90.0


def until(condition: Callable[[], object], what: str = "it") -> Any:
    """Wait for a condition; only the failure depends on time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:g} s for {what}"
        time.sleep(0.05)
    return found


def make_ticket(number: int, text: str | None = None, *, is_audit: bool = False, **fields: Any) -> Ticket:
    """A ticket as ingest makes them; its text is unique by its number unless given."""
    if text is None:
        words = [WORDS[(number * step + step) % len(WORDS)] for step in (3, 5, 7, 11)]
        text = " ".join([*words, "abcdefghij"[number % 10] * (1 + number // 10)])
    group = group_key(text)
    return Ticket.objects.create(
        external_id=f"t-{number}",
        text=text,
        text_hash=text_hash(text),
        group=group,
        received_at=timezone.now(),
        is_audit=is_audit,
        audit_rank=audit_rank("tests", group),
        **fields,
    )


def make_tickets(count: int, *, first: int = 0, **fields: Any) -> list[Ticket]:
    return [make_ticket(first + number, **fields) for number in range(count)]


def make_services(*codes: str) -> list[Service]:
    return [
        Service.objects.create(code=code, name=code.title(), position=place)
        for place, code in enumerate(codes or ("card", "parcel", "refund"))
    ]


def someone(username: str = "alice") -> User:
    """An annotator."""
    return User.objects.get_or_create(username=username)[0]


def label(ticket: Ticket, service: Service, source: str = "person") -> Ticket:
    """A resolved label with its annotation, as a submit leaves them."""
    annotator = None if source == "import" else someone()
    Annotation.objects.create(
        ticket=ticket, kind="label", service=service, mode="teach", round=ticket.round, annotator=annotator
    )
    ticket.status, ticket.label, ticket.label_source = "labelled", service, source
    ticket.labelled_at = timezone.now()
    ticket.save()
    return ticket


def drive(backend: ComputeBackend) -> None:
    """Do what beat does until every transform has ended and nothing more is found."""

    def settled() -> bool:
        busy = selectors.live_transforms().exists()
        started = actions.work_find(backend=backend, live=False)
        for pk in selectors.live_transforms().values_list("pk", flat=True):
            while runs.advance(pk, backend):
                pass
        return not busy and not started and not selectors.live_transforms().exists()

    until(settled, "the pool to be embedded")


def vectors(encoder: Encoder | None = None) -> dict[int, list[float]]:
    """Of each ticket that has one, in this space or the current one."""
    rows = Embedding.objects.filter(encoder=encoder or selectors.current_encoder())
    return {row.ticket_id: list(row.vector) for row in rows}
