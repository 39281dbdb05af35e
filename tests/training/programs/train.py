"""A small training program for the tests of runs: a real process that leaves a real artifact, without torch.

`do` in the hyperparameters: learn (a valid classifier), encoder (an artifact of the wrong kind), strange (a service
nobody has), complain (a failure file), slow (takes seconds), sleep (until asked to stop).
Each start adds a line to `starts`.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from ml.artifact import write_manifest
from ml.schema import Manifest, read_training_rows

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
told = json.loads((base / "input/config/hyperparameters.json").read_text())
what = told.get("do", "learn")
with Path(told["starts"]).open("a") as starts:
    starts.write(f"{os.environ['TRAINING_JOB_NAME']}\n")


def labels() -> list[str]:
    lines = (base / "input/data/train/rows.jsonl").read_text().splitlines()
    return sorted({row.label for row in read_training_rows(lines)})


def leave(kind: str, names: list[str]) -> None:
    model = base / "model"
    (model / "encoder").mkdir(parents=True)
    (model / "encoder" / "config.json").write_text("{}")
    if kind == "classifier":
        np.savez(model / "head.npz", weight=np.ones((len(names), 4), np.float32), bias=np.zeros(len(names)))
    write_manifest(model, Manifest(kind, 4, "0123456789abcdef", "tiny", "test", names, files={"-": "-"}))


print("phase=finetune; progress=0.5; step=3; steps=6; train_loss=0.7;", flush=True)
if what == "slow":
    time.sleep(3)
if what == "sleep":
    time.sleep(600)
elif what == "complain":
    (base / "output" / "failure").write_text("The labels are all the same (one_label)")
    sys.exit(1)
elif what == "encoder":
    leave("encoder", [])
else:
    print("validation_accuracy=0.875; validation_loss=0.4;", flush=True)
    leave("classifier", [*labels(), "nobody-s"] if what == "strange" else labels())
