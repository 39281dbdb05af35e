"""Uploaded test sets: labelled texts, masked like tickets, that no model has learned from and none will."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.errors import Refused
from accounts.models import User
from annotation import selectors as annotation
from annotation.ingest import ImportOptions, guess_columns
from annotation.reading import FileProblem, Opened, RawRow, RowProblem, open_file, read_rows
from ml.text import group_key, mask, text_hash
from training import selectors
from training.models import TestRow, TestSet
from training.signals import test_set_uploaded

MOST_ROWS = 20_000
MOST_ERRORS = 200
NONE_OF_THEM = "none"
"""The label of a text of none of the services; so is an empty one."""


@dataclass
class _Read:
    """What came of a file: rows by hash, those not taken, and how many resemble what teaches."""

    rows: dict[str, TestRow] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    taught: int = 0


def test_set_create(
    *,
    path: Path,
    name: str,
    by: User | None = None,
    text_column: str = "",
    label_column: str = "",
    language_column: str = "",
    encoding: str = "",
    delimiter: str = "",
) -> TestSet:
    """Take a CSV or JSONL file of texts and services; the same rows again give the set there is.

    Columns not named are guessed from their names. Rows that resemble tickets which may teach are left out: a model
    could know them by heart. Raises ``Refused``: what ``annotation.reading.open_file`` finds wrong, and
    label_column_needed, unknown_column, too_many_rows, nothing_to_test.
    """
    try:
        opened = open_file(path, encoding=encoding, delimiter=delimiter)
    except FileProblem as problem:
        raise Refused(problem.code, str(problem), status=400, **problem.params) from problem
    columns = _columns(opened, text_column, label_column, language_column)
    found = _leave_out_taught(_read(opened, columns))
    if not found.rows:
        first = [{"line": one.line, "code": one.code, "params": one.params} for one in found.problems[:5]]
        raise Refused(
            "nothing_to_test",
            "No row could be taken: each needs a text and a service that exists here.",
            status=400,
            rejected=len(found.problems),
            taught=found.taught,
            first=first,
        )
    return _record(found, name=name, by=by)


def _columns(opened: Opened, text: str, label: str, language: str) -> ImportOptions:
    guess = guess_columns(opened.columns)
    options = ImportOptions(
        text_column=text or guess["text_column"],
        label_column=label or guess["label_column"],
        language_column=language or guess["language_column"],
    )
    if not options.label_column:
        raise Refused(
            "label_column_needed", "Which column names the service?", status=400, columns=opened.columns
        )
    for column in (options.text_column, options.label_column, options.language_column):
        if column and column not in opened.columns:
            raise Refused(
                "unknown_column",
                f"The file has no column {column}.",
                status=400,
                column=column,
                columns=opened.columns,
            )
    return options


def _read(opened: Opened, columns: ImportOptions) -> _Read:
    names = annotation.services_by_any_name()
    found = _Read()
    for place, raw in enumerate(read_rows(opened)):
        if place >= MOST_ROWS:
            raise Refused("too_many_rows", "A test set has a limit of rows.", status=400, limit=MOST_ROWS)
        row = raw if isinstance(raw, RowProblem) else _row(raw, columns, names)
        if isinstance(row, RowProblem):
            found.problems.append(row)
        elif row.text_hash in found.rows:
            found.problems.append(RowProblem(raw.line, "repeated_text", {}))
        else:
            found.rows[row.text_hash] = row
    return found


def _row(raw: RawRow, columns: ImportOptions, names: dict[str, Any]) -> TestRow | RowProblem:
    text, label, language = (
        str(raw.values.get(column) or "").replace("\x00", "").strip()
        for column in (columns.text_column, columns.label_column, columns.language_column)
    )
    if not text:
        return RowProblem(raw.line, "empty_text", {"column": columns.text_column})
    if len(text) > settings.TICKET_MAX_CHARS:
        return RowProblem(
            raw.line, "text_too_long", {"length": len(text), "limit": settings.TICKET_MAX_CHARS}
        )
    if not all(one.isascii() or _is_sound(one) for one in (text, language)):
        return RowProblem(raw.line, "bad_characters", {"column": columns.text_column})
    service = names.get(annotation.service_key(label))
    if service is None and label and label.casefold() != NONE_OF_THEM:
        return RowProblem(raw.line, "unknown_service", {"label": label[:80]})
    masked = mask(text).text
    code = service.code if service else ""
    return TestRow(text=masked, text_hash=text_hash(masked), code=code, language=language.lower()[:8])


def _is_sound(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _leave_out_taught(found: _Read) -> _Read:
    """Without the rows whose near-duplicates may teach."""
    groups = {hashed: group_key(row.text) for hashed, row in found.rows.items()}
    taught = selectors.groups_that_teach(set(groups.values()))
    kept = {hashed: row for hashed, row in found.rows.items() if groups[hashed] not in taught}
    return _Read(kept, found.problems, len(found.rows) - len(kept))


@transaction.atomic
def _record(found: _Read, *, name: str, by: User | None) -> TestSet:
    rows = sorted(found.rows.values(), key=lambda row: row.text_hash)
    named = "\n".join(f"{row.text_hash} {row.code}" for row in rows)
    made, is_new = TestSet.objects.get_or_create(
        fingerprint=hashlib.sha256(named.encode()).hexdigest(),
        defaults={
            "name": name.strip()[:120] or "test set",
            "rows": len(rows),
            "services": dict(Counter(row.code for row in rows)),
            "rejected": len(found.problems),
            "errors": [
                {"line": one.line, "code": one.code, "params": one.params}
                for one in found.problems[:MOST_ERRORS]
            ],
            "taught": found.taught,
            "uploaded_by": by,
            "is_demo": settings.DEMO,
        },
    )
    if is_new:
        for row in rows:
            row.test_set = made
        TestRow.objects.bulk_create(rows, batch_size=2000)
        transaction.on_commit(lambda: test_set_uploaded.send(sender=TestSet, test_set_id=made.pk))
    return made
