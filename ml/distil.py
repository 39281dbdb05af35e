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
ITERATIONS = 60


def distilled(
    labelled: Floats,
    targets: Ints,
    sample: Floats,
    taught: Floats,
    start: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, float]:
    """Weights (k, d + 1), intercept last, and the temperature that makes them as sure as the teacher.

    labelled (n, d) with targets (n,); sample (m, d) with the teacher's calibrated probabilities `taught` (m, k);
    `start` (k, d + 1). The temperature comes from a part of the sample the weights never saw.
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
    if not held.any():
        return weights, 1.0
    drawn = (taught[held].cumsum(axis=1) < rng.random((int(held.sum()), 1)) * 0.999999).sum(axis=1)
    logits = np.asarray(sample[held] @ weights[:, :-1].T + weights[:, -1], np.float32)
    return weights, best_temperature(logits, np.minimum(drawn, k - 1))
