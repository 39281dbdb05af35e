"""Reads ticket files row by row: encodings, CSV and JSONL, with the line number of every row."""

from annotation.reading.files import FileProblem, Opened, open_file
from annotation.reading.rows import RawRow, RowProblem, read_rows

__all__ = ["FileProblem", "Opened", "RawRow", "RowProblem", "open_file", "read_rows"]
