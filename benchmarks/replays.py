"""Several replays of one history as one table: what `docs/replay.md` and the README show.

    manage.py replay TRAIN.csv --test TEST.csv --labels 700 --seed 1 --report one.json      (and with other seeds)
    python -m benchmarks.replays one.json two.json [--least .86] [--json OUT] [--plot OUT.svg]

The replays themselves are the measurement; this only puts their reports side by side.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import report

SHOWN = (100, 200, 300, 400, 500, 600, 700)


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    parser.add_argument(
        "--least", type=float, default=0.86, help="accuracy the learner must reach at the end"
    )
    parser.add_argument("--plot", type=Path, default=None, metavar="OUT.svg")
    asked = parser.parse_args()
    found = [json.loads(path.read_text(encoding="utf-8")) for path in asked.reports]
    targets = []
    for one in found:
        where = f"seed {one['seed']}, {one['labels']} labels"
        targets.append(report.at_least(f"accuracy ({where})", round(one["head"]["accuracy"], 4), asked.least))
        if one["finetuned"]:
            gain = one["finetuned"]["accuracy"] - one["head"]["accuracy"]
            targets.append(report.at_least(f"gained by fine-tuning ({where})", round(gain, 4), 0.0))
    if asked.plot:
        draw(found, asked.plot)
    return report.publish(asked, "Replays", [row(one) for one in found], targets)


def row(one: dict[str, Any]) -> dict[str, Any]:
    """One replay on a line: accuracy after some numbers of labels, at the end, and what it took."""
    reached = {point["labels"]: point["accuracy"] for point in one["curve"]}
    return (
        {"seed": one["seed"]}
        | {f"at {labels}": round(reached[labels], 4) for labels in SHOWN if labels in reached}
        | {
            "macro F1": round(one["head"]["macro_f1"], 4),
            "fine-tuned": round(one["finetuned"]["accuracy"], 4) if one["finetuned"] else None,
            "labels": one["labels"],
            "of them controls": one["audit_labels"],
            "history": one["history"],
            "test": one["test"],
            "minutes": round(one["seconds"] / 60, 1),
        }
    )


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """The curves of all replays in one picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for one in found:
        labels = [point["labels"] for point in one["curve"]]
        (line,) = axes.plot(
            labels, [point["accuracy"] for point in one["curve"]], label=f"learner, seed {one['seed']}"
        )
        if one["finetuned"]:
            axes.plot(
                labels[-1:],
                [one["finetuned"]["accuracy"]],
                "o",
                color=line.get_color(),
                label=f"fine-tuned, seed {one['seed']}",
            )
    axes.set(xlabel="labels given", ylabel=f"accuracy on {found[0]['test']:,} test tickets", ylim=(0, 1))
    axes.set_xlim(0, None)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path)


if __name__ == "__main__":
    sys.exit(main())
