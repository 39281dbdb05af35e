"""Checks one raw row and makes it ready to be written: masked, hashed, dated."""

import json
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from annotation.ingest.options import ImportOptions
from annotation.reading import RawRow, RowProblem
from ml.text import audit_rank, group_key, mask, text_hash

LONGEST = {"external_id": 200, "channel": 32, "language": 8}
MOST_METADATA_CHARS = 20_000
AUDIT_RANGE = 2**63
_DAY_FIRST = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M")


@dataclass
class ReadyRow:
    """A row that can be written. ``external_id`` is empty until one is derived from the text."""

    line: int
    external_id: str
    text: str
    original_text: str
    text_hash: str
    group: str
    audit_rank: int
    is_audit: bool
    received_at: datetime
    channel: str = ""
    language: str = ""
    label: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)


class _Bad(Exception):
    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params


def ready(row: RawRow, options: ImportOptions, zone: zoneinfo.ZoneInfo) -> ReadyRow | RowProblem:
    """Check and prepare a row, or say what is wrong with it."""
    try:
        return _ready(row, options, zone)
    except _Bad as bad:
        return RowProblem(row.line, bad.code, bad.params)


def _ready(row: RawRow, options: ImportOptions, zone: zoneinfo.ZoneInfo) -> ReadyRow:
    text = _text(row, options)
    masked = mask(text)
    group = group_key(masked.text)
    rank = audit_rank(settings.AUDIT_SALT, group)
    return ReadyRow(
        line=row.line,
        external_id=_short(row, options.external_id_column, "external_id"),
        text=masked.text,
        original_text=text if settings.KEEP_ORIGINAL_TEXT else "",
        text_hash=text_hash(masked.text),
        group=group,
        audit_rank=rank,
        is_audit=rank < settings.AUDIT_RESERVE_SHARE * AUDIT_RANGE,
        received_at=_moment(row, options.received_at_column, zone),
        channel=_short(row, options.channel_column, "channel"),
        language=_short(row, options.language_column, "language").lower(),
        label=_string(row, options.label_column).strip() if options.label_as != "ignore" else "",
        metadata=_metadata(row, options),
        masked=dict(masked.counts),
    )


def _string(row: RawRow, column: str) -> str:
    value = row.values.get(column) if column else None
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise _Bad("not_a_text", column=column)
    return str(value).replace("\x00", "")


def _text(row: RawRow, options: ImportOptions) -> str:
    text = _string(row, options.text_column).strip()
    try:
        text.encode()
    except UnicodeEncodeError as error:  # a lone surrogate escaped in JSON
        raise _Bad("bad_characters", column=options.text_column) from error
    if not text:
        raise _Bad("empty_text", column=options.text_column)
    if len(text) > settings.TICKET_MAX_CHARS:
        raise _Bad("text_too_long", length=len(text), limit=settings.TICKET_MAX_CHARS)
    return text


def _short(row: RawRow, column: str, name: str) -> str:
    value = _string(row, column).strip()
    if len(value) > LONGEST[name]:
        raise _Bad("value_too_long", column=column, limit=LONGEST[name])
    return value


def _moment(row: RawRow, column: str, zone: zoneinfo.ZoneInfo) -> datetime:
    """Read a date; a naive one is in the installation's zone; none means now."""
    value = _string(row, column).strip()
    if not value:
        return timezone.now()
    moment = _parse(value)
    if moment is None:
        raise _Bad("bad_date", column=column, value=value[:40])
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _parse(value: str) -> datetime | None:
    try:
        moment = parse_datetime(value)
        if moment is not None:
            return moment
        day = parse_date(value)
        if day is not None:
            return datetime(day.year, day.month, day.day)
    except ValueError:
        return None
    for form in _DAY_FIRST:
        try:
            return datetime.strptime(value, form)
        except ValueError:
            continue
    return None


def _metadata(row: RawRow, options: ImportOptions) -> dict[str, Any]:
    """The extra columns, masked like the text: personal data hides in subjects and notes too."""
    if options.all_metadata:
        used = set(options.named_columns().values())
        names = [name for name in row.values if name not in used]
    else:
        names = list(options.metadata_columns)
    kept = {name: _masked(row.values.get(name)) for name in names if row.values.get(name) not in (None, "")}
    if len(json.dumps(kept)) > MOST_METADATA_CHARS:
        raise _Bad("metadata_too_long", limit=MOST_METADATA_CHARS)
    return kept


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value.replace("\x00", "")).text
    if isinstance(value, dict):
        return {str(name).replace("\x00", ""): _masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value
