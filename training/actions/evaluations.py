"""Keeps what was measured about a version."""

from typing import Any

from django.db import transaction

from ml.judging import Sheet
from training.models import Evaluation, EvaluationSheet


@transaction.atomic
def evaluation_record(
    *,
    model_version_id: int,
    fingerprint: str,
    n: int,
    metrics: dict[str, Any],
    data: str = "audit",
    sheet: Sheet | None = None,
    test_set_id: int | None = None,
) -> Evaluation:
    """Keep what was measured, and the answers it was counted from; the same version on the same data once."""
    evaluation, made = Evaluation.objects.get_or_create(
        model_version_id=model_version_id,
        data=data,
        fingerprint=fingerprint,
        defaults={
            "n": n,
            "accuracy": metrics.get("accuracy"),
            "macro_f1": metrics.get("macro_f1"),
            "metrics": metrics,
            "test_set_id": test_set_id,
        },
    )
    if made and sheet is not None:
        EvaluationSheet.objects.create(evaluation=evaluation, columns=sheet.to_dict())
    return evaluation
