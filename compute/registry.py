"""Settings → the one compute backend of this installation.

The only module of `compute` that reads Django's settings.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from compute.local import LocalBackend
from compute.objects import path_of
from compute.port import ComputeBackend, InvalidSpec


def backend() -> ComputeBackend:
    """The backend named by `COMPUTE_BACKEND`. InvalidSpec, saying what to set, when there is none of that name."""
    from django.conf import settings

    if settings.COMPUTE_BACKEND == "local":
        return _local(Path(settings.COMPUTE_SPOOL), settings.ARTIFACTS_URI)
    if settings.COMPUTE_BACKEND == "sagemaker":
        raise InvalidSpec(
            "COMPUTE_BACKEND=sagemaker is not available in this version: set COMPUTE_BACKEND=local"
        )
    raise InvalidSpec(f"COMPUTE_BACKEND must be 'local', not {settings.COMPUTE_BACKEND!r}")


@lru_cache
def _local(spool: Path, artifacts_uri: str) -> ComputeBackend:
    artifacts = path_of(artifacts_uri)
    artifacts.mkdir(parents=True, exist_ok=True)
    return LocalBackend(spool, artifacts)
