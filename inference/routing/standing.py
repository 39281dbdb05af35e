"""What is in force now: the version in production, its certificate, holds, services, the baseline.

The rows are the truth: each call asks for the marks of these rows in one small statement, and reads the rows themselves
only when a mark has changed.
"""

import threading
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from accounts.prepared import Prepared
from annotation.models import Service
from inference.comparison import current
from inference.comparison.drawing import CANARY, drawn
from inference.models import BaselineKind, DeploymentRole, KeywordRule, RoutingHold, RoutingSettings
from inference.routing.rules import Rule
from ml.certificate import Certificate
from ml.policy import EVERY_SERVICE
from training import selectors as training
from training.models import ModelVersion, PrecisionCertificate

MARK = Prepared(
    """
SELECT d.id, (SELECT max(c.id) FROM training_precisioncertificate c
              WHERE c.model_version_id = d.model_version_id AND c.is_spent),
    (SELECT md5(string_agg(s.id || s.code, ',' ORDER BY s.id)) FROM annotation_service s WHERE s.is_active),
    (SELECT string_agg(h.id::text, ',' ORDER BY h.id) FROM inference_routinghold h WHERE h.ended_at IS NULL),
    (SELECT baseline FROM inference_routingsettings WHERE id = 1),
    (SELECT n.id || ' ' || p.canary_share || ' ' || (SELECT max(c.id) FROM training_precisioncertificate c
                                                     WHERE c.model_version_id = n.model_version_id AND c.is_spent)
     FROM inference_deployment n JOIN inference_promotion p ON p.version_id = n.model_version_id
     WHERE n.role = 'canary' AND n.ended_at IS NULL AND p.ended_at IS NULL),
    (SELECT count(*) || ' ' || coalesce(max(r.updated_at)::text, '') FROM inference_keywordrule r)
FROM (SELECT 1) one LEFT JOIN inference_deployment d ON d.role = %(role)s AND d.ended_at IS NULL""",
    role="text",
)


@dataclass(frozen=True)
class Production:
    """The version that routes. ``model_name`` is what its answers call it, so that another's answer is noticed."""

    deployment_id: int
    version_id: int
    version_number: int
    endpoint: str
    labels: tuple[str, ...]
    model_name: str
    encoder: str
    certificate: Certificate | None
    certificate_id: int | None


@dataclass(frozen=True)
class Standing:
    """``services``: code -> id of those switched on. ``held``: codes, or EVERY_SERVICE. ``rules`` by position.

    ``canary`` routes ``canary_share`` of the tickets beside production, None while no version is tried so.
    """

    production: Production | None
    canary: Production | None
    canary_share: float
    services: dict[str, int]
    held: frozenset[str]
    baseline: str
    rules: tuple[Rule, ...]

    def asked_about(self, external_id: str) -> Production | None:
        """Which version a ticket is for: the canary if it is drawn by its id, else production."""
        if self.canary is None:
            return self.production
        salt = f"{settings.AUDIT_SALT}:{self.canary.deployment_id}"
        return self.canary if drawn(salt, CANARY, external_id) < self.canary_share else self.production


_lock = threading.Lock()
_newest: dict[tuple[object, ...], Standing] = {}
"""The newest mark and what was read under it: one entry."""


def standing() -> Standing:
    """What is in force at this moment."""
    with connection.cursor() as cursor:
        MARK.run(cursor, {"role": DeploymentRole.PRODUCTION.value})
        mark = (connection.settings_dict["NAME"], *cursor.fetchone())
    with _lock:
        known = _newest.get(mark)
    if known is None:
        known = _read()
        with _lock:
            _newest.clear()
            _newest[mark] = known
    return known


def _read() -> Standing:
    services = dict(Service.objects.filter(is_active=True).values_list("code", "pk"))
    held = RoutingHold.objects.filter(ended_at=None).values_list("service__code", flat=True)
    chosen = RoutingSettings.objects.filter(pk=1).values_list("baseline", flat=True).first()
    promotion = current.promotion()
    rules = KeywordRule.objects.filter(is_active=True, service__is_active=True)
    return Standing(
        production=_routes(DeploymentRole.PRODUCTION),
        canary=_routes(DeploymentRole.CANARY) if promotion else None,
        canary_share=promotion.canary_share or 0.0 if promotion else 0.0,
        services=services,
        held=frozenset(code or EVERY_SERVICE for code in held),
        baseline=chosen or BaselineKind.PEOPLE,
        rules=tuple(rule_of(rule) for rule in rules),
    )


def rule_of(row: KeywordRule) -> Rule:
    """The pure rule of a row."""
    return Rule(row.service_id, tuple(map(str, row.words)), tuple(map(str, row.unless)))


def _routes(role: DeploymentRole) -> Production | None:
    deployment = current.deployment(role)
    if deployment is None:
        return None
    version = deployment.model_version
    return routing_with(
        version, training.certificate_in_force(version), deployment.pk, deployment.endpoint_name
    )


def routing_with(
    version: ModelVersion, certificate: PrecisionCertificate | None, deployment_id: int, endpoint: str
) -> Production:
    """A version as it routes, or as it would."""
    return Production(
        deployment_id=deployment_id,
        version_id=version.pk,
        version_number=version.number,
        endpoint=endpoint,
        labels=tuple(version.labels),
        model_name=version.manifest_hash[:16],
        encoder=version.encoder,
        certificate=certificate.certificate if certificate else None,
        certificate_id=certificate.pk if certificate else None,
    )
