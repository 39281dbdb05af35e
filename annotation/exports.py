"""Labels as CSV, row by row: memory stays flat however many there are."""

import csv
from collections.abc import Iterator
from typing import Any

from annotation.models import Ticket, TicketStatus

COLUMNS = [
    "ticket_id", "external_id", "received_at", "channel", "language", "status", "service", "label_source",
    "labelled_at", "round", "control", "text",
]  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def safe(value: Any) -> Any:
    """Keep a spreadsheet from running a cell as a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def labels_csv(*, status: str = TicketStatus.LABELLED, service: int | None = None) -> Iterator[str]:
    """Yield the CSV of the tickets of a status ("all": of every status), or of those with one service's label."""
    tickets = Ticket.objects.select_related("label").order_by("id")
    if status != "all":
        tickets = tickets.filter(status=status)
    if service is not None:
        tickets = tickets.filter(label_id=service)
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)  # the mark makes spreadsheets read UTF-8
    for ticket in tickets.iterator(chunk_size=2000):
        row = [
            ticket.pk,
            ticket.external_id,
            ticket.received_at.isoformat(),
            ticket.channel,
            ticket.language,
            ticket.status,
            ticket.label.code if ticket.label else "",
            "written" if ticket.is_written else ticket.label_source,
            ticket.labelled_at.isoformat() if ticket.labelled_at else "",
            ticket.round,
            int(ticket.is_audit),
            ticket.text,
        ]
        yield writer.writerow([safe(value) for value in row])
