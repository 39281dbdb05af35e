"""What is held against a certificate's threshold: how sure the model is, less how strange the ticket is to it.

A model is sure of tickets of services it was never taught: by its probability alone no threshold keeps those out and
the others in. It is even surer of some of them than of its own, where a word says it all; so from some confidence on
more of it counts for nothing. How form, weight and limit were chosen: docs/decisions/routing-score.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OUTLIER_WEIGHT = 10.0
"""Nats of log-odds that the strangest ticket loses, the most ordinary one losing none."""
SURE_ENOUGH = 20.0
"""Times the odds of a promised precision: a model surer of a ticket than that counts as so sure."""
LEAST_DOUBT = 1e-7
"""Probabilities travel as float32: nearer to 0 or 1 they say no more."""


def surest_for(precision: float) -> float:
    """The confidence above which more of it counts for nothing, where so much precision is promised; both in (0, 1)."""
    odds = SURE_ENOUGH * precision / (1.0 - precision)
    return odds / (1.0 + odds)


@dataclass(frozen=True)
class Scoring:
    """`weight`: nats of log-odds that the strangest ticket loses; with 0 the confidence itself is the score.

    `surest`: a confidence above it counts as it.
    """

    weight: float = 0.0
    surest: float = 1.0

    def of(self, confidence: float, outlier: float | None) -> float | None:
        """The score of a ticket, in [0, 1]: the confidence (a probability), at most `surest`, its log-odds lowered by
        `weight` * `outlier`. None without an outlier rank in [0, 1] though the weight asks for one.
        """
        if self.weight == 0.0:
            return confidence
        if outlier is None or not 0.0 <= outlier <= 1.0:
            return None
        sure = min(max(confidence, LEAST_DOUBT), 1.0 - LEAST_DOUBT, self.surest)
        kept = sure * math.exp(-self.weight * outlier)
        return kept / (kept + 1.0 - sure)


BY_CONFIDENCE = Scoring()
"""Of a model that does not say how strange a ticket is."""
