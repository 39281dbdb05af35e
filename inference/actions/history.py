"""The append-only history of what routes."""

from typing import Any

from accounts.models import User
from inference.models import Deployment, HistoryEntry, HistoryKind, Observation
from training.models import ModelVersion


def note(
    kind: HistoryKind,
    *,
    by: User | None = None,
    why: str = "",
    version: ModelVersion | None = None,
    observation: Observation | None = None,
    deployment: Deployment | None = None,
    **params: Any,
) -> HistoryEntry:
    """Add a line, in the caller's transaction. Nobody (`by` None) is the machine."""
    return HistoryEntry.objects.create(
        kind=kind,
        by=by,
        why=why.strip()[:1000],
        version=version,
        observation=observation,
        deployment=deployment,
        params=params,
    )
