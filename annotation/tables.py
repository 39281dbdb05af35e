"""The ticket table: filters, order and keyset pages over tickets and their current scores."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.errors import Refused
from annotation.models import TicketStatus

PAGE, MOST_PER_PAGE, MOST_COUNTED = 50, 200, 1000

# column, the ticket's id where that column lies, how a cursor's value is compared. An index holds each pair,
# so a page is read in order however many tickets there are.
_SORTS = {
    "uncertainty": ("s.uncertainty", "s.ticket_id", "double precision"),
    "outlier": ("s.outlier", "s.ticket_id", "double precision"),
    "received_at": ("t.received_at", "t.id", "timestamptz"),
    "id": ("t.id", "t.id", "bigint"),
}
_FROM = """
FROM annotation_ticket t
LEFT JOIN annotation_ticketscore s ON s.ticket_id = t.id AND s.slot = %(slot)s
"""
_COLUMNS = """
SELECT t.id, t.external_id, left(t.text, 400) AS head, t.channel, t.language, t.received_at, t.status, t.label_id,
       t.label_source, t.is_audit, t."group", s.uncertainty, s.outlier, s.service_id, s.probability,
       s.second_service_id, s.second_probability
"""
# What a model says of an audit ticket is shown to nobody before a person has decided: it would steer them.
_SCORES_SHOWN = f"(NOT t.is_audit OR t.status = '{TicketStatus.LABELLED.value}')"
_NUMBER = re.compile(r"#?([0-9]{1,18})")


@dataclass(frozen=True)
class Filters:
    """What the table shows. ``q``: a part of the text or of the external id, in any case, or a ticket's number.

    ``service`` is the label's, ``predicted`` the head's first; ``sort`` is a column of ``_SORTS``, with a minus
    for the highest first.
    """

    q: str = ""
    status: str = ""
    service: int | None = None
    predicted: int | None = None
    language: str = ""
    channel: str = ""
    audit: bool | None = None
    sort: str = "-received_at"

    @property
    def column(self) -> str:
        """The sorted column, without the way."""
        return self.sort.removeprefix("-")

    @property
    def needs_scores(self) -> bool:
        """Whether only tickets with scores that may be shown have a place here."""
        return self.predicted is not None or _SORTS[self.column][0].startswith("s.")


@dataclass(frozen=True)
class Page:
    """Rows, the next page's cursor, and on a first page how many match: exact to ``MOST_COUNTED``, more if
    ``and_more``."""

    rows: list[dict[str, Any]]
    following: str | None
    total: int | None
    and_more: bool


def _cursor_encode(value: Any, pk: int) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, pk]).encode()).decode().rstrip("=")


def _cursor_decode(cursor: str, kind: str) -> tuple[Any, int]:
    """The last row's place. A cursor of another order, or not one of ours, is refused."""
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        read = {"timestamptz": datetime.fromisoformat, "bigint": int, "double precision": float}[kind]
        if isinstance(pk, bool) or isinstance(value, str) != (kind == "timestamptz"):
            raise ValueError(cursor)
        return read(value), int(pk)
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise Refused(
            "bad_cursor", "This page address is not valid any more; start from the first page.", status=400
        ) from error


def like(text: str) -> str:
    """Escape a search for ILIKE."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _where(filters: Filters, slot: int) -> tuple[list[str], dict[str, Any]]:
    tests: list[str] = []
    values: dict[str, Any] = {"slot": slot}
    wanted = {
        "status": ("t.status = %(status)s", filters.status or None),
        "service": ("t.label_id = %(service)s", filters.service),
        "predicted": ("s.service_id = %(predicted)s", filters.predicted),
        "language": ("t.language = %(language)s", filters.language or None),
        "channel": ("t.channel = %(channel)s", filters.channel or None),
        "audit": ("t.is_audit = %(audit)s", filters.audit),
    }
    for name, (test, value) in wanted.items():
        if value is not None:
            tests.append(test)
            values[name] = value
    if filters.needs_scores:
        tests += ["s.slot = %(slot)s", _SCORES_SHOWN]  # the first makes the outer join an inner one
    sought = filters.q.replace("\x00", "").strip()
    if sought:
        number = _NUMBER.fullmatch(sought)
        by_number = " OR t.id = %(number)s" if number else ""
        tests.append(f"(t.text ILIKE %(q)s OR t.external_id ILIKE %(q)s{by_number})")
        values |= {"q": like(sought), "number": int(number[1]) if number else None}
    return tests, values


def page(filters: Filters, *, slot: int, cursor: str = "", limit: int = PAGE) -> Page:
    """Read one page. Sorted by a score, tickets without one have no place and are left out.

    Raises ``Refused``: bad_sort, bad_cursor.
    """
    if filters.column not in _SORTS:
        raise Refused("bad_sort", f"Sort by one of: {', '.join(_SORTS)}.", status=400, sort=filters.sort)
    column, pk, kind = _SORTS[filters.column]
    falling = filters.sort.startswith("-")
    tests, values = _where(filters, slot)
    counted = tests[:]
    if cursor:
        values["at"], values["pk"] = _cursor_decode(cursor, kind)
        tests.append(f"({column}, {pk}) {'<' if falling else '>'} (%(at)s::{kind}, %(pk)s)")
    way = "DESC" if falling else "ASC"
    limit = max(1, min(limit, MOST_PER_PAGE))
    values |= {"limit": limit + 1, "most": MOST_COUNTED + 1}
    with connection.cursor() as db:
        db.execute(
            f"{_COLUMNS} {_FROM} {_clause(tests)} ORDER BY {column} {way}, {pk} {way} LIMIT %(limit)s", values
        )
        names = [description.name for description in db.description]
        rows = [dict(zip(names, row, strict=True)) for row in db.fetchall()]
        if cursor:
            total = None
        else:  # a first page that is not full has them all
            total = len(rows) if len(rows) <= limit else _count(db, filters, counted, values)
    following = None
    if len(rows) > limit:
        rows.pop()
        following = _cursor_encode(rows[-1][filters.column], rows[-1]["id"])
    return Page(
        rows, following, None if total is None else min(total, MOST_COUNTED), (total or 0) > MOST_COUNTED
    )


def _count(db: Any, filters: Filters, tests: list[str], values: dict[str, Any]) -> int:
    """How many match, up to one more than is shown."""
    source = _FROM if filters.needs_scores else "FROM annotation_ticket t"
    db.execute(f"SELECT count(*) FROM (SELECT 1 {source} {_clause(tests)} LIMIT %(most)s) found", values)  # noqa: S608
    return int(db.fetchone()[0])


def _clause(tests: list[str]) -> str:
    return "WHERE " + " AND ".join(tests) if tests else ""


def facets() -> dict[str, list[str]]:
    """The channels and languages that tickets have, for the filters."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as db:
        for name, column in (("channels", "channel"), ("languages", "language")):
            db.execute(f"SELECT DISTINCT {column} FROM annotation_ticket ORDER BY 1 LIMIT 100")  # noqa: S608
            found[name] = [row[0] for row in db.fetchall() if row[0]]
    return found
