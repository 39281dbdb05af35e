"""Turns an opened file into rows. A bad row is a RowProblem with its line number; reading goes on behind it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from annotation.reading.files import MOST_FIELD_CHARS, Opened, json_value


@dataclass(frozen=True)
class RawRow:
    """One record as it stands in the file; ``line`` is where it begins, counted from 1."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class RowProblem:
    """Why a row was not taken: a code and parameters that the page translates.

    ``last_line`` among the parameters says that the row reached so far, as a lost quote makes it.
    """

    line: int
    code: str
    params: dict[str, Any]


def read_rows(opened: Opened) -> Iterator[RawRow | RowProblem]:
    """Yield every record of the file in order. Decoding errors end the reading with a last RowProblem."""
    with opened.stream() as stream:
        lines = _Lines(stream)
        reader = _jsonl(lines) if opened.format == "jsonl" else _csv(lines, opened)
        try:
            yield from reader
        except UnicodeError:
            yield RowProblem(lines.line + 1, "bad_encoding", {"encoding": opened.encoding})


class _LineTooLong(Exception):
    """A line was longer than a field may be; it has been passed over."""


class _Lines:
    """Physical lines, counted as they are taken, none held that is longer than a field may be."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.line = 0
        self.taken: list[str] = []
        self.is_over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self.stream.readline(MOST_FIELD_CHARS + 1)
        if not text:
            self.is_over = True
            raise StopIteration
        self.line += 1
        if len(text) > MOST_FIELD_CHARS:
            while text and not text.endswith(("\n", "\r")):
                text = self.stream.readline(MOST_FIELD_CHARS)
            raise _LineTooLong
        self.taken.append(text)
        return text


def _csv(lines: _Lines, opened: Opened) -> Iterator[RawRow | RowProblem]:
    reader = csv.reader(lines, delimiter=opened.delimiter)
    next(reader, None)
    width = len(opened.columns)
    while True:
        begin = lines.line + 1
        lines.taken.clear()
        try:
            values = next(reader)
        except StopIteration:
            return
        except (csv.Error, _LineTooLong) as error:
            reason = str(error) or "line too long"
            yield _problem(begin, lines, "unreadable_row", reason=reason, limit=MOST_FIELD_CHARS)
            reader = csv.reader(lines, delimiter=opened.delimiter)  # the old one is in the middle of the row
            continue
        if lines.is_over:  # it wanted more: the last row's quote is never closed
            yield _problem(begin, lines, "unclosed_quote")
            return
        if len(lines.taken) > 1 and not _is_strict(lines.taken, opened.delimiter):
            yield _problem(begin, lines, "unreadable_row", reason="stray quote")
            continue
        if not any(values):
            continue
        while len(values) > width and not values[-1]:
            values.pop()
        if len(values) != width:
            yield _problem(begin, lines, "wrong_width", found=len(values), expected=width)
            continue
        yield RawRow(begin, dict(zip(opened.columns, values, strict=True)))


def _is_strict(taken: list[str], delimiter: str) -> bool:
    """Whether a row over several lines is quoted by the book. On one line a stray quote is forgiven; here it may
    mean that a lost quote has run several rows into one."""
    try:
        return len(list(csv.reader(taken, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _problem(begin: int, lines: _Lines, code: str, **params: Any) -> RowProblem:
    """A problem that says how far the row reached, if over more lines than one."""
    return RowProblem(begin, code, {**params, "last_line": lines.line} if lines.line > begin else params)


def _jsonl(lines: _Lines) -> Iterator[RawRow | RowProblem]:
    while True:
        lines.taken.clear()
        try:
            text = next(lines)
        except StopIteration:
            return
        except _LineTooLong:
            yield RowProblem(
                lines.line, "unreadable_row", {"reason": "line too long", "limit": MOST_FIELD_CHARS}
            )
            continue
        if not text.strip():
            continue
        record = json_value(text)
        if isinstance(record, dict):
            yield RawRow(lines.line, record)
        else:
            is_json = not isinstance(record, ValueError)
            yield RowProblem(lines.line, "not_an_object" if is_json else "bad_json", {})
