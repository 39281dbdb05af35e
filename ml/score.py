"""What is held against a certificate's threshold: how sure the model is, less how strange the ticket is to it.

A model is sure of tickets of services it was never taught: by its probability alone no threshold keeps those out and
the others in. How the form and the weight were chosen: docs/decisions/routing-score.md.
"""

from __future__ import annotations

import math

OUTLIER_WEIGHT = 10.0
"""Nats of log-odds that the strangest ticket loses, the most ordinary one losing none."""
LEAST_DOUBT = 1e-7
"""Probabilities travel as float32: nearer to 0 or 1 they say no more."""


def routing_score(confidence: float, outlier: float | None, weight: float) -> float | None:
    """The confidence (a probability), its log-odds lowered by `weight` * `outlier`: in [0, 1], and the confidence
    itself for the most ordinary ticket or a weight of 0.

    None without an outlier rank in [0, 1] though the weight asks for one.
    """
    if weight == 0.0:
        return confidence
    if outlier is None or not 0.0 <= outlier <= 1.0:
        return None
    sure = min(max(confidence, LEAST_DOUBT), 1.0 - LEAST_DOUBT)
    kept = sure * math.exp(-weight * outlier)
    return kept / (kept + 1.0 - sure)
