"""``manage.py replay``: how many labels would the queue have needed on your own history?"""

import json
import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import Refused
from compute.port import ComputeError

PLOTS = (".svg", ".png", ".pdf")


class Command(BaseCommand):
    help = (
        "Play a labelled history (CSV) through the real services with an oracle for annotator, in a database of "
        "its own that is dropped afterwards, and report the accuracy on a test set after each batch of labels."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("train", type=Path, metavar="TRAIN.csv")
        parser.add_argument("--test", type=Path, required=True, metavar="TEST.csv")
        parser.add_argument(
            "--labels", type=int, required=True, help="Answers to give, control ones included."
        )
        parser.add_argument("--batch", type=int, default=25, help="Answers between two refits.")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--finetune", action="store_true", help="Train the transformer at the end.")
        parser.add_argument("--report", type=Path, required=True, metavar="OUT.json")
        parser.add_argument("--plot", type=Path, default=None, metavar="OUT.svg", help="SVG, PNG or PDF.")
        parser.add_argument("--text-column", default="text")
        parser.add_argument("--label-column", default="category")

    def handle(self, *args: Any, **options: Any) -> None:
        self._check(options)
        from inference.replay.play import Plan, play  # modAL: in this process only
        from inference.replay.show import Bars, draw

        logging.getLogger("inference.learner").setLevel(logging.WARNING)  # its lines would cut up the bars
        plan = Plan(**{name: options[name] for name in Plan.__dataclass_fields__})
        try:
            report = play(plan, Bars(quiet=options["verbosity"] == 0))
        except Refused as refused:
            raise CommandError(refused.message) from refused
        except ComputeError as error:
            raise CommandError(f"{error.code}: {error}") from error
        except KeyboardInterrupt as stopped:
            raise CommandError("stopped; nothing was left behind", returncode=130) from stopped
        _write(options["report"], report)
        if options["plot"]:
            draw(report, options["plot"])
        self.stdout.write(
            f"{report['labels']} labels ({report['audit_labels']} of them controls): accuracy "
            f"{report['accuracy']:.4f}, macro F1 {report['macro_f1']:.4f}, {report['seconds']:.0f} s"
        )

    @staticmethod
    def _check(options: dict[str, Any]) -> None:
        for name in ("labels", "batch"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1.")
        for name in ("report", "plot"):
            path: Path | None = options[name]
            if path is not None and not path.resolve().parent.is_dir():
                raise CommandError(f"--{name}: there is no folder {path.resolve().parent}.")
        if options["plot"] is not None and options["plot"].suffix.lower() not in PLOTS:
            raise CommandError(f"--plot: the name must end in one of {', '.join(PLOTS)}.")


def _write(path: Path, report: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(report, indent=2) + "\n")
    part.replace(path)
