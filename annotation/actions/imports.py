"""Imports of uploaded files: a row says what is to be read, a worker reads it, any worker can take it up again."""

import itertools
import logging
import shutil
import uuid
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation.ingest import ImportOptions, Report, check_columns, guess_columns, import_file, is_naive_time
from annotation.models import ImportRun, ImportState
from annotation.reading import FileProblem, RawRow, open_file, read_rows

log = logging.getLogger(__name__)

STALE = timedelta(seconds=90)
LOCK_CLASS = 7_208
PREVIEW_ROWS = 5
PREVIEW_LOOKS = 200


def upload_keep(file: IO[bytes], name: str) -> Path:
    """Store an upload where workers find it; returns its path. Raises ``Refused("file_too_large")``."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.upload"
    with path.open("wb") as target:
        shutil.copyfileobj(file, target, 1024 * 1024)
    if path.stat().st_size > settings.IMPORT_MAX_BYTES:
        path.unlink()
        raise Refused("file_too_large", "The file is too large.", status=400, limit=settings.IMPORT_MAX_BYTES)
    return path


def import_preview(path: Path, *, encoding: str = "", delimiter: str = "") -> dict[str, Any]:
    """Say how a file would be read: format, encoding, columns, the first rows. Raises ``Refused`` with the
    file's problem."""
    try:
        opened = open_file(path, encoding=encoding, delimiter=delimiter)
    except FileProblem as problem:
        raise Refused(problem.code, str(problem), status=400, **problem.params) from problem
    seen = itertools.islice(read_rows(opened), PREVIEW_LOOKS)
    good = itertools.islice((row for row in seen if isinstance(row, RawRow)), PREVIEW_ROWS)
    rows = [_shown(row, opened.columns) for row in good]
    guess = guess_columns(opened.columns)
    return {
        "format": opened.format,
        "encoding": opened.encoding,
        "delimiter": opened.delimiter,
        "columns": opened.columns,
        "guess": guess,
        "rows": rows,
        "warnings": [
            *({"code": code, "params": {}} for code in opened.warnings),
            *_naive_times(rows, guess["received_at_column"]),
        ],
    }


def _naive_times(rows: list[dict[str, str]], column: str) -> list[dict[str, Any]]:
    """Say that dates without a zone are read in the installation's."""
    if any(is_naive_time(row.get(column, "")) for row in rows):
        return [{"code": "naive_times", "params": {"zone": settings.INSTALLATION_TIME_ZONE}}]
    return []


def _shown(row: RawRow, columns: list[str]) -> dict[str, str]:
    """The row in short, with marks in place of characters that cannot be shown."""
    cells = {name: row.values.get(name) for name in columns if name in row.values}
    return {
        name: "" if value is None else str(value)[:300].encode(errors="replace").decode()
        for name, value in cells.items()
    }


def import_start(*, path: Path, filename: str, options: ImportOptions, started_by: User | None) -> ImportRun:
    """Put an import down to be done. A file that cannot be read at all is refused now, not later."""
    try:
        opened = open_file(
            path, encoding=options.encoding, delimiter=options.delimiter, format=options.format
        )
        check_columns(options, opened.columns)
    except FileProblem as problem:
        raise Refused(problem.code, str(problem), status=400, **problem.params) from problem
    return ImportRun.objects.create(
        filename=filename[:255],
        path=str(path),
        options=options.to_json(),
        started_by=started_by,
        bytes_total=path.stat().st_size,
    )


def import_run(*, import_id: int) -> None:
    """Do an import, or the rest of it. Only one worker at a time has it (advisory lock).

    The report is stored with every batch in one transaction, so an import that a crash interrupted goes on behind
    the last batch: no row is written or counted twice.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, import_id])
        if not cursor.fetchone()[0]:
            return
    try:
        run = ImportRun.objects.filter(
            pk=import_id, state__in=[ImportState.WAITING, ImportState.RUNNING]
        ).first()
        if run is not None:
            _work(run)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, import_id])


def _work(run: ImportRun) -> None:
    path = Path(run.path)
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.RUNNING, heartbeat_at=timezone.now())
    try:
        _read(run, path)
    except FileNotFoundError:
        _fail(run, "file_gone", "The uploaded file is no longer there: upload it again.")
    except FileProblem as problem:
        _fail(run, problem.code, str(problem), **problem.params)
    except Refused as refused:
        _fail(run, refused.code, refused.message, **refused.params)
    except (OperationalError, InterfaceError):  # the database went away: beat sends the import out again
        raise
    except Exception:
        log.exception("import %s", run.pk)
        _fail(run, "unexpected", "The import stopped by a fault of ours; what was taken in before is kept.")
    path.unlink(missing_ok=True)


def _read(run: ImportRun, path: Path) -> None:
    total = _lines(path)

    def note(report: Report, rows: int) -> None:
        share = min(1.0, rows / total) if total else 0.0
        ImportRun.objects.filter(pk=run.pk).update(
            **report.values(), bytes_read=F("bytes_total") * share, heartbeat_at=timezone.now()
        )

    options = ImportOptions.from_json(run.options)
    report = import_file(path, options, progress=note, so_far=_report_so_far(run))
    ImportRun.objects.filter(pk=run.pk).update(
        state=ImportState.DONE,
        ended_at=timezone.now(),
        bytes_read=F("bytes_total"),
        path="",
        **report.values(),
    )


def _report_so_far(run: ImportRun) -> Report:
    values = {name: getattr(run, name) for name in Report().values()}
    return Report(**{**values, "masked": Counter(run.masked)})


def _lines(path: Path) -> int:
    """About how many rows there are, for the progress bar."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1024 * 1024), b""))


def _fail(run: ImportRun, code: str, message: str, **params: Any) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        state=ImportState.FAILED,
        ended_at=timezone.now(),
        failure={"code": code, "params": {**params, "message": message}},
    )


def imports_stalled() -> list[int]:
    """Imports nobody seems to work on: never begun, or without a sign of life."""
    silent = Q(heartbeat_at=None) | Q(heartbeat_at__lt=timezone.now() - STALE)
    live = ImportRun.objects.filter(silent, state__in=[ImportState.WAITING, ImportState.RUNNING])
    return list(live.values_list("pk", flat=True))
