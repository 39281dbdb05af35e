"""What a replay shows: progress bars, and the learning curve as a picture."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

Progress = Callable[[int, int], None]


class Bars:
    """A bar for each step; ``quiet`` shows nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    @contextlib.contextmanager
    def bar(self, name: str) -> Iterator[Progress]:
        """Yields progress(done, total); the bar is full when the step ends well."""
        every = 0.3 if sys.stderr.isatty() else 20.0
        with tqdm(
            desc=f"{name:<24}", file=sys.stderr, disable=self.quiet, mininterval=every, miniters=1
        ) as shown:

            def progress(done: int, total: int) -> None:
                if total and shown.total != total:
                    shown.total, shown.n = total, 0
                shown.update(done - shown.n)

            yield progress
            if shown.total:
                shown.update(shown.total - shown.n)


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the curve as SVG, PNG or PDF, by the path's ending."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    labels = [point["labels"] for point in report["curve"]]
    for name, shown in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
        axes.plot(labels, [point[name] for point in report["curve"]], label=shown)
    if report.get("random"):
        axes.plot(
            [point["labels"] for point in report["random"]],
            [point["accuracy"] for point in report["random"]],
            "--",
            color="0.5",
            label="accuracy, labelled in random order",
        )
    if report.get("finetuned"):
        axes.plot([labels[-1]], [report["finetuned"]["accuracy"]], "o", label="accuracy, fine-tuned")
    axes.set(xlabel="labels given", ylabel=f"on {report['test']:,} test tickets", ylim=(0, 1), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    axes.set_title(f"{report['history']:,} tickets of history, accuracy {report['accuracy']:.3f}")
    figure.savefig(path)
