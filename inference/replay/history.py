"""The two files of a replay: the history that is played, and the test set that judges."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from accounts.errors import Refused
from annotation.ingest import ImportOptions, check_columns, import_file
from annotation.models import AnswerKey, LabelUse, Service
from annotation.reading import FileProblem, RawRow, open_file, read_rows
from ml.text import mask

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class History:
    """How many tickets have an answer, and how many rows of the file were refused."""

    answered: int
    refused: int


@dataclass(frozen=True)
class TestSet:
    """Masked texts and the codes of their services, same length; ``unknown`` of them the history does not have."""

    texts: list[str]
    codes: list[str]
    unknown: int


def check_file(path: Path, text_column: str, label_column: str) -> None:
    """Refuse a file that is not there or lacks a column, before anything is set up."""
    if not path.is_file():
        raise Refused("no_file", f"There is no file {path}.", status=400)
    try:
        opened = open_file(path, encoding="", delimiter="", format="")
    except FileProblem as problem:
        raise Refused("bad_file", f"{path.name}: {problem}", status=400) from problem
    options = ImportOptions(text_column=text_column, label_column=label_column)
    try:
        check_columns(options, opened.columns)
    except Refused as refused:
        raise Refused(refused.code, f"{path.name}: {refused.message}", status=400) from refused


def check_rows(train: Path, test: Path, text_column: str, label_column: str, labels: int) -> None:
    """Refuse a history without enough answers and a test set without any, before anything is set up. Raises
    ``Refused`` as ``ingest`` and ``read_test`` do, which know of fewer still: rows that an import refuses."""
    known = [label for _, label in _rows(train, text_column, label_column)]
    _check_history(train, label_column, len({label.casefold() for label in known}), len(known), labels)
    if not any(True for _ in _rows(test, text_column, label_column)):
        raise _empty(test)


def _rows(path: Path, text_column: str, label_column: str) -> Iterator[tuple[str, str]]:
    """(text, label) of the rows that have both, as they stand in the file."""
    for row in read_rows(open_file(path, encoding="", delimiter="", format="")):
        if isinstance(row, RawRow):
            text = str(row.values.get(text_column) or "").replace("\x00", "").strip()
            label = str(row.values.get(label_column) or "").strip()
            if text and label:
                yield text, label


def _check_history(path: Path, label_column: str, services: int, answered: int, labels: int) -> None:
    if services < 2:
        raise Refused(
            "too_few_services",
            f"{path.name}: {services} service(s) in column {label_column!r}; a replay needs two at least.",
            status=400,
        )
    if answered < labels:
        raise Refused(
            "too_few_rows",
            f"{path.name}: {answered} rows with a text and a label, but {labels} labels are to be given.",
            status=400,
        )


def _empty(path: Path) -> Refused:
    return Refused("too_few_rows", f"{path.name}: no row has both a text and a label.", status=400)


def ingest(
    path: Path, text_column: str, label_column: str, *, labels: int, progress: Progress = lambda *_: None
) -> History:
    """Import the history, its labels as answer keys; ``progress`` is given rows read, and 0 for their unknown total.

    Raises ``Refused("too_few_rows")`` when there are fewer answers than labels to give, or fewer than two services.
    """
    options = ImportOptions(
        text_column=text_column,
        label_column=label_column,
        label_as=LabelUse.ANSWER_KEY.value,
        service_from_labels=True,
    )
    report = import_file(path, options, progress=lambda _, rows: progress(rows, 0))
    answered = AnswerKey.objects.exclude(code="").count()
    _check_history(path, label_column, Service.objects.count(), answered, labels)
    return History(answered, report.rejected)


def read_test(path: Path, text_column: str, label_column: str) -> TestSet:
    """The test set, masked as tickets are. A label the history does not know keeps its own name: always an error.

    Raises ``Refused``: too_few_rows (no row has both a text and a label), no_known_label (none is the history's).
    """
    names: dict[str, str] = {}
    unknown = 0
    for service in Service.objects.all():
        names[service.name.casefold()] = names[service.code.casefold()] = service.code
    texts, codes = [], []
    for text, label in _rows(path, text_column, label_column):
        texts.append(mask(text).text)
        unknown += label.casefold() not in names
        codes.append(names.get(label.casefold(), f"unknown: {label}"))
    if not texts:
        raise _empty(path)
    if unknown == len(texts):
        raise Refused(
            "no_known_label",
            f"{path.name}: none of its labels in column {label_column!r} is a service of the history.",
            status=400,
        )
    return TestSet(texts, codes, unknown)
