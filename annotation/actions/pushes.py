"""What the ranking layer pushes down: the queue's next items, and the score table of the whole pool."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from annotation.models import Mode, QueueItem, ScoreGeneration, TicketScore

PUSH_LOCK = 7_204_001
COLUMNS = (
    "slot, ticket_id, uncertainty, outlier, service_id, probability, second_service_id, second_probability"
)
INCOMING = f"""CREATE TEMPORARY TABLE incoming_score ON COMMIT DROP AS
SELECT {COLUMNS} FROM annotation_ticketscore WITH NO DATA"""  # noqa: S608 - constant columns
TAKE_IN = f"""INSERT INTO annotation_ticketscore ({COLUMNS}) SELECT {COLUMNS} FROM incoming_score i
WHERE EXISTS (SELECT 1 FROM annotation_ticket t WHERE t.id = i.ticket_id)"""  # noqa: S608


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


def _row(item: NewItem, generation: int) -> QueueItem:
    values = {**item.__dict__, "candidates": [[pk, round(p, 4)] for pk, p in item.candidates]}
    return QueueItem(generation=generation, **values)


@transaction.atomic
def queue_replace(
    *, items: Iterable[NewItem], generation: int, modes: Iterable[str] = (Mode.TEACH, Mode.CHECK)
) -> int:
    """Replace everything in these modes that nobody holds; returns how many items wait now.

    A held row is left alone, and so is a row whose claim is under way (SKIP LOCKED): a claim never waits for
    a push, and sees the old order or the new one. Tickets that were decided or erased meanwhile are left out.
    """
    modes = list(modes)
    rows = [_row(item, generation) for item in items]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUSH_LOCK])
        cursor.execute(
            """DELETE FROM annotation_queueitem WHERE id IN (
                   SELECT id FROM annotation_queueitem
                   WHERE mode = ANY(%s) AND (leased_until IS NULL OR leased_until <= now())
                   FOR UPDATE SKIP LOCKED)""",
            [[str(mode) for mode in modes]],
        )
        servable = _servable(cursor, [row.ticket_id for row in rows])
    QueueItem.objects.bulk_create(
        (row for row in rows if row.mode in servable.get(row.ticket_id, ())),
        batch_size=1000,
        ignore_conflicts=True,
    )
    return QueueItem.objects.filter(mode__in=modes).count()


def _servable(cursor: Any, ticket_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """In which modes each ticket can be served now: open ones in both, labelled ones only in Check."""
    cursor.execute("SELECT id, status FROM annotation_ticket WHERE id = ANY(%s) FOR KEY SHARE", [ticket_ids])
    both, check = (Mode.TEACH.value, Mode.CHECK.value), (Mode.CHECK.value,)
    modes = {"open": both, "labelled": check}
    return {pk: modes[status] for pk, status in cursor.fetchall() if status in modes}


def scores_replace(
    *,
    rows: Iterable[NewScore],
    labels_used: int,
    last_annotation_id: int,
    encoder: str,
    seconds: float,
) -> ScoreGeneration:
    """Fill the slot nobody reads and move the pointer to it; readers see the old table or the new one, whole."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUSH_LOCK + 1])
        current = ScoreGeneration.objects.filter(is_current=True).first()
        slot = 1 - current.slot if current else 0
        TicketScore.objects.filter(slot=slot)._raw_delete(TicketScore.objects.db)
        count = _copy_in(cursor, rows, slot)
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


def _copy_in(cursor: Any, rows: Iterable[NewScore], slot: int) -> int:
    """COPY the rows through a temporary table, which drops tickets erased meanwhile."""
    file = io.StringIO()
    for r in rows:
        values = (slot, r.ticket_id, r.uncertainty, r.outlier, r.service_id, r.probability)
        values += (r.second_service_id, r.second_probability)
        file.write("\t".join("\\N" if v is None else str(v) for v in values) + "\n")
    file.seek(0)
    cursor.execute(INCOMING)
    cursor.copy_expert(f"COPY incoming_score ({COLUMNS}) FROM STDIN", file)
    cursor.execute(TAKE_IN)
    return int(cursor.rowcount)
