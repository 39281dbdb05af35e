"""Rows of every kind the admin shows, each with neighbours of its own, so that a query a row would show."""

import itertools
import uuid
from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts import actions as accounts
from accounts.models import User
from annotation.models import Annotation, ImportRun, QueueItem, ScoreGeneration, Service, Ticket
from inference.models import (
    Alarm,
    Deployment,
    DriftReading,
    Encoder,
    Escalation,
    HistoryEntry,
    Judgement,
    KeywordRule,
    LearnerHead,
    MirroredTicket,
    Observation,
    Outcome,
    Promotion,
    PromotionSettings,
    RoutingDecision,
    RoutingHold,
    TransformRun,
    Watch,
    WatchSettings,
)
from tests import factories
from training.models import (
    DatasetSnapshot,
    Evaluation,
    GateOverride,
    GateSettings,
    GateVerdict,
    ModelVersion,
    PrecisionCertificate,
    RegistryEntry,
    RetrainAdvice,
    RetrainDecision,
    TestSet,
    TrainingRun,
)

_numbers = itertools.count(1)


def models() -> list[type]:
    """Every model of the admin, in a steady order."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def fill(count: int) -> None:
    """Make ``count`` more rows of every kind."""
    for _ in range(count):
        number = next(_numbers)
        person = factories.person(f"person{number}")
        accounts.token_create(user=person, name=f"token {number}")
        accounts.invitation_create(invited_by=factories.person(f"lead{number}", "lead"), role="annotator")
        _tickets(number, person)
        _training(number, person)
        rhythm = IntervalSchedule.objects.create(every=number, period="days")
        clock = CrontabSchedule.objects.create(minute=str(number % 60), hour=str(number // 60 % 24))
        PeriodicTask.objects.create(
            name=f"mine {number}", task="training.tasks.policy_check", interval=rhythm
        )
        PeriodicTask.objects.create(name=f"nightly {number}", task="x", crontab=clock)


def _tickets(number: int, person: User) -> None:
    service = factories.service(f"Desk {number}")
    ticket, other = factories.ticket(), factories.ticket()
    factories.labelled(ticket, service, person)
    decision = ticket.annotations.get()
    Annotation.objects.create(
        ticket=other, kind="label", service=service, mode="teach", annotator=person, source_annotation=decision,
        suggested_service=service,
    )  # fmt: skip
    QueueItem.objects.create(
        ticket=other, mode="teach", position=number, lane="exploit", suggested_service=service,
        second_service=service, lease=uuid.uuid4(), leased_by=person,
        leased_until=timezone.now() + timedelta(minutes=3),
    )  # fmt: skip
    _routing(other, service, person)
    ImportRun.objects.create(filename=f"{number}.csv", started_by=person, bytes_total=10, bytes_read=5)
    ScoreGeneration.objects.create(slot=0, tickets=number)


def _routing(ticket: Ticket, service: Service, person: User) -> None:
    routed = RoutingDecision.objects.create(
        ticket=ticket, asked_by=person, reason="uncertain", suggested=service, latency_ms=9, text_hash="0",
        decided_at=timezone.now(),
    )  # fmt: skip
    Escalation.objects.create(decision=routed, opened_at=timezone.now(), service=service)
    Outcome.objects.create(
        ticket=ticket,
        service=service,
        sent_to=service,
        is_moved=False,
        told_by=person,
        decided_at=timezone.now(),
    )
    KeywordRule.objects.create(service=service, words=["parcel"])
    RoutingHold.objects.create(service=service, reason="drift", started_by=person)


def _training(number: int, person: User) -> None:
    snapshot = DatasetSnapshot.objects.create(
        fingerprint=f"{number:064d}", uri="file:///x", rows=number, last_annotation_id=0
    )
    run = TrainingRun.objects.create(snapshot=snapshot, state="failed", requested_by=person, log_tail="x" * 9)
    version = ModelVersion.objects.create(
        number=number, kind="classifier", run=run, artifact_uri="file:///x", manifest_hash="0" * 64,
        encoder=f"{number:016d}", dim=32, labels=["a", "b"],
    )  # fmt: skip
    test_set = TestSet.objects.create(
        name=f"set {number}", fingerprint=str(number), rows=9, uploaded_by=person
    )
    Evaluation.objects.create(
        model_version=version, data="test", fingerprint="2" * 64, n=9, accuracy=0.9, test_set=test_set
    )
    Evaluation.objects.create(model_version=version, data="audit", fingerprint="1" * 64, n=9, accuracy=0.9)
    certificate = PrecisionCertificate.objects.create(
        model_version=version, state="too_few_labels", precision=0.95, delta=0.05, level=0.05, audit_labels=9,
        tickets=[1, 2], payload={}, fingerprint=str(number), created_by=person,
    )  # fmt: skip
    verdict = GateVerdict.objects.create(
        model_version=version, certificate=certificate, production=version, passed=False, fingerprint="1",
        reasons=[{"code": "low_accuracy", "params": {}, "stops": True}],
    )  # fmt: skip
    RegistryEntry.objects.create(model_version=version, address=f"arn:{number}", decided_by=person)
    GateOverride.objects.create(
        verdict=verdict, purpose="observe", codes=["low_accuracy"], reason="x", by=person
    )
    GateSettings.objects.get_or_create(pk=1, defaults={"updated_by": person})
    RetrainDecision.objects.create(starts=True, code=f"code {number % 3}", run=run)
    RetrainAdvice.objects.create(code=f"code {number % 3}")
    space = Encoder.objects.create(fingerprint=f"{number:016d}", dim=32, model_version=version)
    LearnerHead.objects.create(encoder=space, weights=b"x")
    TransformRun.objects.create(model_version=version, purpose="pool", state="succeeded")
    hold = RoutingHold.objects.latest("pk")
    DriftReading.objects.create(
        kind="precision",
        code="service_precision_broken",
        service=hold.service,
        hold=hold,
        read_at=timezone.now(),
    )
    Deployment.objects.create(
        model_version=version, role="assistant", endpoint_name=f"e{number}", started_by=person,
        ended_at=timezone.now(),
    )  # fmt: skip
    _comparison(version, person)


def _comparison(version: ModelVersion, person: User) -> None:
    now = timezone.now()
    observation = Observation.objects.create(
        candidate=version, baseline="people", share=0.1, slice=0.1, salt="x", state="stopped", started_by=person,
        ended_at=now,
    )  # fmt: skip
    decision = RoutingDecision.objects.create(
        ticket=factories.ticket(), reason="uncertain", latency_ms=1, decided_at=now
    )
    mirrored = MirroredTicket.objects.create(
        observation=observation, ticket=decision.ticket, decision=decision, state="compared"
    )
    service = Service.objects.order_by("-pk").first()
    Judgement.objects.create(mirrored=mirrored, reviewer=person, choice="both", service=service)
    Promotion.objects.create(
        observation=observation, version=version, former=version, why="x", requested_by=person, approved_by=person,
        state="withdrawn", ended_at=now,
    )  # fmt: skip
    HistoryEntry.objects.create(kind="verdict", by=person, version=version, observation=observation)
    PromotionSettings.objects.get_or_create(pk=1)
    Alarm.objects.create(kind="test", channel="mail", address="leads@shop.example", params={})
    Watch.objects.create(
        deployment=Deployment.objects.create(
            model_version=version, role="production", endpoint_name="x", ended_at=now
        ),
        state="over", alpha=0.01, fewest=20, days=14, started_at=now, ended_at=now, seen_by=person,
    )  # fmt: skip
    WatchSettings.objects.get_or_create(pk=1)
