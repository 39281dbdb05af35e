"""Keeps what was measured about a version."""

from typing import Any

from training.models import Evaluation


def evaluation_record(
    *, model_version_id: int, fingerprint: str, n: int, metrics: dict[str, Any], data: str = "audit"
) -> Evaluation:
    """Keep what was measured; the same version on the same data is recorded once."""
    evaluation, _ = Evaluation.objects.get_or_create(
        model_version_id=model_version_id,
        data=data,
        fingerprint=fingerprint,
        defaults={
            "n": n,
            "accuracy": metrics.get("accuracy"),
            "macro_f1": metrics.get("macro_f1"),
            "metrics": metrics,
        },
    )
    return evaluation
