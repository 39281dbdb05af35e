"""The two files of a replay: the history that is played, and the test set that judges."""

from dataclasses import dataclass
from pathlib import Path

from accounts.errors import Refused
from annotation.ingest import ImportOptions, check_columns, import_file
from annotation.models import AnswerKey, LabelUse, Service
from annotation.reading import FileProblem, RawRow, open_file, read_rows
from ml.text import mask


@dataclass(frozen=True)
class TestSet:
    """Masked texts and the codes of their services, same length."""

    texts: list[str]
    codes: list[str]


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


def ingest(path: Path, text_column: str, label_column: str, *, labels: int) -> int:
    """Import the history, its labels as answer keys; returns how many tickets have an answer.

    Raises ``Refused("too_few_rows")`` when there are fewer answers than labels to give, or fewer than two services.
    """
    options = ImportOptions(
        text_column=text_column,
        label_column=label_column,
        label_as=LabelUse.ANSWER_KEY.value,
        service_from_labels=True,
    )
    import_file(path, options)
    answered = AnswerKey.objects.exclude(code="").count()
    services = Service.objects.count()
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
    return answered


def read_test(path: Path, text_column: str, label_column: str) -> TestSet:
    """The test set, masked as tickets are. A label the history does not know keeps its own name: always an error.

    Raises ``Refused("too_few_rows")`` when no row has both a text and a label.
    """
    names: dict[str, str] = {}
    for service in Service.objects.all():
        names[service.name.casefold()] = names[service.code.casefold()] = service.code
    texts, codes = [], []
    for row in read_rows(open_file(path, encoding="", delimiter="", format="")):
        if not isinstance(row, RawRow):
            continue
        text = str(row.values.get(text_column) or "").replace("\x00", "").strip()
        label = str(row.values.get(label_column) or "").strip()
        if text and label:
            texts.append(mask(text).text)
            codes.append(names.get(label.casefold(), f"unknown: {label}"))
    if not texts:
        raise Refused("too_few_rows", f"{path.name}: no row has both a text and a label.", status=400)
    return TestSet(texts, codes)
