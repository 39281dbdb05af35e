"""A linear head for plain embeddings that says what a head over smoothed ones says.

Smoothing needs the pool; a web page that answers one pasted ticket has none. The student learns the labels, and the
teacher's answers on a sample of unlabelled tickets, each weighted by the teacher's confidence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.softmax import best_temperature, fit_to

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SAMPLE_WEIGHT = 2.0
"""All the teacher's answers together weigh as much as this many times the labels."""
HELD_OUT = 0.2
FEWEST_HELD_OUT = 50
ITERATIONS = 60


def distilled(
    labelled: Floats,
    targets: Ints,
    sample: Floats,
    taught: Floats,
    start: Floats,
) -> tuple[Floats, float]:
    """Weights (k, d + 1), intercept last, and the temperature that makes them as sure as the teacher.

    labelled (n, d) with targets (n,); sample (m, d) with the teacher's calibrated probabilities `taught` (m, k);
    `start` (k, d + 1). The temperature comes from a part of the sample the weights never saw, where
    that is large enough.
    """
    k = taught.shape[1]
    held = np.arange(len(sample)) < int(HELD_OUT * len(sample))
    best = taught[~held].argmax(axis=1)
    trust = taught[~held].max(axis=1)
    trust = trust * np.float32(SAMPLE_WEIGHT * len(labelled) / max(float(trust.sum()), 1e-9))
    weights = fit_to(
        np.concatenate([labelled, sample[~held]]),
        np.eye(k, dtype=np.float32)[np.concatenate([targets, best])],
        np.concatenate([np.ones(len(labelled), np.float32), trust]),
        start,
        max_iter=ITERATIONS,
    )
    judged = held if held.sum() >= FEWEST_HELD_OUT else np.ones(len(sample), np.bool_)
    logits = np.asarray(sample[judged] @ weights[:, :-1].T + weights[:, -1], np.float32)
    return weights, best_temperature(logits, taught[judged])
