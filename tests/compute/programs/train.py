"""A small training program for the supervisor's tests: a real process in the /opt/ml folder, told what to do.

`do`: learn (steps, then an artifact), crash, complain (failure file), sleep, stubborn (ignores SIGTERM), empty (no
artifact), bad_artifact, shout (a large log). Every start adds a line to `starts`; steps go on from the checkpoint.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
assert "SECRET_KEY" not in os.environ, "the program must not see the platform's secrets"
assert all(isinstance(value, str) for value in hyperparameters.values())
starts = Path(hyperparameters["starts"])
with starts.open("a") as log:
    log.write(f"{os.getpid()}\n")
checkpoint = base / "checkpoints" / "step"
what = hyperparameters.get("do", "learn")
steps = int(hyperparameters.get("steps", "3"))
seconds = float(hyperparameters.get("seconds", "0.05"))


def make_artifact() -> None:
    encoder = base / "model" / "encoder"
    encoder.mkdir(parents=True)
    (encoder / "config.json").write_text("{}")
    (base / "model" / "rows.txt").write_text(
        str(len((base / "input/data/train/rows.jsonl").read_text().splitlines()))
    )
    manifest = {"format": 1, "kind": "encoder", "dim": 4, "encoder": "0123456789abcdef", "files": {}}
    for name in ("encoder/config.json", "rows.txt"):
        manifest["files"][name] = hashlib.sha256((base / "model" / name).read_bytes()).hexdigest()
    (base / "model" / "manifest.json").write_text(json.dumps(manifest))


def learn() -> None:
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    print(f"from step {first}", flush=True)
    for step in range(first + 1, steps + 1):
        time.sleep(seconds)
        checkpoint.with_suffix(".new").write_text(str(step))
        checkpoint.with_suffix(".new").replace(checkpoint)
        print(
            f"progress={step / steps:.4f}; step={step}; steps={steps}; train_loss={1 / step:.3f};", flush=True
        )
    print("validation_accuracy=0.913; phase=save;", flush=True)
    make_artifact()


if what == "learn":
    learn()
elif what == "crash":
    print("about to divide", flush=True)
    print(1 // 0)
elif what == "complain":
    (base / "output/failure").write_text("Only one label in the data. " * 100)
    sys.exit(1)
elif what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("phase=finetune;", flush=True)
    time.sleep(600)
elif what == "sleep":
    print("phase=finetune;", flush=True)
    time.sleep(600)
elif what == "bad_artifact":
    make_artifact()
    (base / "model" / "rows.txt").write_text("changed afterwards")
elif what == "shout":
    for number in range(80_000):
        print(f"{number:09d} " + "x" * 90)
    print("validation_accuracy=0.5;", flush=True)
    learn()
