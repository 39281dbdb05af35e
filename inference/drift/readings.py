"""What is found about drift, kind by kind. Reads only; ``inference.actions.drift`` keeps it and acts on it.

Alarm codes, and what each asks for: input_moved and mix_moved (look at the tickets; train once there are labels of
them), unlike_snapshot (teach these tickets: perhaps a service is missing), escalations_up and escalations_down (look at
why; a new version may be due), precision_broken and service_precision_broken (people route until it is understood).
Others: steady, too_few (``have`` of ``needed``), no_model, nothing_routed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet

from annotation.models import TicketStatus
from inference import selectors
from inference.drift import windows
from inference.drift.windows import Compared
from inference.models import DriftKind, EscalationReason, RoutingDecision, RoutingHold
from ml import drift
from training import selectors as training

LEVEL = 0.005
"""Chance of a false alarm at one check of one kind. Windows overlap, so all checks of a week are about one test."""
FEWEST_TICKETS = 60
FEWEST_CONTROLS = 20
CONTROL_DAYS = 28
LEAST_MIX = 0.05
"""Total variation below which a change of the mix matters to nobody, however sure it is."""
MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """The fields of a ``DriftReading``."""

    kind: str
    code: str
    is_alarm: bool = False
    change: drift.Change | None = None
    n: int = 0
    n_reference: int = 0
    service_id: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


def read_all(now: datetime) -> tuple[Compared | None, list[Finding]]:
    """Everything that can be said at this moment."""
    compared = windows.compared(now)
    if compared is None:
        return None, [Finding(kind, "no_model") for kind in DriftKind.values]
    rng = np.random.default_rng(int(now.timestamp()))
    found = [*_vectors(compared, rng), _mix(compared, rng), _escalation(compared), *_precision(compared)]
    return compared, found


def _too_few(kind: str, have: int, needed: int) -> Finding:
    return Finding(kind, "too_few", n=have, params={"have": have, "needed": needed})


def _vectors(compared: Compared, rng: np.random.Generator) -> list[Finding]:
    encoder = selectors.encoder_of(compared.model) or selectors.current_encoder()
    kinds = (DriftKind.INPUT.value, DriftKind.UNLIKE.value)
    if encoder is None:
        return [Finding(kind, "no_model") for kind in kinds]
    most = windows.MOST_COMPARED
    recent = windows.vectors(encoder, compared.recent(), most)
    before = windows.vectors(encoder, compared.reference(), most)
    strange = windows.vectors(encoder, compared.unlearnt(), most)
    learnt = windows.vectors(encoder, compared.learnt(), windows.MOST_SNAPSHOT)
    return [
        _moved(kinds[0], recent, before, lambda: drift.input_moved(before, recent, rng), "input_moved"),
        _moved(
            kinds[1], recent, strange, lambda: drift.farther(learnt, strange, recent, rng), "unlike_snapshot"
        )
        if len(learnt)
        else _too_few(kinds[1], 0, 1),
    ]


def _moved(
    kind: str, recent: windows.Floats, before: windows.Floats, test: Callable[[], drift.Change], code: str
) -> Finding:
    have = min(len(recent), len(before))
    if have < FEWEST_TICKETS:
        return _too_few(kind, have, FEWEST_TICKETS)
    change = test()
    return _judged(kind, change, code, change.p <= LEVEL, n=len(recent), n_reference=len(before))


def _judged(kind: str, change: drift.Change, code: str, is_alarm: bool, **more: Any) -> Finding:
    return Finding(kind, code if is_alarm else "steady", is_alarm, change, **more)


def _mix(compared: Compared, rng: np.random.Generator) -> Finding:
    now, before = (
        windows.predicted(compared.model, tickets) for tickets in (compared.recent(), compared.reference())
    )
    totals = sum(now.values()), sum(before.values())
    if min(totals) < FEWEST_TICKETS:
        return _too_few(DriftKind.MIX, min(totals), FEWEST_TICKETS)
    change = drift.mix_moved(before, now, rng)
    is_alarm = change.p <= LEVEL and change.value >= LEAST_MIX
    shares = {
        code: (before.get(code, 0) / totals[1], now.get(code, 0) / totals[0]) for code in {*now, *before}
    }
    most = sorted(shares, key=lambda code: (-abs(shares[code][1] - shares[code][0]), code))[:MOST_NAMED]
    named = [{"service": code, "before": shares[code][0], "now": shares[code][1]} for code in most]
    return _judged(
        DriftKind.MIX,
        change,
        "mix_moved",
        is_alarm,
        n=totals[0],
        n_reference=totals[1],
        params={"services": named},
    )


def _decisions(compared: Compared) -> QuerySet[RoutingDecision]:
    return RoutingDecision.objects.filter(model_version=compared.model)


def _escalation(compared: Compared) -> Finding:
    """Against this version's own decisions before the window; what a hold escalated says nothing about tickets."""
    rows = _decisions(compared).exclude(reason=EscalationReason.HELD)
    since = compared.now - timedelta(days=settings.DRIFT_WINDOW_DAYS)
    counted = [
        tuple(part.aggregate(k=Count("id", filter=Q(service=None)), n=Count("id")).values())
        for part in (rows.filter(decided_at__lte=since), rows.filter(decided_at__gt=since))
    ]
    (k, n), (k_now, n_now) = counted
    if min(n, n_now) < FEWEST_TICKETS:
        return _too_few(DriftKind.ESCALATION, min(n, n_now), FEWEST_TICKETS)
    change = drift.rate_moved((k, n), (k_now, n_now))
    code = "escalations_up" if change.value > change.reference else "escalations_down"
    return _judged(DriftKind.ESCALATION, change, code, change.p <= LEVEL, n=n_now, n_reference=n)


