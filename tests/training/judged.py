"""Versions that were evaluated on real tickets, for tests of the gate and of the dashboard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ml.answers import answers
from ml.certificate import Certificate, Promise
from ml.judging import judge, sheet
from tests import factories
from training import actions
from training.models import DatasetSnapshot, Evaluation, ModelVersion, PrecisionCertificate, TrainingRun

LABELS = ["billing", "delivery"]
GIVEN = Certificate(
    state="certified",
    threshold=0.8,
    gate=None,
    precision=0.95,
    level=0.05,
    labels=("billing", "delivery"),
    known=("billing", "delivery"),
    audit_labels=500,
    coverage=0.9,
    coverage_interval=(0.87, 0.92),
    recall=0.85,
    choices=(0.9, 0.8),
)


def services() -> None:
    for name in LABELS:
        factories.service(name.title(), code=name)


def version(number: int, labels: Sequence[str] = LABELS, rows: int = 100) -> ModelVersion:
    snapshot = DatasetSnapshot.objects.create(
        fingerprint=f"{number:064x}",
        uri="file:///x",
        rows=rows,
        services={"billing": rows},
        last_annotation_id=0,
    )
    return ModelVersion.objects.create(
        number=number, kind="classifier", artifact_uri="file:///x", manifest_hash=str(number), encoder="e" * 16, dim=8,
        labels=list(labels), run=TrainingRun.objects.create(state="succeeded", reason={}, snapshot=snapshot),
    )  # fmt: skip


def evaluated(
    of: ModelVersion, truth: Sequence[str | None], sure: Sequence[float], tickets: Sequence[int]
) -> Evaluation:
    """Record an evaluation of answers whose first label got the probability `sure` (n,)."""
    rest = len(of.labels) - 1
    chances = (
        np.asarray([[one, *([(1 - one) / rest] * rest)] for one in sure])
        if len(sure)
        else np.zeros((0, rest + 1))
    )
    given = sheet(tickets, truth, answers(of.labels, chances), ["fr"] * len(truth))
    figures = judge(given, of.labels, LABELS)
    return actions.evaluation_record(
        model_version_id=of.pk,
        fingerprint=hashlib.sha256(f"{truth}{sure}".encode()).hexdigest(),
        n=figures["n"],
        metrics=figures,
        sheet=given,
    )


def certified(of: ModelVersion, **changes: Any) -> PrecisionCertificate:
    return actions.certificate_record(
        model_version=of,
        certificate=replace(GIVEN, **changes),
        promise=Promise(),
        tickets=[],
        fingerprint=str(changes),
    )


def good(number: int = 1) -> ModelVersion:
    """A version that passes every limit."""
    made = version(number)
    evaluated(made, ["billing"] * 15 + ["delivery"] * 15, [0.95] * 15 + [0.05] * 15, range(1, 31))
    certified(made)
    return made
