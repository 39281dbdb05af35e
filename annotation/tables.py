"""The ticket table: filters, order and keyset pages over tickets and their current scores."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.errors import Refused

PAGE, MOST_PER_PAGE, MOST_COUNTED = 50, 200, 10_000

# column, whether it lies in the score table, how a cursor's value is compared
_SORTS = {
    "uncertainty": ("s.uncertainty", "double precision"),
    "outlier": ("s.outlier", "double precision"),
    "received_at": ("t.received_at", "timestamptz"),
    "id": ("t.id", "bigint"),
}

_FROM = """
FROM annotation_ticket t
LEFT JOIN annotation_ticketscore s ON s.ticket_id = t.id AND s.slot = %(slot)s
"""
_COLUMNS = """
SELECT t.id, t.external_id, left(t.text, 400) AS head, t.channel, t.language, t.received_at, t.status, t.label_id,
       t.label_source, t.is_audit, t."group", s.uncertainty, s.outlier, s.service_id, s.probability,
       s.second_probability
"""


@dataclass(frozen=True)
class Filters:
    """What the table shows. ``sort`` is a column of ``_SORTS``, with a minus for the highest first."""

    q: str = ""
    status: str = ""
    service: int | None = None
    predicted: int | None = None
    language: str = ""
    channel: str = ""
    audit: bool | None = None
    sort: str = "-received_at"


def _cursor_encode(value: Any, pk: int) -> str:
    plain = value.isoformat() if hasattr(value, "isoformat") else value
    return base64.urlsafe_b64encode(json.dumps([plain, pk]).encode()).decode().rstrip("=")


def _cursor_decode(cursor: str) -> tuple[Any, int]:
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return value, int(pk)
    except (binascii.Error, ValueError, TypeError) as error:
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
    if filters.q.strip():
        tests.append("(t.text ILIKE %(q)s OR t.external_id ILIKE %(q)s)")
        values["q"] = like(filters.q.strip())
    return tests, values


def page(
    filters: Filters, *, slot: int, cursor: str = "", limit: int = PAGE
) -> tuple[list[dict[str, Any]], str | None, int]:
    """Return rows, the next page's cursor, and the number of matches (counted up to 10,000).

    Sorted by a score, tickets without one are left out: they have no place in that order.
    """
    name, falling = filters.sort.lstrip("-"), filters.sort.startswith("-")
    if name not in _SORTS:
        raise Refused("bad_sort", f"Sort by one of: {', '.join(_SORTS)}.", status=400, sort=filters.sort)
    column, kind = _SORTS[name]
    tests, values = _where(filters, slot)
    if column.startswith("s."):
        tests.append(f"{column} IS NOT NULL")
    counted = tests[:]
    if cursor:
        values["at"], values["pk"] = _cursor_decode(cursor)
        tests.append(f"({column}, t.id) {'<' if falling else '>'} (%(at)s::{kind}, %(pk)s)")
    way = "DESC" if falling else "ASC"
    values["limit"] = max(1, min(limit, MOST_PER_PAGE)) + 1
    order = f"ORDER BY {column} {way}, t.id {way} LIMIT %(limit)s"
    query = f"{_COLUMNS} {_FROM} {_clause(tests)} {order}"
    total = f"SELECT count(*) FROM (SELECT 1 {_FROM} {_clause(counted)} LIMIT {MOST_COUNTED}) AS counted"  # noqa: S608
    with connection.cursor() as db:
        db.execute(query, values)
        names = [column.name for column in db.description]
        rows = [dict(zip(names, row, strict=True)) for row in db.fetchall()]
        db.execute(total, values)
        count = db.fetchone()[0]
    following = None
    if len(rows) == values["limit"]:
        rows.pop()
        following = _cursor_encode(rows[-1][name], rows[-1]["id"])
    return rows, following, count


def _clause(tests: list[str]) -> str:
    return "WHERE " + " AND ".join(tests) if tests else ""
