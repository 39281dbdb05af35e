"""What a real training makes of a history: the container's program, its artifact, and the artifact's answers.

For `benchmarks.precision_contract` and `benchmarks.case`, which otherwise ask a linear head on the frozen encoder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.history import History
from benchmarks.tuners import train_in, write_tree
from ml.answers import Answers, answers

AT_ONCE = 256


def answered_by_artifact(
    labelled: History, pool: list[str], test: History, seconds: float, seed: int
) -> Answers:
    """Train on the labelled rows with the pool's texts, in so many seconds, and answer the test's texts.

    What was trained is said on stderr: the head that was chosen, the form it embeds in. SystemExit when the artifact
    leaves a text unanswered.
    """
    from ml.predictor import Predictor
    from ml.schema import TransformInput

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        task = {"texts": labelled.texts, "labels": labelled.labels.tolist(), "pool": pool}
        write_tree(root, {**task, "seconds": seconds, "seed": seed}, with_pool=bool(pool))
        train_in(root)
        predictor = Predictor.load(root / "model")
        told = predictor.manifest.metrics
        said = {
            name: told.get(name) for name in ("chosen", "gain", "words_share", "epochs", "steps", "seconds")
        }
        print(f"trained: {said}, {predictor.manifest.form.get('name')}", file=sys.stderr, flush=True)
        found = []
        for first in range(0, len(test), AT_ONCE):
            some = enumerate(test.texts[first : first + AT_ONCE], first)
            found += predictor.predict([TransformInput(str(at), text) for at, text in some])
    if any(one.error for one in found):
        raise SystemExit("the artifact left tickets unanswered")
    chances = np.stack([np.asarray(one.probabilities, np.float64) for one in found])
    return answers(list(predictor.manifest.labels), chances, _ranks([one.outlier for one in found]))


def _ranks(given: list[float | None]) -> NDArray[np.float64] | None:
    """None of an artifact without outlier ranks."""
    if all(one is None for one in given):
        return None
    return np.asarray([np.nan if one is None else one for one in given], np.float64)
