"""Live tickets: their customers wait, so what is new is written in one statement."""

from collections.abc import Sequence

from annotation.ingest.batch import TICKET, ingest_batch, ticket_values
from annotation.ingest.checking import ReadyRow
from annotation.ingest.options import ImportOptions
from annotation.ingest.report import Report
from annotation.ingest.writing import rows_insert
from annotation.models import Ticket


def live_write(rows: Sequence[ReadyRow], options: ImportOptions) -> dict[str, int]:
    """Write checked records, each of an external id of its own; ticket ids by external id.

    To be called in a transaction. Those that are there already are brought up to date as an import would.
    """
    values = [ticket_values(row, options) for row in sorted(rows, key=lambda row: row.external_id)]
    made = rows_insert(Ticket, TICKET, values, skip_known=True, returning=("external_id", "id"))
    ids: dict[str, int] = dict(made)
    there = [row for row in rows if row.external_id not in ids]
    if there:
        ingest_batch(there, options, Report())
        found = Ticket.objects.filter(external_id__in=[row.external_id for row in there])
        ids |= dict(found.values_list("external_id", "pk"))
    return ids
