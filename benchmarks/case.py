"""The case's own table: how good is what is routed without a person, and how much of what should be routed is?

    python -m benchmarks.case --train TRAIN.csv --test TEST.csv     # a labelled history
    python -m benchmarks.case --demo                                # the demo's made-up tickets

A linear head on the frozen base encoder learns from TRAIN; with `--train-seconds` a real training does, which listens
to the words too, and has a part of TRAIN without labels (`--unlabelled`). In each of `--resplits` draws, `--audit`
tickets of TEST are the audit labels and certify a threshold (`ml.certify`); the other tickets of TEST, whose labels
nothing was chosen on, are routed by it. Values are means over the draws; a draw without a certificate routes nothing,
and counts as such in the recall. Definitions: docs/precision.md. The demo is split at random by near-duplicate group,
a quarter for testing; its tickets of no service are out of scope, and 2 % of its answers are wrong on purpose, for
people as for us.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks import history, report
from benchmarks.precision_contract import Bools, Lesson, World, answered
from ml.certificate import Promise
from ml.certify import certify
from ml.text import group_key, mask

ASKED_FOR = {"accuracy": 0.95, "macro precision": 0.95, "micro precision": 0.95, "recall": 0.80}
"""Each is to be more than this."""


def table(world: World, audit: int, resplits: int, promise: Promise) -> dict[str, float | None]:
    """The figures of ASKED_FOR, means over the draws; precisions None when nothing was ever certified."""
    if not 0 < audit < len(world.truth):
        raise SystemExit(f"--audit {audit}: the test file has {len(world.truth)} tickets")
    found: list[dict[str, float]] = []
    for draw in range(resplits):
        order = np.random.default_rng([audit, draw]).permutation(len(world.truth))
        seen, rest = order[:audit], order[audit:]
        truth = [one or None for one in world.truth[seen].tolist()]
        certificate = certify(world.said.of(seen), truth, world.said.of(rest), promise)
        found.append(
            figures(World(world.said.of(rest), world.truth[rest], world.scores[rest]), certificate.threshold)
        )
    names = [*ASKED_FOR, "certified", "routed"]
    values = {name: [one[name] for one in found if name in one] for name in names}
    return {name: float(np.mean(some)) if some else None for name, some in values.items()}


def figures(world: World, threshold: float | None) -> dict[str, float]:
    """Of the tickets that reach the threshold. Without any there is no precision."""
    routed = np.asarray(world.scores >= (np.inf if threshold is None else threshold), np.bool_)
    found = {
        "certified": float(threshold is not None),
        "routed": float(routed.mean()),
        "recall": float((routed & world.right)[world.in_scope].mean()),
    }
    if routed.any():
        right = float(world.right[routed].mean())
        found |= {"accuracy": right, "micro precision": right, "macro precision": macro(world, routed)}
    return found


def macro(world: World, routed: Bools) -> float:
    """The mean, over the services anything was routed to, of the share that belonged there."""
    names = np.unique(world.said.service[routed])
    return float(np.mean([world.right[routed & (world.said.service == name)].mean() for name in names]))


def demo(tickets: int, keep: Path) -> tuple[history.History, history.History]:
    """The demo's tickets, masked as the import masks them: (three quarters, a quarter)."""
    from annotation.demo.corpus import generate

    written = generate(tickets)
    texts = [mask(ticket.text).text for ticket in written]
    labels = np.asarray([ticket.service for ticket in written])
    groups = np.asarray([group_key(text) for text in texts])
    return history.part(history.History(texts, labels, history.vectors(texts, keep), groups), 0.25)


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--tickets", type=int, default=10_000, help="of the demo")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--audit", type=int, default=500)
    parser.add_argument("--resplits", type=int, default=50)
    parser.add_argument("--precision", type=float, default=0.95)
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument(
        "--unlabelled", type=float, default=0.0, help="share of TRAIN that is given without labels"
    )
    parser.add_argument(
        "--train-seconds", type=float, default=0.0, help="of a real training; 0: a linear head alone"
    )
    parser.add_argument("--keep", type=Path, default=Path("var/benchmarks"), help="where vectors are kept")
    asked = parser.parse_args()
    if asked.demo:
        from annotation.demo.services import NONE

        (train, test), outside = demo(asked.tickets, asked.keep), [NONE]
    elif asked.train and asked.test:
        columns = (asked.text_column, asked.label_column, asked.keep)
        train, test, outside = history.load(asked.train, *columns), history.load(asked.test, *columns), []
    else:
        parser.error("--train and --test, or --demo")
    promise = Promise(precision=asked.precision, delta=asked.delta)
    lesson = Lesson(asked.unlabelled, asked.train_seconds)
    world = answered(train, test, np.asarray(outside, np.str_), 0, promise, lesson)
    found = table(world, asked.audit, asked.resplits, promise)
    shown = {name: None if value is None else round(value, 4) for name, value in found.items()}
    targets = [report.at_least(name, shown[name] or 0.0, limit) for name, limit in ASKED_FOR.items()]
    for one in targets:
        one |= {"target": one["target"].replace(">=", ">"), "met": one["value"] > ASKED_FOR[one["name"]]}
    what = "the demo" if asked.demo else asked.test.name
    title = f"The case's table, {what}: {asked.audit} audit labels, {asked.resplits} draws, {len(test):,} test tickets"
    row = {"audit labels": asked.audit, "draws": asked.resplits} | shown
    return report.publish(asked, title, [row], targets)


if __name__ == "__main__":
    sys.exit(main())
