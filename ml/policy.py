"""Route or escalate: the only place that decides it, by a certificate. And how sure a suggestion is, in three words.

The words (`band`) are display only: nothing is routed on their fixed limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ml.certificate import Certificate

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


Reason = Literal["uncertain", "out_of_scope", "not_certified"]


@dataclass(frozen=True)
class Decision:
    """Routed to `service`, or, with a `reason`, escalated to a person; `suggested` is the likeliest service either way
    (None without a usable probability), `confidence` its probability, `threshold` what it was held against.
    """

    service: str | None
    reason: Reason | None
    suggested: str | None
    confidence: float | None
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
) -> Decision:
    """Route a ticket, or escalate it with the first reason that applies.

    not_certified: no certificate, one that certifies nothing, one of a model with other labels, or a service that is
    not known here (`services`, default those of the certificate) or whose group is not certified. out_of_scope: the
    outlier rank is beyond the certificate's gate, or missing though there is a gate. uncertain: confidence below the
    threshold, or probabilities that are none. `probabilities` (k,) as `labels` (k,); ValueError for other lengths.
    """
    if len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} labels but {len(probabilities)} probabilities")
    suggested, confidence = _best(labels, probabilities)
    threshold = certificate.threshold if certificate is not None else None
    reason = _reason(labels, suggested, confidence, outlier, certificate, services)
    return Decision(None if reason else suggested, reason, suggested, confidence, threshold)


def _best(labels: Sequence[str], probabilities: Sequence[float]) -> tuple[str | None, float | None]:
    chances = [float(one) for one in probabilities]
    if not chances or not all(math.isfinite(one) for one in chances):
        return None, None
    if min(chances) < -1e-6 or abs(sum(chances) - 1.0) > 0.01:
        return None, None
    top = max(chances)
    return str(labels[chances.index(top)]), min(max(top, 0.0), 1.0)


def _reason(
    labels: Sequence[str],
    suggested: str | None,
    confidence: float | None,
    outlier: float | None,
    certificate: Certificate | None,
    services: Sequence[str] | None,
) -> Reason | None:
    if certificate is None or certificate.state != "certified" or certificate.threshold is None:
        return "not_certified"
    if tuple(str(label) for label in labels) != certificate.labels:
        return "not_certified"
    if suggested is None or confidence is None:
        return "uncertain"
    here = certificate.known if services is None else services
    if suggested not in here or suggested not in certificate.known or suggested in certificate.escalated:
        return "not_certified"
    if certificate.gate is not None and (outlier is None or not outlier <= certificate.gate):
        return "out_of_scope"
    return "uncertain" if confidence < certificate.threshold else None
