"""Checks one raw row and makes it ready to be written: masked, hashed, dated."""

import json
import math
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=366)  # clocks may be wrong by much; the year 2204 is a slip of the pen
_DAY_FIRST = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M")


@dataclass
class ReadyRow:
    """A row that can be written. ``external_id`` is empty until one is derived from the text.

    What the row does not carry at all is None: a new ticket gets the default, a known one keeps what it has.
    """

    line: int
    external_id: str
    text: str
    original_text: str
    text_hash: str
    group: str
    audit_rank: int
    is_audit: bool
    received_at: datetime | None = None
    is_naive: bool = False
    is_repeat: bool = False
    channel: str | None = None
    language: str | None = None
    label: str = ""
    metadata: dict[str, Any] | None = None
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
    except RecursionError:
        return RowProblem(row.line, "too_nested", {})


def _ready(row: RawRow, options: ImportOptions, zone: zoneinfo.ZoneInfo) -> ReadyRow:
    text = _text(row, options)
    masked = mask(text)
    group = group_key(masked.text)
    rank = audit_rank(settings.AUDIT_SALT, group)
    received_at, is_naive = _moment(row, options.received_at_column, zone)
    language = _short(row, options.language_column, "language")
    return ReadyRow(
        line=row.line,
        external_id=_short(row, options.external_id_column, "external_id") or "",
        text=masked.text,
        original_text=text if settings.KEEP_ORIGINAL_TEXT else "",
        text_hash=text_hash(masked.text),
        group=group,
        audit_rank=rank,
        is_audit=rank < settings.AUDIT_RESERVE_SHARE * AUDIT_RANGE,
        received_at=received_at,
        is_naive=is_naive,
        channel=_short(row, options.channel_column, "channel"),
        language=language if language is None else language.lower(),
        label=_string(row, options.label_column).strip() if options.label_as != "ignore" else "",
        metadata=_metadata(row, options),
        masked=dict(masked.counts),
    )


def _carries(row: RawRow, column: str) -> bool:
    return bool(column) and row.values.get(column) is not None


def _string(row: RawRow, column: str) -> str:
    value = row.values.get(column) if column else None
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise _Bad("not_a_text", column=column)
    return _sound(str(value), column)


def _sound(text: str, column: str) -> str:
    """The text without NULs, which PostgreSQL cannot hold. Half a surrogate pair (an escape in JSON, or bytes
    that are not of the file's encoding) is refused: nobody knows what was meant."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _Bad("bad_characters", column=column) from error
    return text.replace("\x00", "")


def _text(row: RawRow, options: ImportOptions) -> str:
    text = _string(row, options.text_column).strip()
    if not text:
        raise _Bad("empty_text", column=options.text_column)
    if len(text) > settings.TICKET_MAX_CHARS:
        raise _Bad("text_too_long", length=len(text), limit=settings.TICKET_MAX_CHARS)
    return text


def _short(row: RawRow, column: str, name: str) -> str | None:
    if not _carries(row, column):
        return None
    value = _string(row, column).strip()
    if len(value) > LONGEST[name]:
        raise _Bad("value_too_long", column=column, limit=LONGEST[name])
    return value


def _moment(row: RawRow, column: str, zone: zoneinfo.ZoneInfo) -> tuple[datetime | None, bool]:
    """Read a date, and whether it was naive: such a one is in the installation's zone."""
    value = _string(row, column).strip()
    if not value:
        return None, False
    moment = _parse(value)
    if moment is None:
        raise _Bad("bad_date", column=column, value=value[:40])
    is_naive = moment.tzinfo is None
    try:
        moment = (moment.replace(tzinfo=zone) if is_naive else moment).astimezone(UTC)
    except (OverflowError, ValueError):  # the first and the last day of the calendar
        moment = datetime.max.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= timezone.now() + MOST_AHEAD:
        raise _Bad("date_out_of_range", column=column, value=value[:40])
    return moment, is_naive


def is_naive_time(value: str) -> bool:
    """Whether this is a date without a zone."""
    moment = _parse(value.strip())
    return moment is not None and moment.tzinfo is None


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


def _metadata(row: RawRow, options: ImportOptions) -> dict[str, Any] | None:
    """The extra columns, masked like the text: personal data hides in subjects and notes too. An object named
    "metadata", as the API takes it, is taken apart."""
    if options.all_metadata:
        used = set(options.named_columns().values())
        names = [name for name in row.values if name not in used]
    else:
        names = [name for name in options.metadata_columns if name in row.values]
        if not names:
            return None
    found = {name: row.values[name] for name in names}
    apart = found.pop("metadata") if isinstance(found.get("metadata"), dict) else {}
    kept = {
        _sound(str(name), "metadata"): _masked(value, str(name))
        for name, value in {**apart, **found}.items()
        if value not in (None, "")
    }
    if len(json.dumps(kept)) > MOST_METADATA_CHARS:
        raise _Bad("metadata_too_long", limit=MOST_METADATA_CHARS)
    return kept


def _masked(value: Any, name: str) -> Any:
    """A value without personal data; its name counts as the words before it ("phone": "5551234567")."""
    if isinstance(value, str):
        return _masked_words(_sound(value, name), name)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {_sound(str(key), name): _masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, name) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise _Bad("not_a_number", column=name)
    shown = str(value)
    kept = _masked_words(shown, name)
    return value if kept == shown else kept


def _masked_words(text: str, name: str) -> str:
    lead = f"{name.replace('_', ' ')}: "
    together = mask(lead + text).text
    return together.removeprefix(lead) if together.startswith(lead) else mask(text).text
