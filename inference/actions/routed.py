"""Routed tickets are in the pool like any other: what the model said of them is loaded from their decisions."""

import time

import numpy as np
from django.db import transaction

from inference import loading, rush
from inference.models import RoutingDecision
from ml.schema import TransformOutput
from training.models import ModelVersion

AT_ONCE = 20
REST = 2.0
"""Seconds of rest for each second of loading: the index takes 2 ms of the database for a vector, and hundreds in one go
hold up the customers who wait for a decision meanwhile."""


def decisions_load(seconds: float = float("inf")) -> int:
    """Load the vectors and predictions that decisions brought along, so that nobody computes them twice.

    A few a transaction, with rests between, until all are loaded, about so many ``seconds`` have passed or a rush has
    begun; returns how many. What does not load is dropped: the tickets then lack their vectors, and are found like all
    that do.
    """
    count, until = 0, time.monotonic() + seconds
    while not _may_wait():
        began = time.monotonic()
        loaded = _load()
        count += loaded
        if loaded < AT_ONCE or (now := time.monotonic()) > until:
            return count
        time.sleep(REST * (now - began))
    return count


def _may_wait() -> bool:
    """Whether there is a rush, and nothing has waited for its longest yet."""
    since = rush.may_wait_since()
    if since is None:
        return False
    waiting = RoutingDecision.objects.filter(vector__isnull=False).order_by("pk")
    first = waiting.values_list("decided_at", flat=True).first()
    return first is None or first > since


@transaction.atomic
def _load() -> int:
    rows = list(
        RoutingDecision.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(vector__isnull=False)
        .select_related("model_version")
        .order_by("pk")[:AT_ONCE]
    )
    by_version: dict[ModelVersion, list[RoutingDecision]] = {}
    for row in rows:
        if row.model_version is not None:
            by_version.setdefault(row.model_version, []).append(row)
    for version, decisions in by_version.items():
        try:
            with transaction.atomic():
                loading.load(version, [_answer(version, row) for row in decisions])
        except loading.BadOutput:
            continue
    RoutingDecision.objects.filter(pk__in=[row.pk for row in rows]).update(vector=None, probabilities=None)
    return len(rows)


def _answer(version: ModelVersion, row: RoutingDecision) -> TransformOutput:
    return TransformOutput(
        id=loading.line_id(row.ticket_id, row.text_hash),
        encoder=version.encoder,
        model=version.manifest_hash[:16],
        embedding=np.frombuffer(bytes(row.vector), "<f4"),
        probabilities=None if row.probabilities is None else np.frombuffer(bytes(row.probabilities), "<f4"),
        outlier=row.outlier,
    )
