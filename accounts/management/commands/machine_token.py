"""``manage.py machine_token NAME``: make a machine account if needed, and a fresh API token for it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import actions
from accounts.models import Role, User


class Command(BaseCommand):
    help = "Print a new API token for the machine account NAME (ingest, route, outcome). It is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        user, made = User.objects.get_or_create(username=options["name"], defaults={"role": Role.MACHINE})
        if user.role != Role.MACHINE:
            raise CommandError(f"{user.username} is a person ({user.role}); choose another name.")
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        _, secret = actions.token_create(user=user, name="command line")
        self.stdout.write(secret)
