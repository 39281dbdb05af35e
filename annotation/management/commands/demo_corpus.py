"""`manage.py demo_corpus OUT.csv`: writes the demonstration tickets of an invented online shop."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.demo.corpus import generate
from annotation.demo.writer import split_holdout, write_csv


class Command(BaseCommand):
    help = "Write the demo tickets (English and French, 12 services) as CSV; deterministic for a seed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, help="CSV file to write")
        parser.add_argument("--tickets", type=int, default=10_000)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--holdout", type=Path, help="also write a held-out part here, kept out of OUT")
        parser.add_argument("--holdout-share", type=float, default=0.2)
        parser.add_argument("--stats", action="store_true", help="measure what was written (about 20 s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["tickets"] < 1:
            raise CommandError("--tickets must be at least 1.")
        if not 0 < options["holdout_share"] < 1:
            raise CommandError("--holdout-share must lie between 0 and 1.")
        started = time.monotonic()
        tickets = generate(options["tickets"], options["seed"])
        held = None
        if options["holdout"]:
            tickets, held = split_holdout(tickets, options["holdout_share"], options["seed"])
        try:
            count = write_csv(tickets, options["out"])
            held_count = write_csv(held, options["holdout"]) if held is not None else 0
        except OSError as error:
            raise CommandError(f"Cannot write {error.filename}: {error.strerror}.") from error
        seconds = time.monotonic() - started
        self.stdout.write(f"{count} tickets written to {options['out']} in {seconds:.1f} s.")
        if held is not None:
            self.stdout.write(f"{held_count} held-out tickets written to {options['holdout']}.")
        if options["stats"]:
            from annotation.demo import stats

            self.stdout.write(stats.report(stats.read(options["out"])))
