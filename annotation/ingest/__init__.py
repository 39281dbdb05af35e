"""Takes tickets in: checks each row, masks it, writes it once, says what became of it."""

from annotation.ingest.batch import ingest_batch
from annotation.ingest.options import ImportOptions, check_columns, guess_columns
from annotation.ingest.report import Report
from annotation.ingest.run import import_file, ingest_records

__all__ = [
    "ImportOptions",
    "Report",
    "check_columns",
    "guess_columns",
    "import_file",
    "ingest_batch",
    "ingest_records",
]
