"""Route or escalate: the only place that decides it, by a certificate. And how sure a suggestion is, in three words.

The words (`band`) are display only: nothing is routed on their fixed limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ml.certificate import Certificate
from ml.score import BY_CONFIDENCE

Band = Literal["sure", "hesitating", "lost"]

SURE_FROM = 0.80
"""Top probability from which a suggestion is called sure, if the second is also far behind."""
CLEAR_LEAD = 0.40
"""Lead over the second probability that "sure" also asks for."""
LOST_BELOW = 0.35
"""Top probability below which no single service is worth naming first."""


def band(p1: float, p2: float) -> Band:
    """Name the confidence of calibrated probabilities, `p1` the best service's and `p2` the second's (0 if
    none).

    "sure": p1 >= SURE_FROM and p1 - p2 >= CLEAR_LEAD. "lost": p1 < LOST_BELOW. Else "hesitating".
    Raises ValueError unless 0 <= p2 <= p1 <= 1 (a rounding error of 1e-6 is forgiven).
    """
    if not (math.isfinite(p1) and math.isfinite(p2)) or not -1e-6 <= p2 <= p1 + 1e-6 <= 1 + 2e-6:
        raise ValueError(f"band needs 0 <= p2 <= p1 <= 1, not p1={p1}, p2={p2}")
    if p1 >= SURE_FROM and p1 - p2 >= CLEAR_LEAD:
        return "sure"
    return "lost" if p1 < LOST_BELOW else "hesitating"


Reason = Literal["held", "not_certified", "out_of_scope", "uncertain"]
EVERY_SERVICE = "*"
"""In `held`: nothing at all is routed."""


@dataclass(frozen=True)
class Decision:
    """Routed to `service`, or escalated to a person: `reason` is the first that applies, `reasons` are all.

    `suggested`: the likeliest service either way (None without usable probabilities), `confidence`: its probability.
    `score` is what is held against `threshold`: the confidence, lowered by how strange the ticket is
    (`ml.score`); None without a confidence, or without the outlier rank that the certificate asks for.
    """

    service: str | None
    reason: Reason | None
    reasons: tuple[Reason, ...]
    suggested: str | None
    confidence: float | None
    score: float | None
    threshold: float | None

    @property
    def is_routed(self) -> bool:
        return self.service is not None


def decide(
    labels: Sequence[str],
    probabilities: Sequence[float],
    outlier: float | None,
    certificate: Certificate | None,
    services: Sequence[str] | None = None,
    *,
    held: frozenset[str] = frozenset(),
) -> Decision:
    """Route a ticket, or escalate it with every reason that applies, in this order.

    held: everything is escalated for the suggested service, or EVERY_SERVICE. not_certified: no certificate, one
    that certifies nothing, one of a model with other labels, or a service that is not known here (`services`, default
    those of the certificate) or whose group is not certified. out_of_scope: the outlier rank is beyond the
    certificate's gate, or missing though it counts, or it alone brings the score below the threshold (of the suggested
    service's group, where the certificate has groups). uncertain: the confidence itself is below it, or the
    probabilities are none. `probabilities` (k,) as `labels` (k,), `outlier` 0 = ordinary, 1 = the strangest; ValueError
    for other lengths.
    """
    if len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} labels but {len(probabilities)} probabilities")
    suggested, confidence = _best(labels, probabilities)
    how = certificate.scoring if certificate is not None else BY_CONFIDENCE
    score = None if confidence is None else how.of(confidence, outlier)
    threshold = certificate.threshold_for(suggested) if certificate is not None else None
    reasons: list[Reason] = []
    if EVERY_SERVICE in held or suggested in held:
        reasons.append("held")
    if not _is_certified(labels, suggested, certificate, services):
        reasons.append("not_certified")
    if certificate is not None and _is_strange(confidence, score, outlier, threshold, certificate.gate):
        reasons.append("out_of_scope")
    if confidence is None or (threshold is not None and confidence < threshold):
        reasons.append("uncertain")
    first = reasons[0] if reasons else None
    service = None if reasons else suggested
    return Decision(service, first, tuple(reasons), suggested, confidence, score, threshold)


def _best(labels: Sequence[str], probabilities: Sequence[float]) -> tuple[str | None, float | None]:
    chances = [float(one) for one in probabilities]
    if not chances or not all(math.isfinite(one) for one in chances):
        return None, None
    if min(chances) < -1e-6 or abs(sum(chances) - 1.0) > 0.01:
        return None, None
    top = max(chances)
    return str(labels[chances.index(top)]), min(max(top, 0.0), 1.0)


def _is_certified(
    labels: Sequence[str],
    suggested: str | None,
    certificate: Certificate | None,
    services: Sequence[str] | None,
) -> bool:
    """Whether the certificate speaks of this model, and of the suggested service if there is one."""
    if certificate is None or certificate.state != "certified" or certificate.threshold is None:
        return False
    if tuple(str(label) for label in labels) != certificate.labels:
        return False
    if suggested is None:
        return True
    here = certificate.known if services is None else services
    return suggested in here and suggested in certificate.known and suggested not in certificate.escalated


def _is_strange(
    confidence: float | None,
    score: float | None,
    outlier: float | None,
    threshold: float | None,
    gate: float | None,
) -> bool:
    if gate is not None and (outlier is None or not outlier <= gate):
        return True
    if confidence is None:
        return False
    if score is None:
        return True
    return threshold is not None and score < threshold <= confidence
