"""Whole imports: a file read in batches with progress, or a list of records from the API."""

import itertools
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import transaction

from annotation.ingest.batch import ingest_batch
from annotation.ingest.checking import ReadyRow, ready
from annotation.ingest.naming import Names
from annotation.ingest.options import ImportOptions, check_columns
from annotation.ingest.report import Report
from annotation.reading import RawRow, RowProblem, open_file, read_rows

BATCH = 2000

Progress = Callable[[Report, int], None]


def import_file(
    path: Path, options: ImportOptions, *, progress: Progress | None = None, so_far: Report | None = None
) -> Report:
    """Import a file in batches, each its own transaction; a stopped import can simply be run again.

    ``progress(report, rows)`` is called at the end of each batch, in its transaction: whoever stores the report there
    can hand it back as ``so_far``, and the import goes on behind ``so_far.rows_read``. Raises FileProblem or
    Refused before the first row is written if the file as a whole cannot be read.
    """
    opened = open_file(path, encoding=options.encoding, delimiter=options.delimiter, format=options.format)
    check_columns(options, opened.columns)
    report = so_far or Report()
    report.warnings = list(opened.warnings)
    return _ingest(read_rows(opened), options, progress, report)


def ingest_records(records: Iterable[object], options: ImportOptions) -> Report:
    """Import records of an API call; ``line`` in the report is the record's place, from 1."""
    return _ingest(_numbered(records), options, None, Report())


def _numbered(records: Iterable[object]) -> Iterator[RawRow | RowProblem]:
    for number, record in enumerate(records, start=1):
        yield RawRow(number, record) if isinstance(record, dict) else RowProblem(number, "not_an_object", {})


def records_check(records: Iterable[object], options: ImportOptions) -> list[ReadyRow | RowProblem]:
    """Check and mask records without writing any; ``line`` is the record's place, from 1."""
    return list(_checked(_numbered(records), options))


def _ingest(
    rows: Iterable[RawRow | RowProblem], options: ImportOptions, progress: Progress | None, report: Report
) -> Report:
    names = Names()
    checked = _checked(rows, options)
    for row in itertools.islice(checked, report.rows_read):  # taken before the import was interrupted
        if isinstance(row, ReadyRow):
            names.take(row)
    while chunk := list(itertools.islice(checked, BATCH)):
        with transaction.atomic():
            ingest_batch(_sort_out(chunk, names, report), options, report)
            if progress is not None:
                progress(report, report.rows_read)
    return report


def _checked(rows: Iterable[RawRow | RowProblem], options: ImportOptions) -> Iterator[ReadyRow | RowProblem]:
    zone = zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
    for row in rows:
        yield row if isinstance(row, RowProblem) else ready(row, options, zone)


def _sort_out(chunk: list[ReadyRow | RowProblem], names: Names, report: Report) -> list[ReadyRow]:
    """Count the rows of a chunk; returns those to be written, each with an external id of its own."""
    good: list[ReadyRow] = []
    for row in chunk:
        report.rows_read += 1
        if isinstance(row, RowProblem):
            report.reject(row)
            continue
        report.naive_dates += row.is_naive
        problem = names.take(row)
        if problem is not None:
            report.reject(problem)
        elif row.is_repeat:
            report.unchanged += 1
        else:
            good.append(row)
    return good
