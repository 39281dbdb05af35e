"""Reads of certificates: which is in force, which labels were asked."""

from collections.abc import Sequence

from django.db.models import QuerySet

from ml.certificate import Certificate
from training.models import ModelVersion, PrecisionCertificate


def certificate_in_force(version: ModelVersion) -> PrecisionCertificate | None:
    """The row of the newest spent certificate of a version, whatever it found."""
    return PrecisionCertificate.objects.filter(model_version=version, is_spent=True).first()


def certificate_of(version: ModelVersion) -> Certificate | None:
    """The certificate that routes with this version; None before its promotion asked for one.

    If the newest asking certified nothing, neither does this: ``ml.policy.decide`` then escalates.
    """
    row = certificate_in_force(version)
    return row.certificate if row else None


def certificate_on_trial(version: ModelVersion) -> PrecisionCertificate | None:
    """The newest row of a version: what a certificate would say, or said at its promotion."""
    return PrecisionCertificate.objects.filter(model_version=version).first()


def certificates_spent() -> QuerySet[PrecisionCertificate]:
    """Every certificate that was asked at a promotion, newest first."""
    return PrecisionCertificate.objects.filter(is_spent=True)


def certificate_use(tickets: Sequence[int]) -> int | None:
    """How manyth asking of these audit labels a certificate now would be; None when none was ever asked.

    Every spent certificate that asked any of them counts, whatever it found.
    """
    asked = set(tickets)
    spent = certificates_spent().values_list("tickets", flat=True)
    before = sum(1 for ids in spent if not asked.isdisjoint(ids))
    return before + 1 if before else None
