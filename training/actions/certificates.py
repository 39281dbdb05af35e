"""Certificates of precision: recorded once, spent at a promotion."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from django.db import connection, transaction

from accounts.models import User
from ml.certificate import Certificate, Promise
from training.models import ModelVersion, PrecisionCertificate

ASKING_LOCK = 7_203_003


def certificates_take_turns() -> None:
    """Until the transaction ends nobody else asks audit labels: so each asking knows how manyth it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ASKING_LOCK])


@transaction.atomic
def certificate_record(
    *,
    model_version: ModelVersion,
    certificate: Certificate,
    promise: Promise,
    tickets: Sequence[int],
    fingerprint: str,
    is_spent: bool = False,
    created_by: User | None = None,
) -> PrecisionCertificate:
    """Keep what ``ml.certify`` found for `promise` on these audit tickets; `fingerprint` names the data it saw.

    The same certificate is recorded once. A spent one on the very same data and promise is found again, at the level
    it was first asked at: asking the same question twice spends nothing more.
    """
    certificates_take_turns()
    whole = hashlib.sha256(json.dumps([fingerprint, asdict(promise)]).encode()).hexdigest()
    rows = PrecisionCertificate.objects.filter(
        model_version=model_version, is_spent=is_spent, fingerprint=whole
    )
    known = rows.first() if is_spent else rows.filter(use=certificate.use).first()
    if known is not None:
        return known
    window = certificate.window or (None, None)
    return PrecisionCertificate.objects.create(
        model_version=model_version,
        is_spent=is_spent,
        state=certificate.state,
        precision=certificate.precision,
        delta=promise.delta,
        level=certificate.level,
        use=certificate.use,
        threshold=certificate.threshold,
        audit_labels=certificate.audit_labels,
        tickets=sorted(tickets),
        window_from=window[0],
        window_to=window[1],
        promise=asdict(promise),
        payload=certificate.to_dict(),
        fingerprint=whole,
        created_by=created_by,
    )
