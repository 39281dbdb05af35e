"""The container's training program: ``python -m ml train``.

Reads the channels ``train`` (rows.jsonl), optionally ``validation``, ``pool`` (unlabelled tickets, lines of a
transform's input) and ``base`` (an encoder folder, an artifact folder of ours, or its tar), and writes an
artifact into ``model``. The exit code is 0 with a valid artifact, 143 when asked to stop, 1 with a reason in
``output/failure``. A training started as root goes on as the user ``ML_RUN_AS`` names (``ml.privileges``).

What is trained, on what:
1. Every row is embedded by the base encoder, and a linear head (the probe) is fitted. With a pool, as much of
   it as the time allows is embedded too, and helps (``ml.taught``): rows below then include taught ones. None
   of them is ever judged by.
2. With enough rows to hold some back (``FEWEST_VALIDATION`` of two labels or more), encoder and head are
   fine-tuned from there until the time, the epochs or the patience run out. The best of the probe and each
   epoch, by validation, wins. Without enough rows, or time, the probe on the base encoder is the model:
   nothing could show that fine-tuning helps.
3. Held-back rows are not wasted: a winning probe is refitted on all rows, a winning fine-tune takes one
   closing epoch over all rows. Rows of a ``validation`` channel are never trained on.
4. Beside the model goes what tells it strange tickets from ordinary ones (``ml.outlier_rank``), as far as the rows are
   enough to tell.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from ml.container import ContainerError, ContainerPaths, emit, reason_for, write_failure
from ml.finetune import Stopped
from ml.privileges import give_up_root

STOPPED = 143
"""128 + SIGTERM, as a shell reports it."""


class StopRequest:
    """Remembers a SIGTERM; a second one ends the program at once."""

    def __init__(self) -> None:
        self.is_set = False

    def install(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            os._exit(STOPPED)
        self.is_set = True

    def __call__(self) -> bool:
        return self.is_set


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run a training in the tree of ``SAGEMAKER_BASE_DIR``; returns the exit code."""
    paths = ContainerPaths.from_environment(environment)
    stop = StopRequest()
    stop.install()
    try:
        give_up_root([paths.model, paths.failure.parent, paths.checkpoints], environment)
        # torch takes seconds to load: SIGTERM must be handled before.
        from ml.trainer import Trainer

        with tempfile.TemporaryDirectory(prefix="ml-train-") as scratch:
            Trainer(paths, environment, stop, Path(scratch)).run()
    except Stopped:
        print("stopped on request; the checkpoint is kept", flush=True)
        return STOPPED
    except Exception as error:
        if not isinstance(error, ContainerError):
            traceback.print_exc()
        reason = reason_for(error)
        print(f"failed: {reason}", file=sys.stderr, flush=True)
        write_failure(paths, reason)
        return 1
    emit(progress=1.0, phase="done")
    return 0
