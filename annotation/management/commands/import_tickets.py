"""``manage.py import_tickets FILE``: bring a CSV or JSONL file in from the command line."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.errors import Refused
from annotation.ingest import ImportOptions, Report, import_file
from annotation.ingest.report import ERRORS_KEPT
from annotation.models import LabelUse
from annotation.reading import FileProblem

WARNINGS = {
    "read_as_latin1": "The file is not UTF-8: it was read as Windows-1252. Look at a few accents.",
    "spoilt_utf8": "The file is UTF-8 with some spoilt bytes: the rows that hold them were rejected.",
}


class Command(BaseCommand):
    help = "Import tickets from FILE (CSV with a header, or JSON lines). Can be repeated: one row per external id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--text-column", default="text")
        parser.add_argument("--label-column", default="")
        parser.add_argument(
            "--as-answer-key", action="store_true", help="Keep the labels apart, as answers for a replay."
        )
        parser.add_argument(
            "--service-from-labels", action="store_true", help="Make services that are missing."
        )
        for name in ("external-id", "received-at", "channel", "language"):
            parser.add_argument(f"--{name}-column", default="")
        parser.add_argument("--metadata-columns", default="", help="Names, separated by commas.")
        parser.add_argument("--all-metadata", action="store_true", help="Keep every other column.")
        parser.add_argument("--encoding", default="", help="Found out if not given.")
        parser.add_argument("--delimiter", default="", help="Found out if not given.")
        parser.add_argument("--format", default="", choices=["", "csv", "jsonl"])

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        began = time.monotonic()
        try:
            report = import_file(path, self._options(options), progress=self._progress)
        except FileProblem as problem:
            raise CommandError(f"{path.name}: {problem}") from problem
        except Refused as refused:
            raise CommandError(f"{path.name}: {refused.message}") from refused
        except OSError as error:
            raise CommandError(f"{path.name} cannot be read: {error.strerror}.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was taken in is kept; the same command goes on.") from None
        self._print(report, time.monotonic() - began)

    @staticmethod
    def _options(options: dict[str, Any]) -> ImportOptions:
        return ImportOptions(
            text_column=options["text_column"],
            label_column=options["label_column"],
            label_as=(LabelUse.ANSWER_KEY if options["as_answer_key"] else LabelUse.LABELS).value,
            service_from_labels=options["service_from_labels"],
            external_id_column=options["external_id_column"],
            received_at_column=options["received_at_column"],
            channel_column=options["channel_column"],
            language_column=options["language_column"],
            metadata_columns=tuple(
                name.strip() for name in options["metadata_columns"].split(",") if name.strip()
            ),
            all_metadata=options["all_metadata"],
            encoding=options["encoding"],
            delimiter={"\\t": "\t", "tab": "\t"}.get(options["delimiter"], options["delimiter"]),
            format=options["format"],
        )

    @staticmethod
    def _progress(report: Report, rows: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{rows:,} rows read, {report.created:,} new")
            sys.stderr.flush()

    def _print(self, report: Report, seconds: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
        self.stdout.write(
            f"{report.rows_read:,} rows in {seconds:.1f} s: {report.created:,} new, {report.updated:,} updated, "
            f"{report.unchanged:,} unchanged, {report.rejected:,} rejected; {report.duplicates:,} repeat a text."
        )
        if not report.rows_read:
            self.stdout.write(self.style.WARNING("The file has no rows below its first line."))
        if report.masked:
            self.stdout.write(
                "Masked: " + ", ".join(f"{n:,} {kind}" for kind, n in sorted(report.masked.items()))
            )
        if report.services_created:
            self.stdout.write("New services: " + ", ".join(report.services_created))
        if report.naive_dates:
            zone = settings.INSTALLATION_TIME_ZONE
            self.stdout.write(f"{report.naive_dates:,} dates without a zone were read as times in {zone}.")
        for code in report.warnings:
            self.stdout.write(self.style.WARNING(WARNINGS.get(code, code)))
        self._print_problems(report)

    def _print_problems(self, report: Report) -> None:
        for error in report.errors:
            details = ", ".join(f"{name}={value}" for name, value in error["params"].items())
            self.stdout.write(
                self.style.WARNING(
                    f"line {error['line']}: {error['code'].replace('_', ' ')} {details}".rstrip()
                )
            )
        if len(report.errors) == ERRORS_KEPT:
            self.stdout.write(self.style.WARNING(f"… only the first {ERRORS_KEPT} problems are listed."))
