"""Whole imports: a file read in batches with progress, or a list of records from the API."""

import itertools
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.conf import settings

from annotation.ingest.batch import derive_ids, ingest_batch
from annotation.ingest.checking import ReadyRow, ready
from annotation.ingest.options import ImportOptions, check_columns
from annotation.ingest.report import Report
from annotation.reading import RawRow, RowProblem, open_file, read_rows

BATCH = 2000

Progress = Callable[[Report, int], None]


def import_file(path: Path, options: ImportOptions, *, progress: Progress | None = None) -> Report:
    """Import a file in batches, each its own transaction; a stopped import can simply be run again.

    ``progress(report, rows)`` is called after each batch. Raises FileProblem or Refused before the first row
    is written if the file as a whole cannot be read.
    """
    opened = open_file(path, encoding=options.encoding, delimiter=options.delimiter, format=options.format)
    check_columns(options, opened.columns)
    return _ingest(read_rows(opened), options, progress)


def ingest_records(records: Iterable[dict[str, object]], options: ImportOptions) -> Report:
    """Import records of an API call; ``line`` in the report is the record's place, from 1."""
    rows = (RawRow(number, record) for number, record in enumerate(records, start=1))
    return _ingest(rows, options, None)


def _ingest(
    rows: Iterator[RawRow | RowProblem] | Iterable[RawRow | RowProblem],
    options: ImportOptions,
    progress: Progress | None,
) -> Report:
    report = Report()
    zone = zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
    seen: Counter[str] = Counter()
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, BATCH)):
        batch: list[ReadyRow] = []
        for row in chunk:
            report.rows_read += 1
            result = row if isinstance(row, RowProblem) else ready(row, options, zone)
            if isinstance(result, RowProblem):
                report.reject(result)
            else:
                batch.append(result)
        derive_ids(batch, seen)
        ingest_batch(batch, options, report)
        if progress is not None:
            progress(report, report.rows_read)
    return report
