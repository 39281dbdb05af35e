"""What noisy copies of training rows are good for: tickets full of typos, and services with few labels.

    python -m benchmarks.noise --train TRAIN.csv --test TEST.csv --seeds 3

*Typos*: for each seed, `--labels` tickets of TRAIN are drawn; the linear head on the frozen base encoder learns from
them, without and with noisy copies (`ml.augment`; share and level as trainings have them unless told otherwise), and
answers TEST as it is, TEST with slips in about a tenth and a fifth of its words (the same kinds of noise, other draws),
and TEST as another writer types it on a phone (the demo's, made apart). *Few labels*: the long-tailed part of TRAIN
(largest service 20 × smallest); recall over the quarter of services with the fewest labels and over all, each service
counting the same, and accuracy where tickets come as unevenly as the labels; without and with copies that bring each
service up to `--floor` rows, and with class weights in their place.
`--grid` measures many settings: choose with `--part`, which takes a quarter of TRAIN for the test, never on TEST.
The part *trained* has the container's own program train for `--seconds`, without and with copies: fine-tuning and all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import history, report
from benchmarks.history import History
from benchmarks.tuners import train_in
from ml.augment import noisy, noisy_copies
from ml.dataset import class_weights
from ml.predictor import Predictor
from ml.probe import fit_probe
from ml.schema import TrainingRow, TransformInput, dump_line

Floats = NDArray[np.float32]
MOST_LOST = 0.2
"""Points of accuracy on clean tickets that copies may cost."""
FLOORS, BALANCES = (20, 30, 45), (0.25, 0.5, 1.0)
SHARES, LEVELS = (0.5, 1.0, 2.0), (0.1, 0.2)
PARTS = ("few", "typos", "trained")


def spoilt(test: History, seed: int) -> dict[str, list[str]]:
    """The test's texts as they are and spoilt in three ways."""

    def at(level: float) -> list[str]:
        return [noisy(text, Random(f"test {seed} {level} {n}"), level) for n, text in enumerate(test.texts)]

    return {
        "clean": test.texts,
        "1 word in 10": at(0.1),
        "1 word in 5": at(0.2),
        "other writer": otherwise(test, seed),
    }


def otherwise(test: History, seed: int) -> list[str]:
    """As the demo's writer spoils messages; it is given no place in any training."""
    from annotation.demo.noise import roughen

    found = []
    for n, given in enumerate(test.texts):
        rng, text = Random(f"other {seed} {n}"), given
        for _ in range(3):  # one pass leaves a slip in about twenty words
            text = roughen(text, "en", "mobile", rng)
        found.append(text)
    return found


def rows_of(some: History) -> list[TrainingRow]:
    """As a training is given them."""
    triples = zip(some.texts, some.labels.tolist(), some.groups.tolist(), strict=True)
    return [TrainingRow(str(n), text, label, group) for n, (text, label, group) in enumerate(triples)]


class Lesson:
    """Labelled tickets to learn from, in any of the ways compared."""

    def __init__(self, some: History, seed: int, keep: Path) -> None:
        self.some, self.seed, self.keep = some, seed, keep
        self.names = np.unique(some.labels)

    def head(
        self, share: float = 0.0, floor: int = 0, level: float = 0.1, balance: float = 0.0
    ) -> Callable[[Floats], NDArray[np.str_]]:
        """Learn, and return what answers vectors (n, d) with services (n,)."""
        copies = noisy_copies(rows_of(self.some), share=share, floor=floor, level=level, seed=self.seed)
        points, labels = self.some.points, self.some.labels
        if copies:
            points = np.concatenate([points, history.vectors([copy.text for copy in copies], self.keep)])
            labels = np.concatenate([labels, [copy.label for copy in copies]])
        weights = class_weights(labels.tolist(), balance)
        targets = np.searchsorted(self.names, labels)
        learnt, _ = fit_probe(points, targets, weights, len(self.names))
        return lambda asked: np.asarray(self.names[learnt.labels(asked)])


