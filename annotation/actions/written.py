"""Tickets that experts write for a service: taken in, and taken out again."""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation.actions.erasure import tickets_erase
from annotation.actions.resolution import tell, ticket_resolve
from annotation.ingest.checking import ReadyRow, ready
from annotation.ingest.options import ImportOptions, guess_columns
from annotation.likeness import COPY, FEWEST_WORDS, words
from annotation.models import Annotation, AnnotationKind, Mode, Service, Ticket, TicketOrigin, TicketStatus
from annotation.reading import FileProblem, RawRow, RowProblem, open_file, read_rows
from annotation.signals import tickets_ingested
from annotation.written import RealTickets, written_tickets

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Written:
    """What became of one text, by its place: a ticket, or why not (a code with parameters).

    Codes: empty_text, text_too_long, bad_characters, too_few_words, written_already, copy_of_a_ticket (``ticket_id`` of
    the real ticket, unless it is a control).
    """

    place: int
    ticket_id: int | None
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def tickets_write(*, service_id: int, texts: Sequence[str], author: User) -> list[Written]:
    """Take in what an expert wrote for a service; each text by itself, masked as all tickets are.

    The same text twice is taken once. Raises ``Refused``: not_found (no such service, or switched off), too_many.
    """
    service = Service.objects.select_for_update().filter(pk=service_id, is_active=True).first()
    if service is None:
        raise Refused("not_found", "There is no such service, or it is switched off.", status=404)
    if len(texts) > MOST_AT_ONCE:
        raise Refused(
            "too_many", f"At most {MOST_AT_ONCE} tickets at a time.", status=400, limit=MOST_AT_ONCE
        )
    real, zone = RealTickets(), zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
    found = [_write(place, text, service, author, real, zone) for place, text in enumerate(texts)]
    made = [one.ticket_id for one in found if one.ticket_id is not None]
    if made:
        transaction.on_commit(lambda: tickets_ingested.send(sender=Ticket, ticket_ids=made))
        tell(made)
    return found


def _write(
    place: int, text: str, service: Service, author: User, real: RealTickets, zone: zoneinfo.ZoneInfo
) -> Written:
    row = ready(RawRow(place, {"text": text}), ImportOptions(), zone)
    if isinstance(row, RowProblem):
        return Written(place, None, row.code, row.params)
    problem = _problem(row, real)
    if problem is not None:
        return Written(place, None, *problem)
    ticket = Ticket.objects.create(
        external_id=f"written-{row.group}",
        text=row.text,
        text_hash=row.text_hash,
        group=row.group,
        audit_rank=row.audit_rank,
        received_at=timezone.now(),
        masked=row.masked,
        origin=TicketOrigin.WRITTEN,
        status=TicketStatus.SET_ASIDE,
        is_demo=settings.DEMO,
    )
    Annotation.objects.create(
        ticket=ticket,
        annotator=author,
        kind=AnnotationKind.LABEL,
        service=service,
        mode=Mode.IMPORT,
        is_demo=settings.DEMO,
    )
    ticket_resolve(ticket)
    return Written(place, ticket.pk)


def _problem(row: ReadyRow, real: RealTickets) -> tuple[str, dict[str, Any]] | None:
    """Why this text would teach nothing new, or give a control away."""
    if len(words(row.text)) < FEWEST_WORDS:
        return "too_few_words", {"needed": FEWEST_WORDS}
    same = Ticket.objects.filter(group=row.group).order_by("is_audit", "id").first()
    if same is not None and same.is_written:
        return "written_already", {"ticket_id": same.pk}
    if same is not None:
        return "copy_of_a_ticket", {"likeness": 1.0} | ({} if same.is_audit else {"ticket_id": same.pk})
    for near in real.nearest(row.text, 1):
        if near.likeness >= COPY:
            shown = {} if near.is_control else {"ticket_id": near.ticket_id}
            return "copy_of_a_ticket", {"likeness": near.likeness} | shown
    return None


def texts_read(*, path: Path) -> list[str]:
    """The texts of a CSV or JSONL file, to be looked over before they are taken in: at most MOST_AT_ONCE of the column
    that holds them, by its name or else the first. Raises ``Refused`` with the file's problem, and too_many.
    """
    try:
        opened = open_file(path)
    except FileProblem as problem:
        raise Refused(problem.code, str(problem), status=400, **problem.params) from problem
    column = guess_columns(opened.columns)["text_column"]
    texts: list[str] = []
    for row in read_rows(opened):
        text = str(row.values.get(column) or "").strip() if isinstance(row, RawRow) else ""
        if text:
            texts.append(text)
        if len(texts) > MOST_AT_ONCE:
            raise Refused(
                "too_many", f"At most {MOST_AT_ONCE} tickets at a time.", status=400, limit=MOST_AT_ONCE
            )
    return texts


@transaction.atomic
def written_remove(*, ticket_id: int) -> None:
    """Take a written ticket out for good, from snapshots too. Raises ``Refused``: ticket_gone."""
    if not written_tickets().filter(pk=ticket_id).exists():
        raise Refused("ticket_gone", "This ticket is no longer there.", status=404, ticket_id=ticket_id)
    tickets_erase(ticket_ids=[ticket_id])
