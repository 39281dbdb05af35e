"""Turns an opened file into rows. A bad row is a RowProblem with its line number; reading goes on behind it."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from annotation.reading.files import MOST_FIELD_CHARS, Opened


@dataclass(frozen=True)
class RawRow:
    """One record as it stands in the file; ``line`` is where it begins, counted from 1."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class RowProblem:
    """Why a row was not taken: a code and parameters that the page translates."""

    line: int
    code: str
    params: dict[str, Any]


def read_rows(opened: Opened) -> Iterator[RawRow | RowProblem]:
    """Yield every record of the file in order. Decoding errors end the reading with a last RowProblem."""
    with opened.stream() as stream:
        reader = _jsonl(stream) if opened.format == "jsonl" else _csv(stream, opened)
        try:
            yield from reader
        except UnicodeError:
            yield RowProblem(0, "bad_encoding", {"encoding": opened.encoding})


class _Lines:
    """Counts physical lines as the csv module takes them, and keeps NULs from ending it."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        for text in self.stream:
            self.line += 1
            yield text


def _csv(stream: IO[str], opened: Opened) -> Iterator[RawRow | RowProblem]:
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=opened.delimiter)
    next(reader, None)
    width = len(opened.columns)
    while True:
        begin = lines.line + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowProblem(begin, "unreadable_row", {"reason": str(error), "limit": MOST_FIELD_CHARS})
            reader = csv.reader(lines, delimiter=opened.delimiter)  # the old one is in the middle of the row
            continue
        if not values or values == [""]:
            continue
        if len(values) != width:
            yield RowProblem(begin, "wrong_width", {"found": len(values), "expected": width})
            continue
        yield RawRow(begin, dict(zip(opened.columns, values, strict=True)))


def _jsonl(stream: IO[str]) -> Iterator[RawRow | RowProblem]:
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            yield RowProblem(line, "bad_json", {})
            continue
        if isinstance(record, dict):
            yield RawRow(line, record)
        else:
            yield RowProblem(line, "not_an_object", {})
