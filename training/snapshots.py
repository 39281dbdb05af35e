"""Makes dataset snapshots: the labels of this moment, written once, named by their fingerprint."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.errors import Refused
from annotation import selectors as annotation
from compute.port import ComputeBackend
from ml.dataset import fingerprint_of_hashes, row_hash
from ml.schema import TOMBSTONE, SchemaError, TrainingRow, TransformInput, dump_line, parse_line
from training.models import DatasetSnapshot, SnapshotRow, TrainingRun

FILE_NAME = "rows.jsonl"
MOST_POOL = 6000  # what a training can use; importing it from ml.taught would load scikit-learn into the web


def snapshot_create(*, backend: ComputeBackend) -> DatasetSnapshot:
    """Return the snapshot of all labels that may train now, making it if these very rows have none.

    The file is written before the row, under its fingerprint, so a crash leaves at most a file that the next
    try writes again. Raises ``Refused("too_few_services")`` when there are not two services to tell apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        members, newest = _write_rows(path)
        counts: dict[str, int] = {}
        for member in members:
            counts[member.code] = counts.get(member.code, 0) + 1
        if len(counts) < 2:
            raise Refused("too_few_services", "A training needs labels of two services.", have=len(counts))
        fingerprint = fingerprint_of_hashes(member.row_hash for member in members)
        known = DatasetSnapshot.objects.filter(fingerprint=fingerprint).first()
        uri = known.uri if known else f"{settings.ARTIFACTS_URI}/snapshots/{fingerprint[:32]}/{FILE_NAME}"
        if known is None or not backend.exists(uri):  # a lost file is made again: it has the same rows
            backend.put(path, uri)
    try:
        return known or _record(fingerprint, uri, members, counts, newest)
    except IntegrityError:  # a ticket was erased meanwhile: its text must not stay behind
        backend.delete_prefix(_folder(uri))
        raise


def _folder(uri: str) -> str:
    return uri.rsplit("/", 1)[0]


def erased_forget(*, backend: ComputeBackend) -> int:
    """Let every snapshot forget the text and the label of erased tickets; returns how many rows that were.

    A tombstone with the row's hash stays in the file, and the hash in the row, so that the fingerprint still
    holds. The file comes first: a crash in between only has it written again.
    """
    waiting = SnapshotRow.objects.filter(ticket=None).exclude(code="")
    forgotten = 0
    for snapshot in DatasetSnapshot.objects.filter(pk__in=waiting.values("snapshot")):
        gone = set(waiting.filter(snapshot=snapshot).values_list("row_hash", flat=True))
        if backend.exists(snapshot.uri):
            _bury(snapshot, gone, backend)
        forgotten += waiting.filter(snapshot=snapshot, row_hash__in=gone).update(
            code="", origin="", text_hash=""
        )
    return forgotten


def _bury(snapshot: DatasetSnapshot, gone: set[str], backend: ComputeBackend) -> None:
    """Write the snapshot's file anew, a tombstone in the place of each row of these hashes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        with backend.open(snapshot.uri) as lines, path.open("w", encoding="ascii") as file:
            for line in lines:
                record = parse_line(line)
                hashed = "" if TOMBSTONE in record else row_hash(TrainingRow.from_dict(record))
                file.write(dump_line({TOMBSTONE: hashed} if hashed in gone else record))
        backend.put(path, snapshot.uri)


def rows_left(snapshot: DatasetSnapshot, backend: ComputeBackend) -> dict[str, TrainingRow]:
    """The rows that can still be read from a snapshot's file, by their hash; empty without a file."""
    found: dict[str, TrainingRow] = {}
    if not backend.exists(snapshot.uri):
        return found
    with backend.open(snapshot.uri) as lines:
        for line in lines:
            try:
                row = TrainingRow.from_dict(parse_line(line))
            except SchemaError:  # a tombstone, or a line that was spoilt
                continue
            found[row_hash(row)] = row
    return found


def row_again(member: SnapshotRow) -> TrainingRow | None:
    """The row as it was learnt, made from its ticket; None where the ticket says something else by now."""
    ticket = member.ticket
    if ticket is None:
        return None
    label = annotation.TrainingLabel(
        ticket.pk, ticket.text, ticket.text_hash, ticket.group, member.code, member.origin
    )
    row = _row(label)
    return row if row_hash(row) == member.row_hash else None


def write_again(path: Path, members: Iterable[SnapshotRow], rows: Mapping[str, TrainingRow]) -> None:
    """Write a snapshot's file: each member's row by its hash, a tombstone where the ticket was erased."""
    with path.open("w", encoding="ascii") as file:
        for member in members:
            is_gone = member.ticket_id is None
            file.write(dump_line({TOMBSTONE: member.row_hash} if is_gone else asdict(rows[member.row_hash])))


def pool_folder(run: TrainingRun) -> str:
    """Where the unlabelled tickets lie that this run may learn from besides its snapshot."""
    return f"{settings.ARTIFACTS_URI}/training-pools/run-{run.pk}"


def pool_write(run: TrainingRun, *, backend: ComputeBackend) -> None:
    """Write the run's pool, over what an earlier attempt left. No part of the snapshot: a help, not evidence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        with path.open("w", encoding="ascii") as file:
            for ticket_id, text in annotation.texts_unlabelled(limit=MOST_POOL):
                file.write(dump_line(TransformInput(id=str(ticket_id), text=text).to_dict()))
        backend.put(path, f"{pool_folder(run)}/{FILE_NAME}")


def pool_forget(run: TrainingRun, *, backend: ComputeBackend) -> None:
    """Delete the run's pool: texts are kept nowhere longer than they serve."""
    backend.delete_prefix(f"{pool_folder(run)}/")


@dataclass(frozen=True)
class _Member:
    """What the database keeps of a row."""

    ticket_id: int
    row_hash: str
    code: str
    origin: str
    text_hash: str


def _write_rows(path: Path) -> tuple[list[_Member], int]:
    """Write the rows of one consistent moment; return what to keep of each, and the newest annotation's id."""
    members: list[_Member] = []
    with transaction.atomic(), path.open("w", encoding="ascii") as file:
        if connection.in_atomic_block and len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        newest = annotation.newest_annotation_id()
        for label in annotation.labels_for_training():
            row = _row(label)
            file.write(dump_line(asdict(row)))
            members.append(_Member(label.ticket_id, row_hash(row), label.code, label.origin, label.text_hash))
    return members, newest


def _row(label: annotation.TrainingLabel) -> TrainingRow:
    return TrainingRow(
        id=str(label.ticket_id),
        text=label.text,
        label=label.code,
        group=label.group,
        weight=label.weight,
        origin=label.origin,
    )


@transaction.atomic
def _record(
    fingerprint: str, uri: str, members: list[_Member], counts: dict[str, int], newest: int
) -> DatasetSnapshot:
    snapshot, made = DatasetSnapshot.objects.get_or_create(
        fingerprint=fingerprint,
        defaults={
            "uri": uri,
            "rows": len(members),
            "services": counts,
            "last_annotation_id": newest,
            "is_demo": settings.DEMO,
        },
    )
    if made:
        rows = (SnapshotRow(snapshot=snapshot, **asdict(member)) for member in members)
        SnapshotRow.objects.bulk_create(rows, batch_size=2000)
    return snapshot
