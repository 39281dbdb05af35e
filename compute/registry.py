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
        return _sagemaker(tuple(sorted(settings.SAGEMAKER.items())), settings.ARTIFACTS_URI)
    raise InvalidSpec(f"COMPUTE_BACKEND must be 'local' or 'sagemaker', not {settings.COMPUTE_BACKEND!r}")


@lru_cache
def _local(spool: Path, artifacts_uri: str) -> ComputeBackend:
    artifacts = path_of(artifacts_uri)
    artifacts.mkdir(parents=True, exist_ok=True)
    return LocalBackend(spool, artifacts)


@lru_cache
def _sagemaker(chosen: tuple[tuple[str, str], ...], artifacts_uri: str) -> ComputeBackend:
    from compute.sagemaker import Options, SageMakerBackend  # boto3: only where it is needed

    return SageMakerBackend(Options.from_environment(dict(chosen), artifacts_uri))
