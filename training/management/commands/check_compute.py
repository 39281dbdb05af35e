"""``manage.py check_compute``: what is missing before jobs can run where COMPUTE_BACKEND says; changes nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compute.registry import findings, policy_text

POLICIES = ("platform", "jobs", "trust", "check")


class Command(BaseCommand):
    help = (
        "Look at the settings, folders, permissions and quotas that jobs need, and print what is missing and what "
        "to do, one line each. Nothing is changed. Exits with 1 when something is missing."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--policy",
            choices=POLICIES,
            help="print a policy document for the AWS account instead: of the platform, of the jobs' role, that "
            "role's trust, or of whoever runs this check",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["policy"]:
            self.stdout.write(policy_text(options["policy"]), ending="")
            return
        styles = {"missing": self.style.ERROR, "ok": self.style.SUCCESS}
        missing = 0
        for found in findings():
            missing += found.standing == "missing"
            self.stdout.write(styles.get(found.standing, self.style.WARNING)(str(found)))
            self.stdout.flush()
        if missing:
            raise CommandError(
                f"{missing} missing: jobs will fail until {'it is' if missing == 1 else 'they are'} there."
            )
