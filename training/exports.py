"""A snapshot's rows as a file to take away, line by line: memory stays flat."""

import csv
from collections.abc import Iterator
from typing import IO

from annotation.exports import safe
from ml.schema import dump_line, read_training_rows

COLUMNS = ("id", "label", "origin", "weight", "group", "text")


class _Line:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def rows_jsonl(lines: IO[bytes]) -> Iterator[str]:
    """The rows of a snapshot's file as they were learnt; tombstones are left out."""
    with lines:
        for row in read_training_rows(line.decode("ascii") for line in lines):
            yield dump_line({name: getattr(row, name) for name in COLUMNS})


def rows_csv(lines: IO[bytes]) -> Iterator[str]:
    """The same as CSV."""
    writer = csv.writer(_Line())
    with lines:
        yield "\ufeff" + writer.writerow(COLUMNS)  # the mark makes spreadsheets read UTF-8
        for row in read_training_rows(line.decode("ascii") for line in lines):
            yield writer.writerow([safe(getattr(row, name)) for name in COLUMNS])
