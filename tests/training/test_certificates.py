"""Certificates as rows: what is in force, and what looking and promoting cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml.certificate import Certificate, Group, Promise
from tests import factories
from training import actions, selectors
from training.models import ModelVersion, PrecisionCertificate

pytestmark = pytest.mark.django_db

GIVEN = Certificate(
    state="certified",
    threshold=0.8,
    gate=None,
    precision=0.95,
    level=0.05,
    labels=("billing", "delivery"),
    known=("billing", "delivery"),
    audit_labels=3,
    window=("2026-01-01", "2026-02-01"),
    coverage=0.9,
    coverage_interval=(0.8, 0.95),
)
PROMISE = Promise(groups=(Group("large", ("billing",)),))


def version(number: int = 1) -> ModelVersion:
    return ModelVersion.objects.create(
        number=number, kind="classifier", artifact_uri="file:///x", manifest_hash="0", encoder="e" * 16, dim=8,
        labels=["billing", "delivery"],
    )  # fmt: skip


def record(of: ModelVersion, tickets: list[int], **fields: Any) -> PrecisionCertificate:
    given = {"certificate": GIVEN, "promise": PROMISE, "fingerprint": "data", **fields}
    return actions.certificate_record(model_version=of, tickets=tickets, **given)


def test_a_version_that_was_only_looked_at_routes_nothing_and_its_labels_stay_fresh() -> None:
    new = version()
    row = record(new, [1, 2, 3])
    assert selectors.certificate_of(new) is None
    assert selectors.certificate_use([1, 2, 3]) is None
    assert selectors.certificate_on_trial(new) == row


def test_a_promoted_version_obeys_the_certificate_exactly_as_it_was_given() -> None:
    new = version()
    row = record(new, [3, 1, 2], is_spent=True, created_by=factories.person("lea", "lead"))
    row.refresh_from_db()
    assert selectors.certificate_of(new) == GIVEN
    assert (row.tickets, str(row.window_from), row.created_by.username) == ([1, 2, 3], "2026-01-01", "lea")
    assert row.promise["groups"][0]["services"] == ["billing"]


def test_labels_asked_at_a_promotion_are_reused_ones_for_every_later_certificate() -> None:
    record(version(1), [1, 2, 3], is_spent=True)
    assert selectors.certificate_use([3, 4]) == 2
    assert selectors.certificate_use([4, 5]) is None
    record(version(2), [3, 4], is_spent=True, certificate=replace(GIVEN, use=2, fresh=False))
    assert selectors.certificate_use([3]) == 3


def test_asking_the_same_question_twice_spends_once() -> None:
    new = version()
    first = record(new, [1], is_spent=True)
    again = record(new, [1], is_spent=True, certificate=replace(GIVEN, use=2, fresh=False, level=0.01))
    assert (again.pk, again.use, PrecisionCertificate.objects.count()) == (first.pk, None, 1)
    assert record(new, [1], is_spent=True, fingerprint="other labels").pk != first.pk


def test_a_later_asking_that_certifies_nothing_takes_the_promise_back() -> None:
    new = version()
    record(new, [1], is_spent=True)
    refused = replace(GIVEN, state="too_many_errors", threshold=None)
    record(new, [1, 2], is_spent=True, certificate=refused, fingerprint="worse")
    found = selectors.certificate_of(new)
    assert found is not None and found.threshold is None
