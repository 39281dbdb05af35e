"""Opens a ticket file: finds its encoding, its format and its columns without reading it whole."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PROBE_BYTES = 4 * 1024 * 1024
MOST_FIELD_CHARS = 16 * 1024 * 1024  # a lost quote must not swallow a gigabyte
csv.field_size_limit(MOST_FIELD_CHARS)


class FileProblem(Exception):
    """The file as a whole cannot be read. ``code`` and ``params`` are for the page, ``str()`` for people."""

    def __init__(self, code: str, message: str, **params: object) -> None:
        super().__init__(message)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Opened:
    """A file that can be read: how, and what columns it has (JSONL: the keys of its first rows)."""

    path: Path
    encoding: str
    format: str
    delimiter: str
    columns: list[str]
    warnings: list[str] = field(default_factory=list)

    def stream(self) -> IO[str]:
        """Open for reading as text, line ends untouched (quoted line ends belong to the text)."""
        return self.path.open(encoding=self.encoding, newline="")


def open_file(path: Path, *, encoding: str = "", delimiter: str = "", format: str = "") -> Opened:
    """Look at the head of a file. Raises FileProblem: empty_file, not_text, bad_encoding, no_columns."""
    with path.open("rb") as file:
        head = file.read(PROBE_BYTES)
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise FileProblem("empty_file", "The file is empty.")
    warnings: list[str] = []
    encoding = _check_encoding(encoding) if encoding else _guess_encoding(path, head, warnings)
    text = _decode(head, encoding)
    if _looks_binary(text):
        raise FileProblem("not_text", "This is not a text file: save the table as CSV (UTF-8) or JSON lines.")
    kind = format or ("jsonl" if text.lstrip().startswith(("{", "[")) else "csv")
    if kind == "jsonl":
        return Opened(path, encoding, kind, "", _jsonl_columns(text), warnings)
    delimiter = delimiter or _guess_delimiter(text)
    columns = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    columns = [column.strip() for column in columns]
    if not any(columns):
        raise FileProblem("no_columns", "The first line must name the columns.")
    if len(set(columns)) < len(columns):
        doubled = sorted({c for c in columns if columns.count(c) > 1})
        raise FileProblem(
            "doubled_column", f"Two columns have one name: {', '.join(doubled)}.", columns=doubled
        )
    return Opened(path, encoding, kind, delimiter, columns, warnings)


def _check_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise FileProblem("bad_encoding", f"There is no encoding named {name}.", encoding=name) from error


def _guess_encoding(path: Path, head: bytes, warnings: list[str]) -> str:
    """A byte-order mark decides; else UTF-8 if the whole file is; else Windows-1252, with a warning."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        warnings.append("read_as_latin1")
        return "cp1252" if _decodes(path, "cp1252") else "latin-1"
    return "utf-8"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            yield chunk


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _decode(head: bytes, encoding: str) -> str:
    """Decode the head; a character cut at its end does not matter."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except (UnicodeDecodeError, UnicodeError) as error:
        raise FileProblem("bad_encoding", f"The file is not {encoding}.", encoding=encoding) from error


def _looks_binary(text: str) -> bool:
    sample = text[:4096]
    control = sum(1 for c in sample if c < " " and c not in "\t\r\n\x00\x0b\x0c\x1b")
    nul = sample.count("\x00")
    return (
        control > max(8, len(sample) // 20)
        or nul > max(16, len(sample) // 5)
        or sample.startswith("PK\x03\x04")
    )


def _guess_delimiter(text: str) -> str:
    """The separator that the header line holds most often; a comma if none."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t|", key=lambda d: (header.count(d), d == ","))


def _jsonl_columns(text: str) -> list[str]:
    """The keys of the first rows, in the order they come."""
    keys: dict[str, None] = {}
    for line in text.split("\n")[:50]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            keys.update(dict.fromkeys(map(str, record)))
    return list(keys)