def typos(
    train: History, test: History, asked: argparse.Namespace, settings: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row a setting: accuracies, means over the seeds."""
    found: list[dict[str, list[float]]] = [{} for _ in settings]
    for seed in range(asked.seeds):
        drawn = np.random.default_rng(seed).permutation(len(train))[: asked.labels]
        lesson = Lesson(train.of(drawn), seed, asked.keep)
        answers = {name: history.vectors(texts, asked.keep) for name, texts in spoilt(test, seed).items()}
        for setting, values in zip(settings, found, strict=True):
            head = lesson.head(**setting)
            for name, points in answers.items():
                values.setdefault(name, []).append(100 * float((head(points) == test.labels).mean()))
            print(f"seed {seed}, {setting}: {values}", file=sys.stderr, flush=True)
    return [
        {"part": "typos", "copies": shown(setting)} | {name: mean(some) for name, some in values.items()}
        for setting, values in zip(settings, found, strict=True)
    ]


def few(
    train: History, test: History, asked: argparse.Namespace, settings: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row a setting: recall over the rare and over all services of a long-tailed part, means over the seeds."""
    found: list[dict[str, list[float]]] = [{} for _ in settings]
    for seed in range(asked.seeds):
        tail = history.long_tail(train, seed)
        lesson = Lesson(tail, seed, asked.keep)
        names, counts = np.unique(tail.labels, return_counts=True)
        rare = names[np.argsort(counts, kind="stable")[: len(names) // 4]]
        for setting, values in zip(settings, found, strict=True):
            said = lesson.head(**setting)(test.points)
            right = said == test.labels
            recalls = {name: 100 * float(right[test.labels == name].mean()) for name in names}
            values.setdefault("rare recall", []).append(float(np.mean([recalls[name] for name in rare])))
            values.setdefault("macro recall", []).append(float(np.mean(list(recalls.values()))))
            # The test has as many tickets of each service: as they come, by the shares of the long tail.
            as_they_come = float(np.average([recalls[name] for name in names], weights=counts))
            values.setdefault("accuracy as they come", []).append(as_they_come)
            print(f"seed {seed}, {setting}: {values}", file=sys.stderr, flush=True)
    return [
        {"part": "few labels", "copies": shown(setting)} | {name: mean(some) for name, some in values.items()}
        for setting, values in zip(settings, found, strict=True)
    ]


def tuned(train: History, test: History, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """As ``typos``, of models that the container's program trains; one seed, as each takes minutes."""
    drawn = np.random.default_rng(0).permutation(len(train))[: asked.labels]
    some = train.of(drawn)
    rows = []
    for setting in ({"noise_share": 0.0}, {"noise_share": asked.share, "noise_level": asked.level}):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_tree(root, rows_of(some), setting | {"max_seconds": asked.seconds, "seed": 0})
            train_in(root)
            predictor = Predictor.load(root / "model")
            row: dict[str, Any] = {"part": f"trained {asked.seconds:g} s", "copies": shown(setting)}
            for name, texts in spoilt(test, 0).items():
                records = [TransformInput(str(at), text) for at, text in enumerate(texts)]
                said = np.asarray([answer.label for answer in predictor.predict(records)])
                row[name] = round(100 * float((said == test.labels).mean()), 2)
            rows.append(row | {"chosen": str(predictor.manifest.metrics.get("chosen"))})
    return rows


def write_tree(root: Path, rows: list[TrainingRow], told: dict[str, Any]) -> None:
    """What a job's container finds."""
    folder, config = root / "input" / "data" / "train", root / "input" / "config"
    folder.mkdir(parents=True)
    config.mkdir(parents=True)
    (folder / "rows.jsonl").write_text("".join(dump_line(asdict(row)) for row in rows), "utf-8")
    strings = {name: f"{value:g}" for name, value in told.items()}
    (config / "hyperparameters.json").write_text(json.dumps(strings), "utf-8")


def mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 2)


def shown(setting: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items()) or "none"


def settings_of(asked: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(of the typos part, of the few-labels part); the first of each learns from the rows alone."""
    if not asked.grid:
        floor = {"floor": asked.floor, "level": asked.level}
        return [{}, {"share": asked.share, "level": asked.level}], [{}, floor, {"balance": asked.balance}]
    some = [{"share": share, "level": level} for share in SHARES for level in LEVELS]
    rare = [{"floor": floor, "level": LEVELS[0]} for floor in FLOORS]
    return [{}, *some], [{}, *rare, *({"balance": balance} for balance in BALANCES)]


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--part", action="store_true", help="a quarter of TRAIN is the test")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--labels", type=int, default=2000, help="drawn for a seed of the typos part")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--level", type=float, default=0.1)
    parser.add_argument("--floor", type=int, default=30)
    parser.add_argument("--balance", type=float, default=0.5)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS[:2]))
    parser.add_argument("--seconds", type=float, default=120.0, help="of each training of the part trained")
    parser.add_argument("--keep", type=Path, default=Path("var/benchmarks"), help="where vectors are kept")
    asked = parser.parse_args()
    columns = (asked.text_column, asked.label_column, asked.keep)
    train = history.load(asked.train, *columns)
    if asked.part:
        train, test = history.part(train, 0.25)
    elif asked.test:
        test = history.load(asked.test, *columns)
    else:
        parser.error("--test, or --part")
    some, rare = settings_of(asked)
    rows = few(train, test, asked, rare) if "few" in asked.parts else []
    targets = [] if asked.grid or not rows else [rare_target(rows)]
    if "typos" in asked.parts:
        found = typos(train, test, asked, some)
        targets += [] if asked.grid else typo_targets(found)
        rows += found
    if "trained" in asked.parts:
        rows += tuned(train, test, asked)
    title = f"Noisy copies: {asked.seeds} seeds, {len(test):,} test tickets{', a part of TRAIN' * asked.part}"
    return report.publish(asked, title, rows, targets)


def typo_targets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The copies may cost little on clean tickets, and have to help on spoilt ones."""
    without, with_copies = rows[0], rows[1]
    gains = {name: with_copies[name] - without[name] for name in without if name not in ("part", "copies")}
    lost = report.at_most("points lost on clean tickets", round(-gains.pop("clean"), 2), MOST_LOST)
    return [
        lost,
        *(report.at_least(f"points gained, {name}", round(gain, 2), 0) for name, gain in gains.items()),
    ]


def rare_target(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The floor has to help services with few labels."""
    gained = round(rows[1]["rare recall"] - rows[0]["rare recall"], 2)
    return report.at_least("points of rare services' recall gained by the floor", gained, 0)


if __name__ == "__main__":
    sys.exit(main())
