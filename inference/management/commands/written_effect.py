"""``manage.py written_effect``: do the tickets that experts wrote help, and which service?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from annotation.models import Ticket, TicketStatus
from annotation.written import real_labelled, written_left_out, written_tickets
from inference import selectors
from inference.models import Embedding, Encoder
from ml.written_effect import Effect, written_effect


class Command(BaseCommand):
    help = (
        "Compare a quick head that learns from real tickets alone with one that learns from the written ones too, "
        "both judged on real tickets by cross-validation, never on control tickets. Nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=0, help="Of the folds.")
        parser.add_argument(
            "--json", type=Path, default=None, metavar="OUT", help="Also write the figures here."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        encoder = selectors.current_encoder()
        if encoder is None:
            raise CommandError("No ticket has its vector yet: wait until the pool is embedded.")
        found = _measure(encoder, options["seed"])
        self._show(found)
        if options["json"]:
            options["json"].write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")

    def _show(self, found: Effect) -> None:
        self.stdout.write(f"{'service':24}{'real':>7}{'written':>9}{'without':>9}{'with':>9}")
        for one in found.services:
            shares = (one.without, one.with_written)
            shown = "".join(f"{'-' if share is None else f'{100 * share:.1f}':>9}" for share in shares)
            self.stdout.write(f"{one.service[:23]:24}{one.real:>7}{one.written:>9}{shown}")
        self.stdout.write(
            f"Of {found.real} real tickets {found.right_without} are right without the written ones, "
            f"{found.right_with} with them: {found.gained} gained, {found.lost} lost (chance of that by luck: "
            f"{found.p:.2g})."
        )


def _measure(encoder: Encoder, seed: int) -> Effect:
    written = written_tickets().filter(status=TicketStatus.LABELLED, label__is_active=True)
    written = written.exclude(pk__in=written_left_out())
    if not written.exists():
        raise CommandError("No written ticket trains yet: write some first.")
    tickets = Ticket.objects.filter(pk__in=real_labelled().values("pk")) | written
    rows = (
        Embedding.objects.filter(encoder=encoder, vector__isnull=False, ticket__in=tickets.values("pk"))
        .order_by("ticket_id")
        .values_list("vector", "ticket__label__code", "ticket__group", "ticket__origin")
    )
    vectors, labels, groups, origins = zip(*rows, strict=True) if rows else ((), (), (), ())
    if "written" not in origins:
        raise CommandError("The written tickets have no vector yet: wait until the pool is embedded.")
    is_written = np.asarray(origins) == "written"
    try:
        return written_effect(
            np.stack(vectors).astype(np.float32), np.asarray(labels), list(groups), is_written, seed
        )
    except ValueError as error:
        raise CommandError(f"Nothing can be measured: {error}.") from error
