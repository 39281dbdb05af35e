"""Takes, mends and trains on dataset snapshots."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from accounts.errors import Refused
from accounts.models import User
from compute.port import ComputeBackend
from training import snapshots
from training.actions.runs import run_start
from training.models import DatasetSnapshot, TrainingRun


@dataclass(frozen=True)
class Restored:
    """``whole``: the file was as it should be; otherwise it was written anew. Counts of rows; ``erased`` of those are
    tombstones.
    """

    whole: bool
    rows: int
    erased: int


def snapshot_take(*, backend: ComputeBackend) -> DatasetSnapshot:
    """The snapshot of the labels there are now; the same labels give the same snapshot.

    Raises ``Refused``: too_few_services.
    """
    return snapshots.snapshot_create(backend=backend)


def snapshot_restore(*, snapshot: DatasetSnapshot, backend: ComputeBackend) -> Restored:
    """Check the snapshot's file against its fingerprint, and write it anew where it is lost or spoilt.

    A row is taken from what is left of the file, or made again from its ticket where that still says the same; it
    counts only when it has the very hash the snapshot knows. Raises ``Refused``: snapshot_incomplete when a row can be
    had from neither (nothing is written then).
    """
    wanted = list(snapshot.members.select_related("ticket").order_by("pk"))
    found = snapshots.rows_left(snapshot, backend)
    alive = [member for member in wanted if member.ticket_id is not None]
    missing = [member for member in alive if member.row_hash not in found]
    made = {member.row_hash: row for member in missing if (row := snapshots.row_again(member)) is not None}
    lost = len(missing) - len(made)
    if lost:
        raise Refused(
            "snapshot_incomplete",
            f"{lost} of the snapshot's {len(wanted)} rows are neither in its file nor in the database.",
            lost=lost,
            rows=len(wanted),
        )
    # A row too many is one of an erased ticket, from before it was erased: a file brought back from a backup.
    whole = found.keys() == {member.row_hash for member in alive} and backend.exists(snapshot.uri)
    if not whole:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / snapshots.FILE_NAME
            snapshots.write_again(path, wanted, found | made)
            backend.put(path, snapshot.uri)
    return Restored(whole, len(wanted), len(wanted) - len(alive))


def snapshot_train(
    *, snapshot: DatasetSnapshot, requested_by: User | None, backend: ComputeBackend
) -> TrainingRun:
    """Train on exactly these rows again. Raises ``Refused``: snapshot_incomplete, run_live."""
    snapshot_restore(snapshot=snapshot, backend=backend)
    reason = {"code": "snapshot", "params": {"fingerprint": snapshot.fingerprint}}
    return run_start(reason=reason, requested_by=requested_by, snapshot=snapshot)
