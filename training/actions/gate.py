"""The gate's settings, its verdicts, and overrides by name."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.models import Role, User
from annotation import selectors as annotation
from ml.gate import Figures, verdict
from training import selectors
from training.models import Evaluation, GateOverride, GateSettings, GateVerdict, ModelVersion, OverridePurpose
from training.models import PrecisionCertificate as CertificateRow

GATE_FIELDS = (
    "precision",
    "delta",
    "groups",
    "service_groups",
    "is_certificate_needed",
    "min_accuracy",
    "min_recall",
    "min_coverage",
    "max_calibration_error",
    "max_worse",
    "max_latency_ms",
    "minutes_escalation",
    "minutes_misroute",
)
VERDICT_LOCK = 7_203_004
FEWEST_CHARACTERS = 10
MOST_JUDGED_ANEW = 20


@transaction.atomic
def gate_settings_update(*, by: User | None = None, **changes: Any) -> GateSettings:
    """Change what is promised and asked for; the newest versions are judged anew at once, by what is measured already.

    Raises ``Refused("bad_gate")`` with the field at fault.
    """
    selectors.gate_settings()
    row = GateSettings.objects.select_for_update().get(pk=1)
    for name, value in changes.items():
        if name not in GATE_FIELDS:
            raise Refused("bad_gate", f"There is no setting {name}.", status=400, field=name)
        setattr(row, name, value)
    gate_settings_check(row)
    row.updated_by = by
    row.save()
    judged = ModelVersion.objects.filter(verdicts__isnull=False).distinct()
    for version in judged[:MOST_JUDGED_ANEW]:
        last = selectors.verdict_of(version)
        if last is not None:
            latency = last.figures.get("latency_ms")
            verdict_record(model_version=version, production=last.production, latency_ms=latency)
    return row


def gate_settings_check(row: GateSettings) -> None:
    """Refuse settings that make no sense, with the field at fault and, of groups, what is wrong (``problem``)."""
    try:
        row.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        said = " ".join(messages)
        raise Refused("bad_gate", f"{name}: {said}", status=400, field=name, problem=said) from error
    here = {service.code for service in annotation.services_active()}
    unknown = sorted({code for group in row.promise.groups for code in group.services} - here)
    if unknown:
        said = f"no service here has the code {', '.join(unknown)}"
        raise Refused("bad_gate", f"service_groups: {said}", status=400, field="service_groups", problem=said)


@transaction.atomic
def verdict_record(
    *, model_version: ModelVersion, production: ModelVersion | None = None, latency_ms: float | None = None
) -> GateVerdict | None:
    """Hold the newest evaluation and certificate of a version against the settings, beside production.

    A new row only when something it is given on changed. None for a version that was never evaluated.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [VERDICT_LOCK, model_version.pk])
    evaluation = selectors.latest_evaluation(model_version)
    if evaluation is None:
        return None
    certificate, limits = selectors.certificate_on_trial(model_version), selectors.gate_settings().limits
    rival = production if production is not None and production.pk != model_version.pk else None
    figures = _figures(model_version, evaluation, certificate, rival, latency_ms)
    said = verdict(figures, limits)
    reasons = [asdict(reason) for reason in said.reasons]
    # How slow it is changes with every look; that it is too slow does not.
    said_of = [reason | {"params": {}} if reason["code"] == "slow" else reason for reason in reasons]
    given_on = [evaluation.pk, certificate and certificate.pk, rival and rival.pk, asdict(limits), said_of]
    fingerprint = hashlib.sha256(json.dumps(given_on, sort_keys=True).encode()).hexdigest()
    last = selectors.verdict_of(model_version)
    if last is not None and last.fingerprint == fingerprint:
        return last
    return GateVerdict.objects.create(
        model_version=model_version,
        evaluation=evaluation,
        certificate=certificate,
        production=rival,
        passed=said.passed,
        reasons=reasons,
        limits=asdict(limits),
        figures=asdict(figures),
        fingerprint=fingerprint,
    )


def _figures(
    version: ModelVersion,
    evaluation: Evaluation,
    row: CertificateRow | None,
    rival: ModelVersion | None,
    latency_ms: float | None,
) -> Figures:
    given = row.certificate if row else None
    compared = selectors.versions_compared(version, rival) if rival else None
    here = {service.code for service in annotation.services_active()}
    return Figures(
        n=evaluation.n,
        unusable=evaluation.metrics.get("unusable", 0),
        accuracy=evaluation.accuracy,
        calibration=evaluation.metrics.get("ece"),
        state=given.state if given else None,
        certified=given.lower_bound if given else None,
        more_labels=given.more_labels if given else None,
        recall=given.recall if given else None,
        coverage=given.coverage if given else None,
        latency_ms=latency_ms,
        services=dict(compared.services) if compared else {},
        unheard=tuple(one for one in evaluation.metrics.get("unheard", []) if one in here),
        lost=tuple(sorted((set(rival.labels) - set(version.labels)) & here)) if rival else (),
    )


@transaction.atomic
def gate_override(*, model_version: ModelVersion, purpose: str, reason: str, by: User) -> GateOverride:
    """Let a version go on against its newest verdict, by name and with a reason; saying it twice is once.

    Raises ``Refused``: leads_only, bad_purpose, reason_needed, not_judged, nothing_to_override.
    """
    if not by.has_role(Role.LEAD):
        raise Refused("leads_only", "Only a lead may override the gate.", status=403)
    if purpose not in OverridePurpose.values:
        raise Refused("bad_purpose", "Override for observing or for promoting.", status=400)
    if len(reason.strip()) < FEWEST_CHARACTERS:
        raise Refused(
            "reason_needed",
            "Say why in a sentence: it is kept with your name.",
            status=400,
            fewest=FEWEST_CHARACTERS,
        )
    verdict_now = selectors.verdict_of(model_version)
    if verdict_now is None:
        raise Refused("not_judged", "This version has not been judged yet: there is nothing to override.")
    if verdict_now.passed:
        raise Refused("nothing_to_override", "This version passed: it needs no override.")
    return GateOverride.objects.get_or_create(
        verdict=verdict_now,
        purpose=purpose,
        by=by,
        codes=verdict_now.stopping,
        defaults={"reason": reason.strip()},
    )[0]