def _precision(compared: Compared) -> list[Finding]:
    """Of routed control tickets, how many people put where they were routed to: overall, and for each service."""
    certificate = training.certificate_in_force(compared.model)
    if certificate is None:
        return [Finding(DriftKind.PRECISION, "nothing_routed")]
    promised = certificate.certificate.precision
    counted = _controls(compared)
    right, total = sum(r for r, _ in counted.values()), sum(n for _, n in counted.values())
    if total < FEWEST_CONTROLS:
        return [_too_few(DriftKind.PRECISION, total, FEWEST_CONTROLS)]
    overall = drift.below(right, total, promised)
    params = {"right": right, "total": total, "days": CONTROL_DAYS}
    found = [
        _judged(DriftKind.PRECISION, overall, "precision_broken", overall.p <= LEVEL, n=total, params=params)
    ]
    judged = {pk: pair for pk, pair in counted.items() if pair[1] >= FEWEST_CONTROLS}
    for pk, (own_right, own_total) in judged.items():
        own = drift.below(own_right, own_total, promised)
        if own.p <= LEVEL / len(judged):
            params = {"right": own_right, "total": own_total, "days": CONTROL_DAYS}
            found.append(
                Finding(
                    DriftKind.PRECISION,
                    "service_precision_broken",
                    True,
                    own,
                    own_total,
                    service_id=pk,
                    params=params,
                )
            )
    return found


def _controls(compared: Compared) -> dict[int, tuple[int, int]]:
    """Service -> (right, all) of the control tickets routed to it lately, and since its last hold ended. A control that
    people put in no service counts as wrong.
    """
    rows = _decisions(compared).filter(
        service__isnull=False,
        ticket__is_audit=True,
        ticket__status__in=[TicketStatus.LABELLED, TicketStatus.SET_ASIDE],
        decided_at__gt=compared.now - timedelta(days=CONTROL_DAYS),
    )
    ended = dict(
        RoutingHold.objects.exclude(ended_at=None).order_by().values_list("service").annotate(Max("ended_at"))
    )
    found: dict[int, tuple[int, int]] = {}
    for service, label, at in rows.values_list("service", "ticket__label", "decided_at"):
        until = max((ended[key] for key in (service, None) if key in ended), default=None)
        if until is None or at > until:
            right, total = found.get(service, (0, 0))
            found[service] = right + (label == service), total + 1
    return found
