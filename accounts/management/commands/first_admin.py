"""``manage.py first_admin``: make the first admin from a terminal; the page /setup does the same."""

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import actions, selectors
from accounts.errors import Refused


class Command(BaseCommand):
    help = "Make the first admin, if there is none. The password is asked for, or read from FIRST_ADMIN_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default="admin")
        parser.add_argument("--language", default="", choices=["", "en", "fr"])

    def handle(self, *args: Any, **options: Any) -> None:
        if not selectors.needs_setup():
            self.stdout.write("There is an admin already; nothing to do.")
            return
        password = os.environ.get("FIRST_ADMIN_PASSWORD") or getpass.getpass("Password for the first admin: ")
        try:
            user = actions.first_admin_create(
                username=options["username"], password=password, language=options["language"]
            )
        except Refused as error:
            raise CommandError(error.message) from error
        self.stdout.write(self.style.SUCCESS(f"{user.username} is the first admin."))
