"""``manage.py simulate_traffic``: customers write to a demo installation, so that routing can be watched at work."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.demo.live import arrivals
from inference.demo.desk import Desk, Refusal, Traffic, simulate


class Command(BaseCommand):
    help = (
        "Send made-up tickets to /api/route at a rate, and where each ended up as its outcome. Needs a machine's token "
        "(`manage.py machine_token desk` prints one). With --new-topic, a matter that no service is in charge of "
        "appears on the way."
    )
    requires_migrations_checks = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        port = os.environ.get("PORT", "8000")
        parser.add_argument("--address", default=f"http://127.0.0.1:{port}")
        parser.add_argument("--token", default=os.environ.get("ROUTE_TOKEN", ""), help="or ROUTE_TOKEN")
        parser.add_argument("--per-minute", type=float, default=30.0)
        parser.add_argument("--minutes", type=float, default=5.0)
        parser.add_argument("--outcomes", type=float, default=0.9, help="share of tickets whose end is told")
        parser.add_argument(
            "--outcome-seconds", type=float, default=20.0, help="until the desk has settled one"
        )
        parser.add_argument(
            "--new-topic", type=float, default=0.0, metavar="SHARE", help="of the tickets, from half-time on"
        )
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["token"]:
            raise CommandError("A machine's token is needed: `manage.py machine_token desk` prints one.")
        for name in ("per_minute", "minutes"):
            if options[name] <= 0:
                raise CommandError(f"--{name.replace('_', '-')} must be more than 0.")
        traffic = Traffic(
            options["per_minute"],
            options["minutes"],
            options["outcomes"],
            options["outcome_seconds"],
            options["seed"],
        )
        half = int(traffic.per_minute * traffic.minutes / 2)
        tickets = arrivals(traffic.seed, options["new_topic"], half)
        try:
            desk = Desk(options["address"], options["token"])
            tally = simulate(desk, tickets, traffic, self.stdout.write)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt as stopped:
            raise CommandError("stopped", returncode=130) from stopped
        self.stdout.write(tally.words())
