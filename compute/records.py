"""The lines of a transform: read in bounded batches, counted, resumed, answered with an error where they are bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ml.schema import TransformOutput, WireError, dump_line

FIRST_BATCH_LINES = 64
BATCH_LINES_AT_MOST = 512
BATCH_BYTES = 1_000_000
LINE_BYTES_AT_MOST = 5_000_000


@dataclass(frozen=True)
class Line:
    """One input line without its end; `refusal` is the answer to a line that is not worth sending."""

    number: int
    content: bytes
    refusal: bytes | None = None


def error_line(number: int, content: bytes, code: str, message: str) -> bytes:
    """The output line of a record that has no answer. Its id is the record's, or its line number when it has none."""
    try:
        record = json.loads(content)
        identifier = str(record["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        identifier = f"line {number}"
    answer = TransformOutput(identifier or f"line {number}", "", "", error=WireError(code, message[:500]))
    return dump_line(answer.to_dict()).encode()


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line, numbered from 1, at most LINE_BYTES_AT_MOST of one in memory."""
    number = 0
    while content := stream.readline(LINE_BYTES_AT_MOST + 1):
        number += 1
        if len(content) > LINE_BYTES_AT_MOST and not content.endswith(b"\n"):
            while (rest := stream.readline(LINE_BYTES_AT_MOST)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, b"", error_line(number, b"", "too_large", "the record is larger than 5 MB"))
            continue
        content = content.rstrip(b"\r\n")
        if content.strip():
            yield Line(number, content)
        else:
            yield Line(number, b"", error_line(number, b"", "bad_json", "the line is empty"))


class BatchSize:
    """How many lines to send at once: more while answers come fast, fewer when they take long.

    Long batches let the program sort by length; short ones keep a stop, a shutdown and other callers from waiting.
    """

    QUICK_SECONDS = 2.0
    LONG_SECONDS = 8.0

    def __init__(self) -> None:
        self.lines = FIRST_BATCH_LINES

    def took(self, seconds: float) -> None:
        if seconds < self.QUICK_SECONDS:
            self.lines = min(self.lines * 2, BATCH_LINES_AT_MOST)
        elif seconds > self.LONG_SECONDS:
            self.lines = max(self.lines // 2, 1)


def batches(stream: BinaryIO, skip: int, size_of: BatchSize) -> Iterator[list[Line]]:
    """The lines after the first `skip`, in order, in lists bounded by count and by bytes."""
    batch: list[Line] = []
    size = 0
    for line in lines(stream):
        if line.number <= skip:
            continue
        if batch and (len(batch) >= size_of.lines or size + len(line.content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.content)
    if batch:
        yield batch


def count_lines(path: Path) -> int:
    """Lines in a file; a last line without an end counts."""
    total, last = 0, b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            total += chunk.count(b"\n")
            last = chunk[-1:]
    return total + (last != b"\n")


def whole_lines(partial: BinaryIO, source: Path) -> int:
    """Cut a partial output after its last whole line and say how many lines it holds.

    The last one must answer the record of its number in `source`; otherwise nothing of it can be trusted and it is
    emptied.
    """
    count, end, last = 0, 0, b""
    partial.seek(0)
    for line in partial:
        if line.endswith(b"\n"):
            count, end, last = count + 1, end + len(line), line
    if count and not _answers(last, source, count):
        count, end = 0, 0
    partial.seek(end)
    partial.truncate()
    return count


def _answers(answer: bytes, source: Path, number: int) -> bool:
    with source.open("rb") as stream:
        asked = next((line for line in lines(stream) if line.number == number), None)
    if asked is None:
        return False
    try:
        expected = json.loads(error_line(number, asked.content, "", ""))["id"]
        return bool(json.loads(answer)["id"] == expected)
    except (ValueError, KeyError, TypeError):
        return False
