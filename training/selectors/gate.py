"""Reads of the gate: its settings, the newest verdict, and whether a version may go on."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from accounts.errors import Refused
from ml import gate
from training.models import GateOverride, GateSettings, GateVerdict, ModelVersion, OverridePurpose


def gate_settings() -> GateSettings:
    """The one row; made with the defaults the first time it is asked for."""
    return GateSettings.objects.get_or_create(pk=1)[0]


def verdict_of(version: ModelVersion) -> GateVerdict | None:
    """The newest verdict on a version."""
    return (
        GateVerdict.objects.filter(model_version=version).select_related("certificate", "production").first()
    )


def overrides_of(version: ModelVersion) -> QuerySet[GateOverride]:
    """Every override of a version, newest first."""
    return GateOverride.objects.filter(verdict__model_version=version).select_related("by", "verdict")


@dataclass(frozen=True)
class Permit:
    """Whether version ``number`` may go on. ``code``: passed, overridden, or what is in the way: not_judged,
    stopped_by_gate."""

    number: int
    allowed: bool
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    override: GateOverride | None = None

    def require(self) -> None:
        """Raise ``Refused`` gate_in_the_way unless it may."""
        if not self.allowed:
            raise Refused(
                "gate_in_the_way",
                "The gate has not passed this version, and nobody has overridden that.",
                version=self.number,
                why=self.code,
                codes=self.params.get("codes", []),
            )


def may_be_observed(version: ModelVersion) -> Permit:
    """Whether it may see live tickets beside production."""
    return _permit(version, [OverridePurpose.OBSERVE, OverridePurpose.PROMOTE])


def may_be_promoted(version: ModelVersion) -> Permit:
    """Whether it may route. What it routes is still up to its certificate: without one, nothing."""
    return _permit(version, [OverridePurpose.PROMOTE])


def _permit(version: ModelVersion, purposes: list[OverridePurpose]) -> Permit:
    verdict = verdict_of(version)
    if verdict is None:
        return Permit(version.number, False, "not_judged")
    if verdict.passed:
        return Permit(version.number, True, "passed")
    for override in overrides_of(version).filter(purpose__in=purposes):
        if gate.may(verdict.passed, verdict.stopping, override.codes):
            params = {"by": override.by.username, "reason": override.reason}
            return Permit(version.number, True, "overridden", params, override)
    return Permit(version.number, False, "stopped_by_gate", {"codes": verdict.stopping})
