"""What the ranking layer pushes down: the queue's next items, and the score table of the whole pool."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from annotation.actions.leases import PUSH_LOCK
from annotation.models import Lane, Mode, QueueItem, ScoreGeneration, TicketStatus

SCORE_LOCK = PUSH_LOCK + 1
COLUMNS = (
    "slot, ticket_id, uncertainty, outlier, service_id, probability, second_service_id, second_probability"
)
SCORE_TABLES = ("annotation_ticketscore_0", "annotation_ticketscore_1")


@dataclass(frozen=True)
class NewItem:
    """One ticket to be put in the queue; ``position`` low first within the mode."""

    ticket_id: int
    mode: str
    position: float
    lane: str
    uncertainty: float | None = None
    outlier: float | None = None
    sampling_probability: float | None = None
    suggested_service_id: int | None = None
    suggested_probability: float | None = None
    second_service_id: int | None = None
    second_probability: float | None = None
    candidates: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True)
class NewScore:
    """Scores of one ticket of the pool; both in [0, 1]."""

    ticket_id: int
    uncertainty: float
    outlier: float
    service_id: int | None = None
    probability: float | None = None
    second_service_id: int | None = None
    second_probability: float | None = None


RESERVE = 100
"""So many of the best rows of a mode stay as they are while the others are replaced, for those who claim meanwhile."""
FIRST_FREE = """
SELECT id, ticket_id FROM annotation_queueitem
WHERE mode = %(mode)s AND (leased_until IS NULL OR leased_until <= now())
ORDER BY position, id
LIMIT (SELECT least(%(most)s, (count(*) + 1) / 2) FROM annotation_queueitem
       WHERE mode = %(mode)s AND (leased_until IS NULL OR leased_until <= now()))"""
FREE = """
DELETE FROM annotation_queueitem WHERE id IN (
    SELECT id FROM annotation_queueitem
    WHERE mode = ANY(%(modes)s) AND lane <> 'live' AND (leased_until IS NULL OR leased_until <= now())
      AND (id = ANY(%(kept)s)) = %(only_kept)s
    FOR UPDATE SKIP LOCKED)"""
SERVABLE = """
SELECT t.id, t.status, t.is_audit FROM annotation_ticket t
WHERE t.id = ANY(%s) AND NOT EXISTS (
    SELECT 1 FROM annotation_queueitem q WHERE q.ticket_id = t.id AND q.leased_until > now()
)
FOR KEY SHARE OF t SKIP LOCKED"""
# One statement, its rows as JSON: three thousand objects and their parameters would take half a second.
INSERT = """
INSERT INTO annotation_queueitem (ticket_id, mode, position, lane, uncertainty, outlier, sampling_probability,
    suggested_service_id, suggested_probability, second_service_id, second_probability, candidates, generation,
    created_at)
SELECT r.ticket_id, r.mode, r.position, r.lane, r.uncertainty, r.outlier, r.sampling_probability,
    r.suggested_service_id, r.suggested_probability, r.second_service_id, r.second_probability, r.candidates,
    r.generation, now()
FROM jsonb_to_recordset(%s::jsonb) AS r (ticket_id bigint, mode text, position float8, lane text, uncertainty float8,
    outlier float8, sampling_probability float8, suggested_service_id bigint, suggested_probability float8,
    second_service_id bigint, second_probability float8, candidates jsonb, generation bigint)
