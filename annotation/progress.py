"""How a person is getting on. Told with every answer, so two statements for all of it, planned once a connection."""

import zoneinfo
from dataclasses import dataclass
from datetime import datetime, time

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.prepared import Prepared
from annotation.models import Mode, TicketStatus, excerpt

RECENT = 10


@dataclass(frozen=True)
class Pace:
    """One person's work: decisions today (in their own zone), in all, and the usual seconds per ticket."""

    today: int
    total: int
    seconds_per_ticket: float | None


@dataclass(frozen=True)
class Progress:
    """How one person is getting on, how many items wait by mode, and what waits for a lead's eye."""

    pace: Pace
    left: dict[str, int]
    attention: dict[str, int]


@dataclass(frozen=True)
class Recent:
    """A decision of one's own that can be undone; ``propagated``: to how many equal texts it went."""

    pk: int
    kind: str
    mode: str
    ticket_id: int
    excerpt: str
    service_id: int | None
    second_service_id: int | None
    note: str
    round: int
    created_at: datetime
    propagated: int


# A person's own decisions: no copies, no undos, nothing taken back (only they themselves can: without saying so,
# everybody's rows would be read). What came with a ticket, imported or written, was no decision about one that waited.
OWN = """a.annotator_id = %(user)s AND a.source_annotation_id IS NULL AND a.kind <> 'undo' AND a.mode <> 'import'
    AND NOT EXISTS (
        SELECT FROM annotation_annotation u WHERE u.undoes_id = a.id AND u.annotator_id = %(user)s
    )"""
# The usual time is the median of the last twenty timed ones.
PROGRESS = Prepared(
    f"""
SELECT own.today, own.total,
    (SELECT array_agg(duration_ms ORDER BY duration_ms) FROM (
        SELECT a.duration_ms FROM annotation_annotation a
        WHERE a.duration_ms > 0 AND {OWN} ORDER BY a.id DESC LIMIT 20) timed),
    waiting.teach, waiting.checks,
    (SELECT count(*) FROM annotation_ticket WHERE status = 'flagged'),
    (SELECT count(*) FROM annotation_ticket WHERE status = 'set_aside')
FROM (SELECT count(*) FILTER (WHERE a.created_at >= %(midnight)s) AS today, count(*) AS total
      FROM annotation_annotation a WHERE {OWN}) own,
    (SELECT count(*) FILTER (WHERE mode = 'teach') AS teach, count(*) FILTER (WHERE mode = 'check') AS checks
     FROM annotation_queueitem) waiting""",  # noqa: S608 - our own condition
    user="bigint",
    midnight="timestamptz",
)
NEWEST = Prepared(
    f"""
SELECT a.id, a.kind, a.mode, a.ticket_id, t.text, a.service_id, a.second_service_id, a.note, a.round, a.created_at,
    (SELECT count(*) FROM annotation_annotation copy WHERE copy.source_annotation_id = a.id)
FROM annotation_annotation a JOIN annotation_ticket t ON t.id = a.ticket_id
WHERE {OWN}
ORDER BY a.id DESC LIMIT %(most)s""",  # noqa: S608 - our own condition
    user="bigint",
    most="bigint",
)


def progress(user: User) -> Progress:
    """All of it at one moment."""
    with connection.cursor() as cursor:
        PROGRESS.run(cursor, {"user": user.pk, "midnight": _midnight(user)})
        today, total, timed, teach, check, flagged, set_aside = cursor.fetchone()
    usual = timed[len(timed) // 2] / 1000 if timed else None
    left = {Mode.TEACH.value: teach, Mode.CHECK.value: check}
    waiting = {TicketStatus.FLAGGED.value: flagged, TicketStatus.SET_ASIDE.value: set_aside}
    return Progress(Pace(today, total, usual), left, waiting)


def recent_decisions(user: User, limit: int = RECENT) -> list[Recent]:
    """The last decisions that can be undone one by one, newest first."""
    with connection.cursor() as cursor:
        NEWEST.run(cursor, {"user": user.pk, "most": limit})
        rows = cursor.fetchall()
    return [Recent(*row[:4], excerpt(row[4]), *row[5:]) for row in rows]


def _midnight(user: User) -> datetime:
    zone = zoneinfo.ZoneInfo(user.time_zone or settings.INSTALLATION_TIME_ZONE)
    today = timezone.now().astimezone(zone).date()
    return datetime.combine(today, time.min, tzinfo=zone)
