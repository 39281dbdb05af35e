"""The dossier of a promotion: what it was decided on, as it stood then, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from inference import actions
from inference.models import DriftReading, HistoryEntry, Observation, Promotion
from tests.inference.observed import Reviewer, certify
from tests.inference.watched import Watched
from training.models import (
    DatasetSnapshot,
    Evaluation,
    GateOverride,
    GateVerdict,
    JobCost,
    ModelVersion,
    TrainingRun,
)

pytestmark = pytest.mark.django_db


class Decided(Watched):
    """A promotion that was approved an hour ago, of a version with a training behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.chloe, self.dan = Reviewer("chloe", "lead"), Reviewer("dan", "lead")
        snapshot = DatasetSnapshot.objects.create(
            fingerprint="f" * 64, uri="file:///x", rows=700, services={"delivery": 400, "returns": 300},
            last_annotation_id=0,
        )  # fmt: skip
        began = timezone.now() - timedelta(hours=3)
        self.run = TrainingRun.objects.create(
            state="succeeded", snapshot=snapshot, base_model="bert", hyperparameters={"epochs": "6"},
            started_at=began, ended_at=began + timedelta(minutes=5),
        )  # fmt: skip
        ModelVersion.objects.filter(pk=self.second.pk).update(run=self.run)
        JobCost.objects.create(
            job_name="t-1", purpose="training", run=self.run, instance_type="ml.m5", seconds=360,
            price_per_hour=0.5,
        )  # fmt: skip
        Evaluation.objects.create(
            model_version=self.second, data="audit", fingerprint="e" * 64, n=500, accuracy=0.91
        )
        third = self.certified(3)
        self.observation = actions.observation_start(candidate=third, started_by=self.chloe.user)
        Observation.objects.update(candidate=self.second, state="promoted", ended_at=timezone.now())
        HistoryEntry.objects.filter(kind="promoted").update(observation=self.observation)
        self.promotion = Promotion.objects.create(
            observation=self.observation, version=self.second, former=self.first, state="done", why="twice as right",
            requested_by=self.chloe.user, approved_by=self.dan.user, was_four_eyes=True,
            rehearsed_at=timezone.now(), approved_at=timezone.now(), ended_at=timezone.now(),
        )  # fmt: skip
        DriftReading.objects.create(kind="mix", code="steady", read_at=timezone.now() - timedelta(hours=1))
        for model in (GateVerdict, Evaluation):
            model.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        Promotion.objects.update(requested_at=self.since - timedelta(hours=1))
        self.told(20, right=True)
        self.look()

    def dossier(self, who: Reviewer | None = None) -> Any:
        return (who or self.chloe).get(f"promotions/{self.promotion.pk}/dossier/")


def test_a_dossier_says_who_decided_on_what_data_at_what_price_and_what_came_of_it(db: None) -> None:
    house = Decided()
    said = house.dossier()
    assert (said["version"], said["former"], said["requested_by"], said["approved_by"]) == (
        2,
        1,
        "chloe",
        "dan",
    )
    assert said["why"] == "twice as right" and said["was_four_eyes"] is True
    assert said["gate"]["passed"] is True and said["override"] is None
    assert (said["certificate"]["precision"], said["certificate"]["threshold"]) == (0.95, 0.9)
    assert said["certificate"]["is_spent"] is True and said["certificate"]["audit_labels"] == 300
    data = said["data"]
    assert (data["snapshot"], data["rows"], data["controls"], data["accuracy"]) == ("f" * 64, 700, 500, 0.91)
    assert said["lineage"]["run"] == house.run.pk and said["lineage"]["base_model"] == "bert"
    assert said["lineage"]["manifest_hash"] == house.second.manifest_hash
    assert [one["code"] for one in said["drift"]] == ["steady"]
    assert said["cost"] == {"seconds": 300, "billed_seconds": 360, "amount": 0.05}
    assert said["observation"]["candidate"] == 2
    (watch,) = said["watches"]
    assert (watch["known"], watch["right"], watch["state"]) == (20, 20, "watching")


def test_what_was_found_later_does_not_stand_in_it(db: None) -> None:
    house = Decided()
    GateVerdict.objects.create(model_version=house.second, passed=False, fingerprint="later")
    certify(house.second)
    DriftReading.objects.create(kind="mix", code="mix_moved", is_alarm=True, read_at=timezone.now())
    said = house.dossier()
    assert said["gate"]["passed"] is True and said["certificate"]["is_spent"] is True
    assert [one["code"] for one in said["drift"]] == ["steady"]


def test_who_let_it_go_on_against_the_gate_is_named(db: None) -> None:
    house = Decided()
    verdict = GateVerdict.objects.get(model_version=house.second)
    GateVerdict.objects.filter(pk=verdict.pk).update(
        passed=False, reasons=[{"code": "low_accuracy", "params": {}, "stops": True}]
    )
    made = GateOverride.objects.create(
        verdict=verdict, purpose="promote", codes=["low_accuracy"], reason="two services are new",
        by=house.dan.user,
    )  # fmt: skip
    GateOverride.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    Promotion.objects.update(approved_at=timezone.now())
    said = house.dossier()
    assert said["gate"]["reasons"][0]["code"] == "low_accuracy"
    assert (said["override"]["by"], said["override"]["reason"]) == ("dan", "two services are new")


def test_reviewers_read_it_annotators_do_not_and_an_unknown_one_is_said_to_be(db: None) -> None:
    house = Decided()
    path = f"/api/promotions/{house.promotion.pk}/dossier/"
    assert Reviewer("rose").client.get(path).status_code == 200
    assert Reviewer("alice", "annotator").client.get(path).status_code == 403
    assert house.chloe.client.get("/api/promotions/987654/dossier/").status_code == 404
