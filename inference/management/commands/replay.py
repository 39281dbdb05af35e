"""``manage.py replay``: how many labels would the queue have needed on your own history?"""

import json
import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError

from accounts.errors import Refused
from annotation.reading import FileProblem
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
        parser.add_argument(
            "--finetune-seconds", type=int, default=None, help="Its time box (default: the retrain policy's)."
        )
        parser.add_argument("--report", type=Path, required=True, metavar="OUT.json")
        parser.add_argument(
            "--plot",
            type=Path,
            default=None,
            metavar="OUT.svg",
            help="SVG, PNG or PDF; beside the report if not given.",
        )
        parser.add_argument("--text-column", default="text")
        parser.add_argument("--label-column", default="category")

    def handle(self, *args: Any, **options: Any) -> None:
        options["plot"] = options["plot"] or options["report"].with_suffix(".svg")
        self._check(options)
        from inference.replay.play import Plan, play  # modAL: in this process only
        from inference.replay.show import Bars, draw

        logging.getLogger("inference.learner").setLevel(logging.WARNING)  # its lines would cut up the bars
        plan = Plan(**{name: options[name] for name in Plan.__dataclass_fields__})
        try:
            report = play(plan, Bars(quiet=options["verbosity"] == 0))
        except Refused as refused:
            raise CommandError(refused.message) from refused
        except FileProblem as problem:
            raise CommandError(str(problem)) from problem
        except ComputeError as error:
            raise CommandError(f"{error.code}: {error}") from error
        except OperationalError as error:
            lost = "The database went away; what is left of this replay there, the next one takes away."
            raise CommandError(f"{lost} ({str(error).splitlines()[0]})") from error
        except KeyboardInterrupt as stopped:
            raise CommandError("stopped; nothing was left behind", returncode=130) from stopped
        _write(options["report"], report)
        draw(report, options["plot"])
        self._say(report, options["plot"])

    def _say(self, report: dict[str, Any], plot: Path) -> None:
        if report["refused"]:
            self.stdout.write(f"{report['refused']} rows of the history could not be read and were left out.")
        if report["test_unknown"]:
            self.stdout.write(
                f"{report['test_unknown']} test rows are of a service the history does not have: each is an error."
            )
        if report["finetuned"]:
            head, trained = report["head"]["accuracy"], report["finetuned"]["accuracy"]
            self.stdout.write(f"learner: accuracy {head:.4f}; fine-tuned model: accuracy {trained:.4f}")
        self.stdout.write(_saved(report))
        self.stdout.write(
            f"{report['labels']} labels ({report['audit_labels']} of them controls): accuracy "
            f"{report['accuracy']:.4f}, macro F1 {report['macro_f1']:.4f}, {report['seconds']:.0f} s; "
            f"the curve is drawn in {plot}"
        )

    @staticmethod
    def _check(options: dict[str, Any]) -> None:
        for name in ("labels", "batch", "finetune_seconds"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name.replace('_', '-')} must be at least 1.")
        for name in ("report", "plot"):
            path: Path = options[name]
            if not path.resolve().parent.is_dir():
                raise CommandError(f"--{name}: there is no folder {path.resolve().parent}.")
        if options["plot"].suffix.lower() not in PLOTS:
            raise CommandError(f"--plot: the name must end in one of {', '.join(PLOTS)}.")


def _saved(report: dict[str, Any]) -> str:
    """What the order of the queue was worth, in a sentence."""
    reached, labels, needed = report["head"]["accuracy"], report["labels"], report["random_needs"]
    if not report["random"]:
        return "No comparison with a random order: nothing was labelled."
    if needed is None:
        most = report["random"][-1]["labels"]
        return f"In random order {most:,} labels do not reach the learner's accuracy of {reached:.4f}."
    if needed <= labels:
        return f"A random order would have done as well: {needed:,} labels reach the learner's {reached:.4f}."
    return (
        f"In random order {needed:,} labels reach the learner's {reached:.4f}: the queue saved "
        f"{needed - labels:,} of them ({(needed - labels) / needed:.0%})."
    )


def _write(path: Path, report: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(report, indent=2) + "\n")
    part.replace(path)
