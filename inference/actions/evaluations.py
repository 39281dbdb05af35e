"""Judges a version on the audit labels and hands the figures to training."""

import hashlib
from typing import Any

import numpy as np

from inference.models import Prediction
from inference.selectors import audit_labelled
from ml import metrics
from training import actions as training
from training import selectors
from training.models import Evaluation, ModelVersion

FEWEST_NEW = 10
NEW_SHARE = 0.1


def evaluation_refresh(*, model_version: ModelVersion) -> Evaluation | None:
    """Measure a classifier on all audit labels it has answered; None when there are none.

    Recorded anew only when the audit labels grew by a tenth and by ten: one more label is no news. Audit
    labels never trained the version, so the figures are honest.
    """
    if model_version.kind != "classifier":
        return None
    last = selectors.latest_evaluation(model_version)
    if last is not None:
        have = audit_labelled().count()
        if have < last.n + max(FEWEST_NEW, NEW_SHARE * last.n):
            return last
    rows = list(
        Prediction.objects.filter(model_version=model_version, ticket__in=audit_labelled())
        .order_by("ticket_id")
        .values_list("ticket_id", "ticket__label__code", "probabilities")
    )
    if not rows:
        return None
    figures = _measure(model_version, rows)
    named = "\n".join(f"{ticket_id} {code}" for ticket_id, code, _ in rows)
    return training.evaluation_record(
        model_version_id=model_version.pk,
        fingerprint=hashlib.sha256(named.encode()).hexdigest(),
        n=len(rows),
        metrics=figures,
    )


def _measure(model_version: ModelVersion, rows: list[tuple[int, str, Any]]) -> dict[str, Any]:
    chances = np.stack([np.frombuffer(bytes(raw), "<f4") for _, _, raw in rows])
    labels = list(model_version.labels)
    guessed = [labels[int(best)] for best in chances.argmax(axis=1)]
    return metrics.evaluate([code for _, code, _ in rows], guessed, chances, labels)
