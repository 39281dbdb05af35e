"""Judges a version on labels that never trained it: the evaluation, the certificate on trial, the gate's verdict."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from annotation import selectors as annotation
from annotation.models import Ticket
from inference import selectors
from inference.models import Prediction, TestAnswer
from ml.answers import Answers, answers
from ml.certificate import Promise
from ml.certify import Costs, certify, groups_by_size
from ml.judging import Sheet, judge, sheet
from training import actions as training
from training import selectors as measured
from training.models import Evaluation, GateVerdict, ModelVersion, PrecisionCertificate, TestSet

FEWEST_NEW = 10
NEW_SHARE = 0.1
MOST_POOL = 20_000
FEWEST_POOL = 100
FRESH_ENOUGH = 400
"""With so many labels never asked before, a certificate asks only those, at the whole delta; else all, at less."""


@dataclass(frozen=True)
class Audit:
    """A version's answers to the control tickets people have decided, in hash order; rows of `said` as `sheet`."""

    sheet: Sheet
    said: Answers
    days: list[date]

    def __len__(self) -> int:
        return len(self.sheet)

    def of(self, rows: list[int]) -> "Audit":
        """Some of them."""
        columns = {name: [column[at] for at in rows] for name, column in self.sheet.to_dict().items()}
        return Audit(
            Sheet(**columns), self.said.of(np.asarray(rows, np.int64)), [self.days[at] for at in rows]
        )

    @property
    def fingerprint(self) -> str:
        """Of the tickets and their labels."""
        named = zip(self.sheet.ticket, self.sheet.truth, strict=True)
        return _hash("\n".join(f"{ticket} {code or ''}" for ticket, code in named))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def evaluation_refresh(*, model_version: ModelVersion) -> Evaluation | None:
    """Measure a classifier on all control tickets it has answered; None when there are none.

    Recorded anew only when their labels grew by a tenth and by ten: one more label is no news. Control tickets never
    trained the version, so the figures are honest.
    """
    if model_version.kind != "classifier":
        return None
    last = measured.latest_evaluation(model_version)
    if last is not None:
        have, had = selectors.audit_decided().count(), int(last.metrics.get("tickets", last.n))
        if have < had + max(FEWEST_NEW, NEW_SHARE * had):
            return last
    audit = audit_of(model_version)
    if not len(audit):
        return None
    known = [service.code for service in annotation.services_active()]
    figures = judge(audit.sheet, model_version.labels, known)
    return training.evaluation_record(
        model_version_id=model_version.pk,
        fingerprint=audit.fingerprint,
        n=figures["n"],
        metrics=figures,
        sheet=audit.sheet,
    )


def audit_of(model_version: ModelVersion) -> Audit:
    """This version's answers to the control tickets that people have decided."""
    rows = list(
        _predictions(model_version, selectors.audit_decided())
        .order_by("ticket__audit_rank")
        .values_list(
            "ticket_id",
            "ticket__label__code",
            "probabilities",
            "outlier",
            "ticket__language",
            "ticket__received_at",
        )
    )
    said = _said(model_version, [(row[2], row[3]) for row in rows])
    given = sheet([row[0] for row in rows], [row[1] for row in rows], said, [row[4] for row in rows])
    return Audit(given, said, [row[5].date() for row in rows])


def _predictions(model_version: ModelVersion, tickets: QuerySet[Ticket]) -> QuerySet[Prediction]:
    return Prediction.objects.filter(model_version=model_version, ticket__in=tickets.order_by())


def _pool_of(model_version: ModelVersion) -> Answers:
    """Its answers to tickets nobody has decided; where those are too few, to any that are no control tickets.

    They fix which thresholds are tried, so they hold no control ticket.
    """
    found: list[tuple[bytes, float | None]] = []
    for tickets in (
        Ticket.objects.filter(is_audit=False, status="open"),
        Ticket.objects.filter(is_audit=False),
    ):
        rows = _predictions(model_version, tickets).order_by("ticket__audit_rank")
        found = list(rows.values_list("probabilities", "outlier")[:MOST_POOL])
        if len(found) >= FEWEST_POOL:
            break
    return _said(model_version, found)


def _said(model_version: ModelVersion, rows: Iterable[tuple[bytes | None, float | None]]) -> Answers:
    """Answers from rows of (probabilities, outlier rank); a refusal has none, and counts as no usable answer."""
    given = list(rows)
    labels = list(model_version.labels)
    refused = np.full(len(labels), np.nan, "<f4").tobytes()
    chances = [np.frombuffer(bytes(raw or refused), "<f4") for raw, _ in given]
    table = np.stack(chances) if chances else np.zeros((0, len(labels)), np.float32)
    strange = np.asarray([np.nan if one is None else one for _, one in given], np.float64)
    return answers(labels, table, strange)


