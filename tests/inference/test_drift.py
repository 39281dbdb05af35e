"""Drift as it is read from rows: what raises an alarm, what an alarm holds back, and what too little data says."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from annotation.models import Service, Ticket
from inference import actions
from inference.drift.readings import FEWEST_CONTROLS, FEWEST_TICKETS
from inference.models import DriftReading, Embedding, Encoder, Prediction, RoutingDecision, RoutingHold
from ml.certificate import Certificate, Promise
from ml.text import group_key, text_hash
from tests import factories
from tests.inference.cast import make_services
from training import actions as training
from training.models import DatasetSnapshot, ModelVersion, SnapshotRow, TrainingRun

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LABELS = ("card", "parcel", "refund")
BEFORE, LATELY = NOW - timedelta(days=40), NOW - timedelta(days=2)


class House:
    """A version that learned from a snapshot thirty days ago, with vectors and answers for tickets of each service."""

    def __init__(self) -> None:
        self.services = {service.code: service for service in make_services(*LABELS)}
        self.rng = np.random.default_rng(0)
        self.made = 0
        snapshot = DatasetSnapshot.objects.create(
            fingerprint="f" * 64, uri="file:///x", rows=0, last_annotation_id=0
        )
        DatasetSnapshot.objects.update(created_at=NOW - timedelta(days=30))
        run = TrainingRun.objects.create(state="succeeded", snapshot=snapshot)
        self.version = ModelVersion.objects.create(
            number=1, kind="classifier", run=run, artifact_uri="file:///x", manifest_hash="0", encoder="e" * 16, dim=8,
            labels=list(LABELS),
        )  # fmt: skip
        self.encoder = Encoder.objects.create(
            fingerprint="e" * 16, dim=8, model_version=self.version, is_current=True
        )
        SnapshotRow.objects.bulk_create(
            SnapshotRow(snapshot=snapshot, ticket=ticket, row_hash=str(ticket.pk), code="card")
            for ticket in self.tickets(BEFORE, card=12, parcel=12, refund=12)
        )
        self.tickets(BEFORE, card=25, parcel=25, refund=25)

    def tickets(self, at: Any, **counts: int) -> list[Ticket]:
        """Tickets received then; a name that is no service's is a topic of its own, predicted as a card's."""
        topics = [topic for topic, count in counts.items() for _ in range(count)]
        made = self.bare(len(topics), received_at=at)
        Embedding.objects.bulk_create(
            Embedding(
                ticket=ticket, encoder=self.encoder, text_hash=ticket.text_hash, vector=self.vector(topic)
            )
            for ticket, topic in zip(made, topics, strict=True)
        )
        Prediction.objects.bulk_create(
            Prediction(
                ticket=ticket, model_version=self.version, probability=0.9, probabilities=b"",
                service=self.services.get(topic, self.services["card"]),
            )
            for ticket, topic in zip(made, topics, strict=True)
        )  # fmt: skip
        return made

    def bare(self, count: int, **fields: Any) -> list[Ticket]:
        """Tickets with neither vector nor prediction."""
        fields = {"received_at": NOW, "audit_rank": 0} | fields
        first, self.made = self.made, self.made + count
        names = [factories.spelled(number) for number in range(first, self.made)]
        return Ticket.objects.bulk_create(
            Ticket(external_id=name, text=name, text_hash=text_hash(name), group=group_key(name), **fields)
            for name in names
        )

    def vector(self, topic: str) -> Any:
        place = [*LABELS, "unheard of"].index(topic)
        point = 6 * np.eye(8)[place] + self.rng.normal(size=8)
        return point / np.linalg.norm(point)

    def certify(self) -> None:
        certificate = Certificate(
            state="certified", threshold=0.9, gate=None, precision=0.95, level=0.05, labels=LABELS, known=LABELS,
            audit_labels=300,
        )  # fmt: skip
        training.certificate_record(
            model_version=self.version, certificate=certificate, promise=Promise(), tickets=[], fingerprint="x",
            is_spent=True,
        )  # fmt: skip

    def decide(
        self, count: int, *, to: str | None = "card", at: Any = LATELY, **fields: Any
    ) -> list[RoutingDecision]:
        """Decisions of the routing; ``truth``: what people said of them as controls."""
        truth = fields.pop("truth", None)
        said: dict[str, Any] = {}
        if truth is not None:
            said = {"is_audit": True, "status": "labelled", "label": self.services[truth], "labelled_at": NOW}
        return RoutingDecision.objects.bulk_create(
            RoutingDecision(
                ticket=ticket, service=self.services[to] if to else None, reason="" if to else "uncertain",
                model_version=self.version, text_hash=ticket.text_hash, latency_ms=1, decided_at=at, **fields,
            )
            for ticket in self.bare(count, **said)
        )  # fmt: skip

    def check(self) -> dict[str, DriftReading]:
        """The newest reading by kind; those of one service under its code."""
        rows = actions.drift_check(now=NOW)
        return {row.service.code if row.service else row.kind: row for row in rows}


@pytest.fixture
def house(db: None) -> House:
    return House()


def test_before_the_first_model_every_kind_says_so(db: None) -> None:
    assert {row.code for row in actions.drift_check()} == {"no_model"}


def test_without_recent_tickets_nothing_is_claimed(house: House) -> None:
    found = house.check()
    assert {kind: found[kind].code for kind in ("input", "unlike", "mix", "escalation")} == dict.fromkeys(
        ("input", "unlike", "mix", "escalation"), "too_few"
    )
    assert found["mix"].params == {"have": 0, "needed": FEWEST_TICKETS}
    assert found["precision"].code == "nothing_routed"
    assert not any(row.is_alarm for row in found.values())


def test_the_same_kind_of_tickets_raise_no_alarm(house: House) -> None:
    house.tickets(LATELY, card=22, parcel=22, refund=22)
    found = house.check()
    assert {kind: found[kind].code for kind in ("input", "unlike", "mix")} == dict.fromkeys(
        ("input", "unlike", "mix"), "steady"
    )


def test_another_mix_is_an_alarm_that_names_the_services(house: House) -> None:
    house.tickets(LATELY, card=60, parcel=5, refund=5)
    found = house.check()
    assert found["mix"].code == "mix_moved" and found["mix"].is_alarm
    first = found["mix"].params["services"][0]
    assert first["service"] == "card" and first["now"] > 0.8 > first["before"]
    assert found["input"].code == "input_moved"


def test_a_topic_the_snapshot_does_not_know_is_an_alarm_of_its_own(house: House) -> None:
    house.tickets(LATELY, card=18, parcel=18, refund=18, **{"unheard of": 18})
    found = house.check()["unlike"]
    assert found.code == "unlike_snapshot" and found.value > found.reference


def test_written_tickets_are_no_traffic(house: House) -> None:
    members = [ticket.pk for ticket in house.tickets(LATELY, card=FEWEST_TICKETS + 10)]
    Ticket.objects.filter(pk__in=members).update(
        origin="written", status="labelled", label=house.services["card"], labelled_at=NOW
    )
    assert house.check()["mix"].code == "too_few"


def test_more_escalations_than_before_are_an_alarm_and_those_of_a_hold_are_not(house: House) -> None:
    earlier = NOW - timedelta(days=20)
    house.decide(55, at=earlier)
    house.decide(8, to=None, at=earlier)
    house.decide(55)
    house.decide(8, to=None)
    for decision in house.decide(20, to=None):
        RoutingDecision.objects.filter(pk=decision.pk).update(reason="held")
    assert house.check()["escalation"].code == "steady"
    house.decide(25, to=None)
    assert house.check()["escalation"].code == "escalations_up"


def test_a_kept_promise_is_steady_and_holds_nothing(house: House) -> None:
    house.certify()
    house.decide(40, truth="card")
    house.decide(1, truth="parcel")
    found = house.check()["precision"]
    assert (found.code, found.value, found.reference) == ("steady", 40 / 41, 0.95)
    assert not RoutingHold.objects.exists()


def test_a_service_whose_promise_is_broken_is_held_until_a_lead_has_looked(told: Any, house: House) -> None:
    house.certify()
    house.decide(90, to="parcel", truth="parcel")
    house.decide(FEWEST_CONTROLS, truth="card")
    house.decide(8, truth="parcel")
    found = house.check()
    alarm = found["card"]
    assert alarm.code == "service_precision_broken" and alarm.params["right"] == FEWEST_CONTROLS
    hold = RoutingHold.objects.get(service=house.services["card"])
    assert alarm.hold == hold and "20 of 28" in hold.reason
    house.check()
    assert RoutingHold.objects.filter(service=house.services["card"]).count() == 1, (
        "once, however often it is read"
    )
    ((kind, params),) = told()
    assert kind == "drift", "and leads are told once"
    assert [one["params"]["service"] for one in params["found"] if one["held"] == "one"] == [
        alarm.service.name
    ]
    actions.hold_end(hold_id=hold.pk)
    assert "card" not in house.check(), "what was said before the hold ended is not held against it again"


def test_a_promise_broken_overall_holds_everything(house: House) -> None:
    house.certify()
    house.decide(30, truth="card")
    house.decide(12, truth="parcel")
    assert house.check()["precision"].code == "precision_broken"
    assert RoutingHold.objects.filter(service=None, ended_at=None).exists()


def test_a_control_that_belongs_to_no_service_counts_as_wrong(house: House) -> None:
    house.certify()
    house.decide(FEWEST_CONTROLS, truth="card")
    nowhere = house.decide(10, truth="card")
    Ticket.objects.filter(routing__in=nowhere).update(status="set_aside", label=None)
    assert house.check()["precision"].params == {"right": 20, "total": 30, "days": 28}


def test_an_installation_may_ask_for_alarms_alone(house: House, settings: Any) -> None:
    settings.DRIFT_HOLDS = False
    house.certify()
    house.decide(30, truth="card")
    house.decide(12, truth="parcel")
    assert house.check()["precision"].is_alarm and not RoutingHold.objects.exists()


def test_beat_reads_again_only_when_it_is_due(house: House) -> None:
    assert actions.drift_check(now=NOW, is_due=True)
    assert not actions.drift_check(now=NOW + timedelta(hours=1), is_due=True)
    assert actions.drift_check(now=NOW + timedelta(hours=7), is_due=True)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_read_once(db: None) -> None:
    counts: list[int] = []

    def read() -> None:
        counts.append(len(actions.drift_check(now=NOW, is_due=True)))
        connections.close_all()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 5] and DriftReading.objects.count() == 5


# Over HTTP


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(factories.person(f"the {role}", role))
    return client


def test_the_page_is_told_the_last_check_the_holds_and_the_course_of_a_kind(house: House) -> None:
    house.tickets(LATELY, card=60, parcel=5, refund=5)
    lead = signed_in("lead")
    assert lead.get("/api/drift/").json()["read_at"] is None
    actions.drift_check(now=NOW - timedelta(days=1))
    told = lead.post("/api/drift/").json()
    mix = next(row for row in told["readings"] if row["kind"] == "mix")
    assert mix["is_alarm"] and told["version"] == 1 and len(told["readings"]) == 5
    points = signed_in("annotator").get("/api/drift/mix/").json()["points"]
    assert [point["is_alarm"] for point in points] == [True, True] and points[0]["read_at"] < points[1][
        "read_at"
    ]
    assert lead.get("/api/drift/mix/", {"days": "0"}).status_code == 400


def test_a_lead_holds_a_service_back_and_lets_it_go(house: House) -> None:
    lead, card = signed_in("lead"), house.services["card"]
    body = {"service_id": card.pk, "reason": "The range changed"}
    made = lead.post("/api/holds/", body, "application/json")
    assert made.status_code == 201 and made.json()["started_by"] == "the lead"
    assert lead.post("/api/holds/", body, "application/json").json()["error"]["code"] == "held_already"
    assert [hold["service_id"] for hold in lead.get("/api/drift/").json()["holds"]] == [card.pk]
    assert lead.delete(f"/api/holds/{made.json()['id']}/").status_code == 204
    assert lead.get("/api/drift/").json()["holds"] == []
    assert Service.objects.filter(pk=card.pk).exists()
