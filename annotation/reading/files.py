"""Opens a ticket file: finds its encoding, its format and its columns without reading it whole."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PROBE_BYTES = 4 * 1024 * 1024
MOST_FIELD_CHARS = 16 * 1024 * 1024  # a lost quote must not swallow a gigabyte
MOST_COLUMNS = 1000
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
        """Open for reading as text, line ends untouched (quoted line ends belong to the text).

        A byte that is none of the encoding comes out as a lone surrogate, so that it costs its row, not the file.
        """
        return self.path.open(encoding=self.encoding, newline="", errors="surrogateescape")


def open_file(path: Path, *, encoding: str = "", delimiter: str = "", format: str = "") -> Opened:
    """Look at the head of a file.

    Raises FileProblem: empty_file, not_text, unknown_encoding, bad_encoding, bad_delimiter, no_columns,
    doubled_column, too_many_columns, not_json_lines.
    """
    with path.open("rb") as file:
        head = file.read(PROBE_BYTES)
        if b"\n" not in head:  # one row longer than the probe
            head += file.readline(4 * MOST_FIELD_CHARS)
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
    delimiter = _check_delimiter(delimiter) if delimiter else _guess_delimiter(text)
    return Opened(path, encoding, kind, delimiter, _csv_columns(text, delimiter), warnings)


def _check_encoding(name: str) -> str:
    try:
        found = codecs.lookup(name)
        "".encode(name)  # base64 and its like are codecs, but not of text
    except (LookupError, ValueError) as error:
        raise FileProblem(
            "unknown_encoding", f"There is no encoding named {name!r}: try utf-8 or cp1252.", encoding=name
        ) from error
    return "utf-8-sig" if found.name == "utf-8" else found.name


def _check_delimiter(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n\x00 ':
        raise FileProblem(
            "bad_delimiter",
            f"{delimiter!r} cannot separate columns: give one character, such as , or ; or tab.",
            delimiter=delimiter[:20],
        )
    return delimiter


def _guess_encoding(path: Path, head: bytes, warnings: list[str]) -> str:
    """A byte-order mark decides; else UTF-8 if the file is, but for a few spoilt bytes; else Windows-1252."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    if _decodes(path, "utf-8"):
        return "utf-8"
    wide, spoilt = _count_utf8(path)
    if wide > 9 * spoilt:
        warnings.append("spoilt_utf8")
        return "utf-8"
    warnings.append("read_as_latin1")
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            yield chunk


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count_utf8(path: Path) -> tuple[int, int]:
    """Characters beyond ASCII that are good UTF-8, and bytes that are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    wide = spoilt = 0
    for chunk in _chunks(path):
        beyond = [c for c in decoder.decode(chunk) if c > "\x7f"]
        bad = sum("\ud800" <= c <= "\udfff" for c in beyond)
        wide, spoilt = wide + len(beyond) - bad, spoilt + bad
    return wide, spoilt


def _decode(head: bytes, encoding: str) -> str:
    """Decode the head; a character cut at its end does not matter."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":  # guessed, and known to have a few spoilt bytes
            return head.decode(encoding, "surrogateescape")
        raise _not_of(encoding) from error
    except (UnicodeError, LookupError) as error:
        raise _not_of(encoding) from error


def _not_of(encoding: str) -> FileProblem:
    return FileProblem(
        "bad_encoding", f"The file is not {encoding}: name another encoding, or none.", encoding=encoding
    )


def _looks_binary(text: str) -> bool:
    sample = text[:4096]
    control = sum(1 for c in sample if c < " " and c not in "\t\r\n\x00\x0b\x0c\x1b")
    nul = sample.count("\x00")
    few = max(1, len(sample) // 5) if "\x00" in sample[:2] else max(16, len(sample) // 5)
    return control > max(8, len(sample) // 20) or nul > few or sample.startswith("PK\x03\x04")


def _guess_delimiter(text: str) -> str:
    """The separator that the header line holds most often; a comma if none."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t|", key=lambda d: (header.count(d), d == ","))


def _csv_columns(text: str, delimiter: str) -> list[str]:
    """The names in the first line; a column without one is named by its place ("column 3")."""
    try:
        found = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        found = []
    columns = [column.replace("\x00", "").strip() for column in found]
    if not any(columns):
        raise FileProblem("no_columns", "The first line must name the columns.")
    if len(columns) > MOST_COLUMNS:
        raise FileProblem(
            "too_many_columns", f"The first line names {len(columns)} columns.", limit=MOST_COLUMNS
        )
    columns = [column or f"column {place}" for place, column in enumerate(columns, start=1)]
    if not _is_sound("".join(columns)):
        raise FileProblem("bad_encoding", "The first line has bytes that are no text.", encoding="")
    doubled = sorted({c for c in columns if columns.count(c) > 1})
    if doubled:
        raise FileProblem(
            "doubled_column", f"Two columns have one name: {', '.join(doubled)}.", columns=doubled
        )
    return columns


def _jsonl_columns(text: str) -> list[str]:
    """The keys of the first rows, in the order they come."""
    keys: dict[str, None] = {}
    for line in text.split("\n"):
        record = json_value(line)
        if isinstance(record, dict):
            keys.update((key, None) for key in record if _is_sound(key))
        if len(keys) > MOST_COLUMNS:
            raise FileProblem("too_many_columns", "The rows have too many names.", limit=MOST_COLUMNS)
    if not keys:
        raise FileProblem(
            "not_json_lines", "No line is a JSON object: write one object a line, not one list of all."
        )
    return list(keys)


def _is_sound(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def json_value(line: str) -> Any:
    """The value a line stands for; a ValueError as the value if it is not JSON (nor are NaN and Infinity)."""
    try:
        return _DECODER.decode(line)
    except ValueError as error:
        return error
    except RecursionError:
        return ValueError("nested too deeply")
