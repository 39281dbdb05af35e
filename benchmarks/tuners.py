"""Trains one model on the labels of a task and answers its test texts: a process of ``benchmarks.finetune``.

python -m benchmarks.tuners TASK.json ANSWER.npz
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from numpy.typing import NDArray

from benchmarks.finetune import ALONE, FROZEN, OURS, PLAIN, SETFIT

Floats = NDArray[np.float32]
Chances = tuple[Floats, list[str], float, dict[str, Any]]
"""(n, k) chances, the k labels, seconds of training, what else is worth saying."""

BATCH, RATE, WARM_UP = 32, 5e-5, 0.1
FEW, MORE = 2, 14
"""Steps of two short runs whose difference tells what a step takes, starting apart."""
PENALTIES = [1.0, 3.0, 10.0, 30.0, 100.0]


def ours(task: dict[str, Any]) -> Chances:
    """``python -m ml train`` on a container's tree, and the artifact it leaves."""
    from ml.predictor import Predictor
    from ml.schema import TransformInput

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tree(root, task, with_pool=task["method"] == OURS)
        began = time.monotonic()
        train_in(root)
        seconds = time.monotonic() - began
        predictor = Predictor.load(root / "model")
        records = [TransformInput(str(at), text) for at, text in enumerate(task["test"])]
        found = [output.probabilities for output in predictor.predict(records)]
        manifest = predictor.manifest
    empty = np.full(len(manifest.labels), 1 / len(manifest.labels), np.float32)
    detail = {"chosen": f"{manifest.metrics.get('chosen')} {manifest.form.get('name', '')}".strip()}
    chances = np.stack([empty if one is None else one for one in found])
    return chances, list(manifest.labels), seconds, detail


def train_in(root: Path) -> None:
    """Run the container's training program over a tree; it leaves the artifact in ``model``."""
    environment = os.environ | {"SAGEMAKER_BASE_DIR": str(root)}
    subprocess.run(
        [sys.executable, "-m", "ml", "train"], env=environment, check=True, stdout=subprocess.DEVNULL
    )


def write_tree(root: Path, task: dict[str, Any], with_pool: bool) -> None:
    """What a job's container finds: rows, pool, hyperparameters (those of ``task["told"]``, if any, above the rest)."""
    from ml.schema import TrainingRow, TransformInput, dump_line
    from ml.text import group_key

    pairs = zip(task["texts"], task["labels"], strict=True)
    rows = [TrainingRow(str(at), text, label, group_key(text)) for at, (text, label) in enumerate(pairs)]
    channels: dict[str, list[Any]] = {"train": rows}
    if with_pool:
        channels["pool"] = [TransformInput(f"p{at}", text) for at, text in enumerate(task["pool"])]
    for name, records in channels.items():
        folder = root / "input" / "data" / name
        folder.mkdir(parents=True)
        (folder / "rows.jsonl").write_text("".join(dump_line(asdict(one)) for one in records), "utf-8")
    config = root / "input" / "config"
    config.mkdir(parents=True)
    told = {"max_seconds": f"{task['seconds']:g}", "seed": str(task["seed"]), **task.get("told", {})}
    (config / "hyperparameters.json").write_text(json.dumps(told))


def frozen(task: dict[str, Any]) -> Chances:
    """Logistic regression on the base encoder's vectors."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    from ml.container import default_base_model
    from ml.encoder import Encoder

    encoder = Encoder.load(default_base_model())
    began = time.monotonic()
    folds = StratifiedKFold(3, shuffle=True, random_state=task["seed"])
    search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": PENALTIES}, cv=folds)
    search.fit(encoder.embed(task["texts"]), task["labels"])
    seconds = time.monotonic() - began
    chances = search.predict_proba(encoder.embed(task["test"]))
    return chances.astype(np.float32), [str(one) for one in search.classes_], seconds, {}


def steps_within(seconds: float, run: Callable[[int], object]) -> int:
    """How many steps fit into what two short runs leave of the seconds."""
    began = time.monotonic()
    run(FEW)
    first = time.monotonic() - began
    run(MORE)
    both = time.monotonic() - began
    second = both - first
    pace = max(second - first, 0.1 * second, 1e-6) / (MORE - FEW)
    starting = max(0.0, second - MORE * pace)
    return max(1, int((seconds - both - starting) / pace))


def plain(task: dict[str, Any]) -> Chances:
    """transformers' Trainer, with as many steps as the time allows."""
    import torch
    import transformers

    from ml.container import default_base_model

    torch.set_num_threads(task["threads"])
    transformers.set_seed(task["seed"])
    names = sorted(set(task["labels"]))
    folder = str(default_base_model())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def rows(texts: list[str], labels: list[int]) -> list[dict[str, Any]]:
        read = tokenizer(texts, truncation=True, max_length=128)
        return [
            {"input_ids": ids, "labels": label} for ids, label in zip(read["input_ids"], labels, strict=True)
        ]

    def trainer(steps: int) -> Any:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(names))
        settings = transformers.TrainingArguments(
            output_dir=tempfile.mkdtemp(), max_steps=steps, per_device_train_batch_size=BATCH, learning_rate=RATE,
            warmup_steps=int(WARM_UP * steps), per_device_eval_batch_size=64, seed=task["seed"], save_strategy="no",
            logging_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True,
        )  # fmt: skip
        collator = transformers.DataCollatorWithPadding(tokenizer)
        return transformers.Trainer(model, settings, train_dataset=train, data_collator=collator)

    train = rows(task["texts"], [names.index(label) for label in task["labels"]])
    began = time.monotonic()
    epoch = math.ceil(len(train) / BATCH)
    steps = min(steps_within(task["seconds"], lambda steps: trainer(steps).train()), task["epochs"] * epoch)
    tuned = trainer(steps)
    tuned.train()
    seconds = time.monotonic() - began
    logits = tuned.predict(rows(task["test"], [0] * len(task["test"]))).predictions
    chances = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    return chances, names, seconds, {"chosen": f"{steps / epoch:.0f} epochs"}


def setfit(task: dict[str, Any]) -> Chances:
    """SetFit with its own defaults, its steps limited to the time."""
    import datasets
    from setfit import SetFitModel, Trainer, TrainingArguments

    from ml.container import default_base_model

    names = sorted(set(task["labels"]))
    places = [names.index(label) for label in task["labels"]]
    data = datasets.Dataset.from_dict({"text": task["texts"], "label": places})

    def trainer(steps: int) -> Any:
        model = SetFitModel.from_pretrained(str(default_base_model()))
        settings = TrainingArguments(
            output_dir=tempfile.mkdtemp(), batch_size=16, max_steps=steps, seed=task["seed"], save_strategy="no",
            report_to="none", show_progress_bar=False,
        )  # fmt: skip
        return Trainer(model=model, args=settings, train_dataset=data)

    began = time.monotonic()
    tuned = trainer(steps_within(task["seconds"], lambda steps: trainer(steps).train()))
    tuned.train()
    seconds = time.monotonic() - began
    chances = np.asarray(tuned.model.predict_proba(task["test"], as_numpy=True), np.float32)
    return chances, names, seconds, {}


WAYS = {OURS: ours, ALONE: ours, FROZEN: frozen, PLAIN: plain, SETFIT: setfit}


def main(question: Path, answer: Path) -> None:
    task = json.loads(question.read_text("utf-8"))
    chances, names, seconds, detail = WAYS[task["method"]](task)
    labels = np.asarray(names)[chances.argmax(axis=1)]
    with answer.open("wb") as stream:
        np.savez(
            stream, labels=labels, chances=chances.max(axis=1), seconds=seconds, detail=json.dumps(detail)
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
