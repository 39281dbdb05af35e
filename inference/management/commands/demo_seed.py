"""``manage.py demo_seed``: fill a demo installation; ``make demo`` calls it before the workers start, and with
``--go-on`` beside them."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotation.models import Ticket
from compute.registry import backend
from inference import demo


class Command(BaseCommand):
    help = (
        "Bring a demo installation to the middle of its story. Needs the embedded servers and the supervisor."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tickets", type=int, default=settings.DEMO_TICKETS)
        parser.add_argument(
            "--go-on", action="store_true", help="the rest of the story, while everything runs"
        )
        parser.add_argument("--labels", type=int, default=settings.DEMO_LABELS)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This fills a demo: set AIGUILLEUR_DEMO=1 (`make demo` does).")
        if Ticket.objects.exists() and not Ticket.objects.filter(is_demo=True).exists():
            raise CommandError("There are real tickets here: a demo needs an installation of its own.")
        began = time.monotonic()

        def say(line: str) -> None:
            self.stdout.write(f"    {time.monotonic() - began:5.0f} s  {line}")

        if options["go_on"]:
            demo.go_on(backend=backend(), say=say, tickets=options["tickets"])
        else:
            demo.seed(backend=backend(), say=say, tickets=options["tickets"], labels=options["labels"])
