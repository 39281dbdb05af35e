"""What is held against a certificate's threshold: how sure the model is, less how strange the ticket is.

A model is sure of tickets of services it was never taught: by its probability alone no threshold keeps them out and the
others in. How the form and the weight were chosen: docs/decisions/routing-score.md.
"""

from __future__ import annotations

OUTLIER_WEIGHT = 8.0
"""Of the outlier rank, against log-odds in nats."""
LEAST_DOUBT = 1e-7
"""Probabilities travel as float32: nearer to 0 or 1 they say no more."""


def routing_score(confidence: float, outlier: float | None, weight: float) -> float | None:
    """The confidence (a probability) with its log-odds lowered by -`weight` * log(1 - `outlier`): in [0, 1], the
    confidence itself for the most ordinary ticket or a weight of 0, 0 for the strangest.

    None without an outlier rank in [0, 1] though the weight asks for one.
    """
    if weight == 0.0:
        return confidence
    if outlier is None or not 0.0 <= outlier <= 1.0:
        return None
    sure = min(max(confidence, LEAST_DOUBT), 1.0 - LEAST_DOUBT)
    ordinary = (1.0 - outlier) ** weight
    return 0.0 if ordinary == 0.0 else sure * ordinary / (sure * ordinary + 1.0 - sure)
