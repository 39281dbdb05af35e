"""Keeps the account's model registry in step with the rows: versions are registered, decisions are told.

The row is the truth. A version is registered and a decision told until the registry has taken them, by whoever comes
first: registering is idempotent by the artifact, and telling the same twice changes nothing. Where jobs run on this
machine there is no registry, and no entry is made.
"""

import logging

from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from compute.port import ComputeBackend, ComputeError, ModelRegistry
from training import nudges, selectors
from training.models import Approval, ModelVersion, RegistryEntry

log = logging.getLogger(__name__)

AT_ONCE = 20
WATCHED = 20
"""Of so many newest versions the registry's own word is asked for: somebody may decide in its console."""


def registry_drive(*, backend: ComputeBackend) -> None:
    """One pass: register what is not, tell what was decided, ask for the registry's word. Safe to repeat."""
    registry = backend.packages
    if registry is None:
        return
    for version in _unregistered():
        RegistryEntry.objects.get_or_create(model_version=version)
    entries = RegistryEntry.objects.select_related("model_version__run__snapshot", "decided_by")
    for entry in entries[:WATCHED]:
        try:
            _step(entry, registry)
        except ComputeError as error:
            log.warning("%s: the model registry: %s", entry.model_version, error)
            RegistryEntry.objects.filter(pk=entry.pk).update(
                problem=str(error)[:500], asked_at=timezone.now()
            )
            if error.retryable:
                return  # the others would meet the same


def _unregistered() -> list[ModelVersion]:
    """Versions whose artifact lies in S3; those made on this machine before are not the account's."""
    missing = ModelVersion.objects.filter(
        kind="classifier", artifact_uri__startswith="s3://", registry_entry__isnull=True
    )
    return list(missing[:AT_ONCE])


def _step(entry: RegistryEntry, registry: ModelRegistry) -> None:
    mine = RegistryEntry.objects.filter(pk=entry.pk)
    if not entry.address:
        version = entry.model_version
        address = registry.register(version.artifact_uri, figures_of(version), lineage_of(version))
        mine.update(address=address)
        entry.address = address
    if entry.approval != entry.told:
        who = entry.decided_by.username if entry.decided_by else "by itself"
        registry.approve(entry.address, entry.approval == Approval.APPROVED, f"{who}: {entry.reason}")
        mine.filter(approval=entry.approval).update(told=entry.approval)
    mine.update(status=registry.status(entry.address)[:40], problem="", asked_at=timezone.now())


def figures_of(version: ModelVersion) -> dict[str, float]:
    """What the training measured. Later evaluations are not among them: the registry takes figures once."""
    told = version.manifest.get("metrics") or {}
    return {name: float(value) for name, value in told.items() if isinstance(value, int | float)}


def lineage_of(version: ModelVersion) -> dict[str, str]:
    """Where a version comes from, for whoever meets it in the registry."""
    told = {
        "version": str(version.number),
        "manifest_hash": version.manifest_hash,
        "encoder": version.encoder,
        "base_model": str(version.manifest.get("base_model", "")),
        "created_by": str(version.manifest.get("created_by", "")),
        "services": str(len(version.labels)),
    }
    run = version.run
    if run is not None:
        told |= {"run": str(run.pk), "attempt": str(run.attempt)}
        if run.snapshot is not None:
            told |= {"snapshot": run.snapshot.fingerprint, "rows": str(run.snapshot.rows)}
    return {name: value for name, value in told.items() if value}


@transaction.atomic
def approval_decide(*, number: int, approved: bool, reason: str, by: User) -> RegistryEntry:
    """A person's word on a version, told to the registry soon after. Approval needs the gate's consent.

    Raises ``Refused``: not_found, not_registered (jobs run where there is no registry), reason_missing,
    gate_in_the_way.
    """
    version = ModelVersion.objects.filter(number=number).first()
    if version is None:
        raise Refused("not_found", "There is no such model version.", status=404)
    if not reason.strip():
        raise Refused("reason_missing", "Say why, so that others can follow it.", status=400)
    entry = RegistryEntry.objects.select_for_update().filter(model_version=version).first()
    if entry is None:
        raise Refused("not_registered", "This version is in no model registry.", version=number)
    if approved:
        _gate_asked(version)
    return _write(entry, approved, reason, by)


def _gate_asked(version: ModelVersion) -> None:
    permit = selectors.may_be_promoted(version)
    if not permit.allowed:
        raise Refused(
            "gate_in_the_way",
            "The gate has not passed this version, and nobody has overridden that.",
            version=version.number,
            why=permit.code,
            codes=permit.params.get("codes", []),
        )


@transaction.atomic
def approval_note(*, version: ModelVersion, approved: bool, reason: str, by: User | None) -> None:
    """What a promotion or a rollback decided, for the registry; nothing where the version is in none."""
    entry = RegistryEntry.objects.select_for_update().filter(model_version=version).first()
    if entry is not None:
        _write(entry, approved, reason, by)


def _write(entry: RegistryEntry, approved: bool, reason: str, by: User | None) -> RegistryEntry:
    entry.approval = Approval.APPROVED if approved else Approval.REJECTED
    # Told again even where it is the same word: the reason is new, and the console may have said otherwise since.
    entry.told = Approval.PENDING
    entry.reason, entry.decided_by, entry.decided_at = reason.strip()[:900], by, timezone.now()
    entry.save(update_fields=["approval", "told", "reason", "decided_by", "decided_at"])
    transaction.on_commit(nudges.registry)
    return entry