def test_evaluate(*, model_version: ModelVersion, test_set: TestSet) -> Evaluation:
    """Measure a version on a test set it has answered whole; once.

    Its figures are shown and never certify: nobody vouches that a test set is drawn like the tickets that come.
    """
    rows = list(
        TestAnswer.objects.filter(model_version=model_version, row__test_set=test_set)
        .order_by("row_id")
        .values_list("row_id", "row__code", "probabilities", "outlier", "row__language")
    )
    said = _said(model_version, [(row[2], row[3]) for row in rows])
    given = sheet([row[0] for row in rows], [row[1] or None for row in rows], said, [row[4] for row in rows])
    known = [service.code for service in annotation.services_active()]
    figures = judge(given, model_version.labels, known)
    return training.evaluation_record(
        model_version_id=model_version.pk,
        fingerprint=test_set.fingerprint,
        n=figures["n"],
        metrics=figures,
        data="test",
        sheet=given,
        test_set_id=test_set.pk,
    )


def certificate_try(*, model_version: ModelVersion) -> PrecisionCertificate | None:
    """Record what a certificate would say of a version if it were promoted now. Looking spends nothing.

    None while the version has not answered the pool: which thresholds are tried is read off that.
    """
    return _certify(model_version, is_spent=False, by=None)


@transaction.atomic
def certificate_spend(*, model_version: ModelVersion, by: User | None = None) -> PrecisionCertificate | None:
    """Ask for the certificate a version is promoted with: from now on it is in force, and its labels count as asked.

    None as for `certificate_try`. What it found may be that nothing is certified; then it routes nothing.
    """
    return _certify(model_version, is_spent=True, by=by)


@transaction.atomic
def _certify(model_version: ModelVersion, *, is_spent: bool, by: User | None) -> PrecisionCertificate | None:
    if model_version.kind != "classifier":
        return None
    training.certificates_take_turns()
    pool = _pool_of(model_version)
    if not len(pool):
        return None
    audit = _asked(audit_of(model_version))
    settings = measured.gate_settings()
    known = [service.code for service in annotation.services_active()]
    promise = _promise(settings.promise, settings.groups, pool)
    found = certify(
        audit.said,
        audit.sheet.truth,
        pool,
        promise,
        known=known,
        use=measured.certificate_use(audit.sheet.ticket),
        window=(min(audit.days).isoformat(), max(audit.days).isoformat()) if audit.days else None,
        costs=Costs(settings.minutes_escalation, settings.minutes_misroute),
    )
    return training.certificate_record(
        model_version=model_version,
        certificate=found,
        promise=promise,
        tickets=audit.sheet.ticket,
        fingerprint=_hash(json.dumps([audit.sheet.to_dict(), sorted(known)])),
        is_spent=is_spent,
        created_by=by,
    )


def _promise(promise: Promise, groups: int, pool: Answers) -> Promise:
    """With the groups of services a lead named, else those formed by how often the pool is answered with each: no
    control label is looked at.
    """
    return replace(promise, groups=groups_by_size(pool, groups)) if groups and not promise.groups else promise


def _asked(audit: Audit) -> Audit:
    """The labels to ask: only those never asked before, if there are enough of them, else all."""
    spent = {
        ticket for ids in measured.certificates_spent().values_list("tickets", flat=True) for ticket in ids
    }
    fresh = [at for at, ticket in enumerate(audit.sheet.ticket) if ticket not in spent]
    return audit.of(fresh) if FRESH_ENOUGH <= len(fresh) < len(audit) else audit


def verdict_refresh(*, model_version: ModelVersion) -> GateVerdict | None:
    """Evaluate, try the certificate, and let the gate judge; None before the first control ticket was answered.

    Each step writes only what changed, so it may be called at any time and as often as wanted.
    """
    evaluation = evaluation_refresh(model_version=model_version)
    if evaluation is None:
        return None
    if _is_certificate_due(model_version, evaluation):
        certificate_try(model_version=model_version)
    live = selectors.production()
    return training.verdict_record(
        model_version=model_version,
        production=live.model_version if live else None,
        latency_ms=selectors.latency_of(model_version),
    )


def _is_certificate_due(model_version: ModelVersion, evaluation: Evaluation) -> bool:
    """Whether control labels, settings, or what was spent changed since a certificate was last asked for."""
    last, spent = measured.certificate_on_trial(model_version), measured.certificates_spent().first()
    if last is None:
        return True
    changed = [evaluation.created_at, measured.gate_settings().updated_at]
    return last.created_at < max(changed + ([spent.created_at] if spent and spent.pk > last.pk else []))
