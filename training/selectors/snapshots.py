"""Reads about dataset snapshots: their rows, and what lies between two of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from training.models import DatasetSnapshot, SnapshotRow

SHORTEST_NAME = 12
CHANGES = ("came", "went", "flipped", "edited")


def snapshots_listed() -> QuerySet[DatasetSnapshot]:
    """All snapshots, newest first, with the trainings that learned from them."""
    return DatasetSnapshot.objects.prefetch_related("runs__model_version")


def snapshot_of(fingerprint: str) -> DatasetSnapshot | None:
    """The snapshot that this fingerprint names; its first twelve digits are enough."""
    if len(fingerprint) < SHORTEST_NAME:
        return None
    return snapshots_listed().filter(fingerprint__startswith=fingerprint.lower()).first()


def snapshot_rows(
    snapshot: DatasetSnapshot, *, service: str = "", origin: str = "", after: int = 0, limit: int
) -> list[SnapshotRow]:
    """At most ``limit`` rows behind the row ``after``, in the order they were written, with their tickets.

    A row of an erased ticket comes last in no order: it has neither service nor origin, and is left out by a filter.
    """
    rows = snapshot.members.select_related("ticket").order_by("pk").filter(pk__gt=after)
    if service:
        rows = rows.filter(code=service)
    if origin:
        rows = rows.filter(origin=origin)
    return list(rows[:limit])


def snapshot_origins(snapshot: DatasetSnapshot) -> dict[str, int]:
    """Rows by where their label came from; those of erased tickets have none."""
    rows = snapshot.members.exclude(ticket=None).values_list("origin", flat=True)
    return dict(Counter(rows))


@dataclass(frozen=True)
class SnapshotComparison:
    """From an earlier snapshot to a later one. ``services``: code -> (rows before, rows after, came, went).

    ``flips``: (code before, code after, rows), the most first. ``erased``: rows of either whose ticket is gone; they
    are counted nowhere else.
    """

    came: int
    went: int
    flipped: int
    edited: int
    same: int
    erased: int
    services: dict[str, tuple[int, int, int, int]]
    flips: list[tuple[str, str, int]]


def _in(other: DatasetSnapshot) -> QuerySet[SnapshotRow]:
    return SnapshotRow.objects.filter(snapshot=other, ticket=OuterRef("ticket"))


def snapshot_changes(before: DatasetSnapshot, after: DatasetSnapshot, kind: str) -> QuerySet[SnapshotRow]:
    """The rows of one kind of change, by ticket: ``came`` are rows of ``after``, ``went`` of ``before``, ``flipped``
    (another service) and ``edited`` (the same service, but another text or weight) of ``after``, with
    ``code_before``.
    """
    own, other = (before, after) if kind == "went" else (after, before)
    rows = SnapshotRow.objects.filter(snapshot=own).exclude(ticket=None).order_by("ticket_id")
    if kind in ("came", "went"):
        return rows.filter(~Exists(_in(other)))
    rows = rows.annotate(
        code_before=Subquery(_in(other).values("code")[:1]),
        hash_before=Subquery(_in(other).values("row_hash")[:1]),
    ).exclude(code_before=None)
    if kind == "flipped":
        return rows.exclude(code=F("code_before"))
    return rows.filter(code=F("code_before")).exclude(row_hash=F("hash_before"))


def snapshot_comparison(before: DatasetSnapshot, after: DatasetSnapshot) -> SnapshotComparison:
    """Count what lies between two snapshots."""
    came, went = (
        Counter(snapshot_changes(before, after, kind).values_list("code", flat=True))
        for kind in ("came", "went")
    )
    flips = Counter(snapshot_changes(before, after, "flipped").values_list("code_before", "code"))
    edited = snapshot_changes(before, after, "edited").count()
    members: Any = SnapshotRow.objects.filter(Q(snapshot=before) | Q(snapshot=after), ticket=None)
    known = after.members.exclude(ticket=None).count()
    names = sorted({*before.services, *after.services})
    services = {
        name: (before.services.get(name, 0), after.services.get(name, 0), came[name], went[name])
        for name in names
    }
    return SnapshotComparison(
        came=came.total(),
        went=went.total(),
        flipped=flips.total(),
        edited=edited,
        same=known - came.total() - flips.total() - edited,
        erased=members.values("row_hash").distinct().count(),
        services=services,
        flips=[(old, new, count) for (old, new), count in flips.most_common()],
    )
