"""Accuracy of the learner against the number of labels, an answer key in place of people.

    python -m benchmarks.learner_curve TRAIN.csv TEST.csv --labels 700 --batch 25 --seeds 0 1 2

Arrays only: no database, no leases; `manage.py replay` plays the same through the services. Of the labels, a share is
audit labels: drawn at random, paid for, never trained on. Strategies: ours; margin (modAL's, top-k, on plain
embeddings: what a loop without diversity and smoothing does, given our start); random (on plain embeddings).
Choose settings on a part of TRAIN; TEST is for reporting.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.container import default_base_model
from ml.encoder import Encoder
from ml.learner import DEFAULT_STRATEGY, Learner
from ml.metrics import evaluate
from ml.text import group_key

Floats = NDArray[np.float32]
STRATEGIES = {
    "ours": (DEFAULT_STRATEGY, True),
    "margin": ("modAL.uncertainty.margin_sampling", False),
    "random": (DEFAULT_STRATEGY, False),
}


def read(path: Path, text: str, label: str) -> tuple[list[str], NDArray[np.str_]]:
    """Texts and labels of a CSV with a header."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row[text] for row in rows], np.asarray([row[label] for row in rows])


def curve(
    pool: Floats,
    key: NDArray[np.str_],
    groups: NDArray[Any],
    test: tuple[Floats, NDArray[np.str_]],
    *,
    strategy: str,
    labels: int,
    batch: int,
    audit_share: float,
    seed: int,
) -> list[dict[str, Any]]:
    """One run: points {labels, trained, services, accuracy, macro_f1, ece, refit_seconds}, about every 100 labels."""
    rng = np.random.default_rng(seed)
    path, smooth = STRATEGIES[strategy]
    learner = Learner(np.arange(len(pool)), pool, seed=seed, strategy=path, smoothing=smooth)
    names = sorted(set(groups.tolist()))
    reserve = set(rng.choice(names, int(audit_share * len(names)), replace=False).tolist())
    eligible = np.asarray([group not in reserve for group in groups], np.bool_)
    goal = labels - round(audit_share * labels)
    trained: list[int] = []
    points: list[dict[str, Any]] = []
    while True:
        report = learner.fit(trained, key[trained].tolist()) if trained else None
        if report and (len(trained) >= goal or len(trained) % 100 < batch):
            chances = learner.probabilities_of(test[0])
            guess = np.asarray(learner.classes)[chances.argmax(axis=1)]
            found = evaluate(test[1], guess, chances, learner.classes)
            points.append(
                {"labels": round(len(trained) / (1 - audit_share)), "trained": len(trained)}
                | {"services": len(learner.classes), "refit_seconds": round(report.seconds, 3)}
                | {name: round(found[name], 4) for name in ("accuracy", "macro_f1", "ece")}
            )
        if len(trained) >= goal:
            return points
        wanted = min(batch, goal - len(trained))
        if strategy == "random":
            free = np.setdiff1d(np.flatnonzero(eligible), trained)
            trained += rng.choice(free, wanted, replace=False).tolist()
        else:
            ranked = learner.rank(eligible=eligible, n=max(batch, 25), rng=rng, groups=groups)
            trained += [pick.row for pick in ranked[:wanted]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--labels", type=int, default=700)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--audit-share", type=float, default=0.15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    encoder = Encoder.load(default_base_model())
    texts, key = read(asked.train, asked.text_column, asked.label_column)
    test_texts, truth = read(asked.test, asked.text_column, asked.label_column)
    pool, test = encoder.embed(texts), encoder.embed(test_texts)
    groups = np.asarray([group_key(text) for text in texts])
    report: dict[str, Any] = {"labels": asked.labels, "batch": asked.batch, "runs": []}
    for strategy in asked.strategies:
        for seed in asked.seeds:
            began = time.monotonic()
            found = curve(
                pool,
                key,
                groups,
                (test, truth),
                strategy=strategy,
                labels=asked.labels,
                batch=asked.batch,
                audit_share=asked.audit_share,
                seed=seed,
            )
            report["runs"].append({"strategy": strategy, "seed": seed, "curve": found})
            steps = "  ".join(f"{point['trained']}: {point['accuracy']:.4f}" for point in found)
            print(f"{strategy:7s} seed {seed}  {steps}  ({time.monotonic() - began:.0f} s)", flush=True)
        last = [run["curve"][-1]["accuracy"] for run in report["runs"] if run["strategy"] == strategy]
        print(f"{strategy:7s} mean at {asked.labels} labels: {np.mean(last):.4f}", flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
