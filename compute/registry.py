"""Settings → the one compute backend of this installation.

The only module of `compute` that reads Django's settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from compute.check import Finding, base_model_finding, local_findings
from compute.local import LocalBackend
from compute.objects import path_of
from compute.port import ComputeBackend, InvalidSpec

if TYPE_CHECKING:
    from compute.sagemaker import Options


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


def findings() -> Iterator[Finding]:
    """What `manage.py check_compute` prints of the backend that is chosen. Only looks."""
    from django.conf import settings

    if settings.COMPUTE_BACKEND == "local":
        yield from local_findings(Path(settings.COMPUTE_SPOOL), settings.ARTIFACTS_URI)
    elif settings.COMPUTE_BACKEND == "sagemaker":
        from compute.sagemaker.check import account_findings

        try:
            options = _options()
        except InvalidSpec as error:
            yield Finding("missing", str(error), "docs/sagemaker.md, “The settings”, lists them all")
            return
        yield Finding("ok", "the settings can be read")
        yield from account_findings(options)
    else:
        wrong = f"COMPUTE_BACKEND={settings.COMPUTE_BACKEND}"
        yield Finding("missing", f"{wrong}: there is no such backend", "set it to local or sagemaker")
        return
    yield base_model_finding(settings.BASE_MODEL, settings.COMPUTE_BACKEND)


def policy_text(kind: str) -> str:
    """A policy document for the account, with what the settings already name filled in."""
    from compute.sagemaker import check

    try:
        return check.policy_text(kind, _options())
    except InvalidSpec:
        return check.policy_text(kind, None)


def _options() -> Options:
    from django.conf import settings

    from compute.sagemaker import Options

    return Options.from_environment(dict(settings.SAGEMAKER), settings.ARTIFACTS_URI)