ON CONFLICT DO NOTHING"""


def queue_replace(
    *, items: Iterable[NewItem], generation: int, modes: Iterable[str] = (Mode.TEACH, Mode.CHECK)
) -> int:
    """Replace everything in these modes that nobody holds; returns how many items wait now.

    In two transactions, so that nobody who claims or answers waits for it: while all but the best hundred rows
    of a mode (at most half of them) are replaced, those are there to be claimed, and while these are, the
    others are. A held row is left alone, and so is a row whose claim is under way, or whose customer is
    waiting. Only a claim that finds no row left by other claims waits for the push to end. Tickets that were
    decided or erased meanwhile, or are being decided at this moment, are left out. A control ticket goes to
    Teach only and carries no suggestion, whatever the ranking layer says. One process pushes; a second one
    would wait, and might see its order mixed with the other's.
    """
    modes = [str(mode) for mode in modes]
    wanted = list(items)
    kept = _first_free(modes)
    held_back = set(kept.values())
    values = {"modes": modes, "kept": list(kept)}
    _replace(
        [item for item in wanted if item.ticket_id not in held_back], generation, values, only_kept=False
    )
    if kept:
        _replace([item for item in wanted if item.ticket_id in held_back], generation, values, only_kept=True)
    return QueueItem.objects.filter(mode__in=modes).count()


def _first_free(modes: list[str]) -> dict[int, int]:
    """Row -> ticket of the best free rows of each mode."""
    found: dict[int, int] = {}
    with connection.cursor() as cursor:
        for mode in modes:
            cursor.execute(FIRST_FREE, {"mode": mode, "most": RESERVE})
            found |= dict(cursor.fetchall())
    return found


@transaction.atomic
def _replace(items: list[NewItem], generation: int, values: dict[str, Any], *, only_kept: bool) -> None:
    """Replace the free rows that were kept, or those that were not, by ``items``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUSH_LOCK])
        cursor.execute(FREE, values | {"only_kept": only_kept})
        cursor.execute(SERVABLE, [[item.ticket_id for item in items]])
        servable = {pk: (status, is_audit) for pk, status, is_audit in cursor.fetchall()}
        rows = (_row(item, *servable[item.ticket_id]) for item in items if item.ticket_id in servable)
        wanted = [row | {"generation": generation} for row in rows if row is not None]
        cursor.execute(INSERT, [json.dumps(wanted)])


def _row(item: NewItem, status: str, is_audit: bool) -> dict[str, Any] | None:
    """The item as it may be served: open tickets in both modes, labelled ones only in Check, controls blind."""
    if status != TicketStatus.OPEN and not (status == TicketStatus.LABELLED and item.mode == Mode.CHECK):
        return None
    if is_audit or item.lane == Lane.AUDIT:
        if item.mode == Mode.CHECK:
            return None
        shown = ("ticket_id", "mode", "position", "uncertainty", "outlier", "sampling_probability")
        return {name: getattr(item, name) for name in shown} | {"lane": Lane.AUDIT, "candidates": []}
    return {**item.__dict__, "candidates": [[pk, round(p, 4)] for pk, p in item.candidates]}


def scores_replace(
    *,
    rows: Iterable[NewScore],
    labels_used: int,
    last_annotation_id: int,
    encoder: str,
    seconds: float,
) -> ScoreGeneration:
    """Fill the slot nobody reads and move the pointer to it; readers see the old table or the new one, whole.

    ``rows`` is read once, as a stream. The idle slot is emptied by TRUNCATE, so nothing of it is left to clean.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCORE_LOCK])
        current = ScoreGeneration.objects.filter(is_current=True).first()
        slot = 1 - current.slot if current else 0
        count = _fill(cursor, slot, rows)
        ScoreGeneration.objects.filter(is_current=True).update(is_current=False)
        generation = ScoreGeneration.objects.create(
            slot=slot,
            is_current=True,
            tickets=count,
            labels_used=labels_used,
            last_annotation_id=last_annotation_id,
            encoder=encoder,
            seconds=seconds,
        )
        ScoreGeneration.objects.filter(pk__lt=generation.pk - 200).delete()
    return generation


def _fill(cursor: Any, slot: int, rows: Iterable[NewScore]) -> int:
    table = SCORE_TABLES[slot]
    cursor.execute(f"TRUNCATE {table}")
    lines = _Lines(_line(slot, row) for row in rows)
    cursor.copy_expert(f"COPY {table} ({COLUMNS}) FROM STDIN", lines)
    cursor.execute(f"ANALYZE {table}")
    return lines.count


def _line(slot: int, r: NewScore) -> str:
    values = (slot, r.ticket_id, r.uncertainty, r.outlier, r.service_id, r.probability)
    values += (r.second_service_id, r.second_probability)
    return "\t".join("\\N" if v is None else str(v) for v in values) + "\n"


class _Lines:
    """A readable file over generated lines, as COPY wants one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.count = lines, 0

    def read(self, size: int = 8192) -> str:
        """The next few hundred lines, in whole: COPY takes any amount."""
        taken = list(itertools.islice(self.lines, 500))
        self.count += len(taken)
        return "".join(taken)
