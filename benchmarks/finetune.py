"""What a training makes of few labels in the same minutes: ours beside plain recipes.

    python -m benchmarks.finetune --train TRAIN.csv --test TEST.csv --labels 300 700 2000 --seconds 300 --seeds 2

For each size and seed, labels are drawn at random from TRAIN; everybody gets the same ones, `--seconds` of wall time
for a training and the same threads. Ours is the container's own program, started as a job starts it; *with the pool* it
also gets the rest of TRAIN without labels, as in life, *labels alone* it does not. *Frozen head* is scikit-learn's
logistic regression on the base encoder's vectors, C chosen by cross-validation. *Trainer* is transformers' Trainer with
a classification head, AdamW, linear decay and warm-up, as many epochs as fit into the time, up to `--epochs`. *SetFit*
and *Trainer* run where they are installed (requirements/bench-finetune.txt). Each training has a process of its own.

*Coverage* is the share of TEST that can be routed at a precision of .95: the most confident answers, as many as keep
it. Resumable: with `--keep FOLDER` what is there is not trained again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from benchmarks.history import read
from ml.metrics import coverage_at

Floats = NDArray[np.float32]
Labels = NDArray[np.str_]

OURS, ALONE, FROZEN, PLAIN, SETFIT = (
    "ours, with the pool",
    "ours, labels alone",
    "frozen head",
    "Trainer",
    "SetFit",
)
METHODS = (OURS, ALONE, FROZEN, PLAIN, SETFIT)
PRECISION = 0.95
OVERRUN = 3.0
"""Times the seconds allowed after which a training is given up: starting and judging are not training."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--labels", type=int, nargs="+", default=[300, 700, 2000])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=40, help="at most, for the plain Trainer")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", type=Path, default=None, metavar="FOLDER")
    asked = parser.parse_args()
    columns = (asked.text_column, asked.label_column)
    train, test = read(asked.train, *columns), read(asked.test, *columns)
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(train, test, asked, asked.keep or Path(scratch))
    title = f"{asked.seconds:g} s of training on {asked.threads} threads, {len(test[0]):,} test tickets"
    return report.publish(asked, title, rows_of(found), targets_of(found))


Key = tuple[int, str]
"""Labels, method."""


def measure(
    train: tuple[list[str], Labels], test: tuple[list[str], Labels], asked: argparse.Namespace, keep: Path
) -> dict[Key, list[dict[str, Any]]]:
    """What each method reached, one entry a seed; a method that does not run leaves none."""
    found: dict[Key, list[dict[str, Any]]] = {}
    for size in asked.labels:
        for seed in range(asked.seeds):
            task = make_task(train, test, size, seed, asked)
            for method in asked.methods:
                if (one := train_once(method, task, keep, asked)) is not None:
                    found.setdefault((size, method), []).append(one)
                    said = f"accuracy {one['accuracy']:.4f}, coverage {one['coverage']:.3f}, {one['seconds']:.0f} s"
                    print(f"{size:>6} labels, seed {seed}  {method:<20} {said}", file=sys.stderr, flush=True)
    return found


def make_task(
    train: tuple[list[str], Labels],
    test: tuple[list[str], Labels],
    size: int,
    seed: int,
    asked: argparse.Namespace,
) -> dict[str, Any]:
    """Labelled texts drawn at random, the rest as unlabelled pool, the texts to answer; plain values."""
    order = np.random.default_rng([seed, size]).permutation(len(train[0]))
    if size > len(order):
        raise SystemExit(f"{size} labels asked for, the training file has {len(order)} tickets")
    return {
        "texts": [train[0][at] for at in order[:size]],
        "labels": train[1][order[:size]].tolist(),
        "pool": [train[0][at] for at in order[size:]],
        "test": test[0],
        "answers": test[1].tolist(),
        "seconds": asked.seconds,
        "epochs": asked.epochs,
        "threads": asked.threads,
        "seed": seed,
    }


def train_once(
    method: str, task: dict[str, Any], keep: Path, asked: argparse.Namespace
) -> dict[str, Any] | None:
    """One training in a process of its own; None, with the reason on stderr, where it does not run."""
    given = json.dumps({"method": method, **task}, ensure_ascii=False)
    name = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:16]
    kept = keep / f"finetune-{name}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    keep.mkdir(parents=True, exist_ok=True)
    question, answer = keep / f"{name}.task.json", keep / f"{name}.npz"
    question.write_text(given, "utf-8", "replace")
    try:
        reason = run_apart(question, answer, asked)
    finally:
        question.unlink()
    if reason:
        print(f"{method} left out: {reason}", file=sys.stderr, flush=True)
        return None
    with np.load(answer, allow_pickle=False) as arrays:
        labels, chances, seconds = arrays["labels"], arrays["chances"], float(arrays["seconds"])
        detail = json.loads(str(arrays["detail"]))
    answer.unlink()
    is_right = labels == np.asarray(task["answers"])
    one = {
        "accuracy": float(is_right.mean()),
        "coverage": coverage_at(chances, is_right, PRECISION),
        "seconds": seconds,
        **detail,
    }
    kept.write_text(json.dumps(one))
    return one


def run_apart(question: Path, answer: Path, asked: argparse.Namespace) -> str:
    """Train and answer in a process of its own; why it did not, or nothing."""
    environment = os.environ | {"OMP_NUM_THREADS": str(asked.threads), "ML_THREADS": str(asked.threads)}
    command = [sys.executable, "-m", "benchmarks.tuners", str(question), str(answer)]
    most = 60 + OVERRUN * asked.seconds
    try:
        subprocess.run(command, check=True, env=environment, capture_output=True, text=True, timeout=most)
    except subprocess.TimeoutExpired:
        return f"not finished in {most:g} s"
    except subprocess.CalledProcessError as error:
        return (error.stderr.strip().splitlines() or ["no reason given"])[-1]
    return ""


def rows_of(found: dict[Key, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a size and method: means, with the least and the most over seeds."""
    rows = []
    for (size, method), all_seeds in found.items():
        row: dict[str, Any] = {"labels": size, "method": method, "seeds": len(all_seeds)}
        for name in ("accuracy", "coverage"):
            values = [one[name] for one in all_seeds]
            row |= {name: round(float(np.mean(values)), 4)}
            row |= {f"{name} from": round(min(values), 4), f"{name} to": round(max(values), 4)}
        row["train s"] = round(float(np.mean([one["seconds"] for one in all_seeds])), 1)
        row["chosen"] = ", ".join(sorted({str(one["chosen"]) for one in all_seeds if "chosen" in one}))
        rows.append(row)
    return rows


def targets_of(found: dict[Key, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Ours against the best peer of each size, in accuracy and in coverage."""
    targets = []
    for size in sorted({size for size, _ in found}):
        peers = [method for at, method in found if at == size and method not in (OURS, ALONE)]
        if (size, OURS) not in found or not peers:
            continue
        for name in ("accuracy", "coverage"):
            means = {
                method: float(np.mean([one[name] for one in found[size, method]]))
                for method in (OURS, *peers)
            }
            best = max(peers, key=means.__getitem__)
            what = f"{size} labels: {name} less that of the best peer ({best})"
            targets.append(report.at_least(what, round(means[OURS] - means[best], 4), 0.0))
    return targets


if __name__ == "__main__":
    sys.exit(main())
