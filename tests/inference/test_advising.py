"""The advisor in the house: marks are rows, one a round; advice follows from them, once a change, for all to read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from annotation.models import Service, Ticket
from inference.learner import advising
from inference.learner.worker import Resident
from inference.models import Panel, RoundMark
from ml import advisor
from tests import factories
from tests.inference.cast import label, make_services, make_tickets
from tests.inference.clouds import embed
from training import actions as training
from training import selectors
from training.models import DatasetSnapshot, ModelVersion, RetrainAdvice, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


class House:
    """Tickets in three clouds, one service each, some of them audit tickets."""

    def __init__(self, version: ModelVersion, *, tickets: int = 160, audit: int = 0) -> None:
        self.services: list[Service] = make_services()
        self.tickets = make_tickets(tickets)
        self.audit = make_tickets(audit, first=1000, is_audit=True)
        self.cloud = embed(version, [*self.tickets, *self.audit])
        self.given = 0

    def teach(self, count: int) -> None:
        for ticket in self.tickets[self.given : self.given + count]:
            self.answer(ticket)
        self.given += count

    def answer(self, ticket: Ticket) -> None:
        label(ticket, self.services[self.cloud[ticket.pk]])

    def control(self, count: int) -> None:
        for ticket in self.audit[:count]:
            self.answer(ticket)


@pytest.fixture
def house(space: ModelVersion) -> House:
    return House(space)


def kept() -> list[int]:
    return list(RoundMark.objects.values_list("labels", flat=True))


def test_a_mark_is_kept_each_round_and_none_in_between(house: House) -> None:
    resident = Resident()
    for count in (10, 10, 15, 5, 30):
        house.teach(count)
        resident.turn()
    assert kept() == [10, 35, 70]
    assert len(Panel.objects.get().tickets) == 8 * 150


def test_a_worker_that_dies_at_any_time_loses_no_mark_and_doubles_none(house: House) -> None:
    house.teach(30)
    Resident().turn()
    before = RoundMark.objects.get()
    Resident().turn()
    assert kept() == [30]
    before.delete()  # killed between pushing the queue and keeping the mark
    Resident().turn()
    again = RoundMark.objects.get()
    assert bytes(again.guesses) == bytes(before.guesses) and again.classes == before.classes


def test_labels_taken_back_put_later_marks_out_of_sight_until_they_are_there_again(house: House) -> None:
    resident = Resident()
    for _ in range(3):
        house.teach(25)
        resident.turn()
    Ticket.objects.filter(pk__in=[t.pk for t in house.tickets[40:75]]).update(status="open", label=None)
    assert [mark.labels for mark in advising._marks(40, {})] == [25]


def test_without_a_mark_there_is_no_advice_and_with_one_it_says_what_is_missing(house: House) -> None:
    resident = Resident()
    resident.refresh()
    assert selectors.last_advice() is None
    house.teach(30)
    resident.refresh()
    advice = selectors.last_advice()
    assert advice is not None and (advice.code, advice.vetoes_training) == ("label_on", False)
    assert advice.params["gain"] is None and advice.params["training"] is None
    assert advice.params["controls_missing"] == advisor.CURVE_CONTROLS
    assert advice.params["labels"] == 30 and advice.params["controls"] == 0


def test_refits_refresh_one_row_of_advice(house: House) -> None:
    resident = Resident()
    for _ in range(4):
        house.teach(7)
        resident.refresh()
    advice = RetrainAdvice.objects.get()
    assert advice.params["labels"] == 28


def test_an_earlier_head_is_judged_on_controls_that_were_answered_later(space: ModelVersion) -> None:
    house = House(space, tickets=150, audit=80)
    resident = Resident()
    for _ in range(5):
        house.teach(25)
        resident.turn()
    house.control(60)
    resident.refresh()
    points = RetrainAdvice.objects.get().params["points"]
    assert [point["labels"] for point in points] == [25, 50, 75, 100, 125]
    vectors = {int(t): row for row, t in enumerate(resident._rows.ids)}  # type: ignore[union-attr]
    assert resident._learner is not None
    scores = resident._learner.scores()
    said = [scores.classes[scores.top1[vectors[t.pk]]] for t in house.audit[:60]]
    right = np.mean(
        [code == house.services[house.cloud[t.pk]].code for code, t in zip(said, house.audit, strict=False)]
    )
    assert points[-1]["accuracy"] == pytest.approx(right, abs=0.001)


def trained_on(version: ModelVersion, tickets: list[Ticket]) -> ModelVersion:
    """A classifier in the same space, trained on these tickets an hour ago."""
    snapshot = DatasetSnapshot.objects.create(
        fingerprint="f" * 64, uri="file:///none", rows=len(tickets), last_annotation_id=1
    )
    for ticket in tickets:
        ticket.refresh_from_db()
        snapshot.members.create(ticket=ticket, row_hash="0", code=ticket.label.code)
    ended = timezone.now() - timedelta(hours=1)
    run = TrainingRun.objects.create(state="succeeded", snapshot=snapshot, ended_at=ended)
    return ModelVersion.objects.create(
        number=1, kind="classifier", artifact_uri="file:///none", manifest_hash="1", encoder=version.encoder,
        dim=version.dim, labels=["card", "parcel", "refund"], run=run,
    )  # fmt: skip


def test_a_house_that_has_learned_all_there_is_says_so_and_its_due_training_is_held_back(
    space: ModelVersion,
) -> None:
    house = House(space, tickets=420, audit=230)
    resident = Resident()
    for _ in range(7):
        house.teach(25)
        resident.turn()
    house.control(220)
    model = trained_on(space, house.tickets[:160])
    training.policy_update(min_new_labels=10, cooldown_minutes=0)
    resident.refresh()
    advice = selectors.last_advice()
    assert advice is not None and advice.vetoes_training
    assert advice.params["is_stable"] and advice.code == "stop"
    assert advice.params["gain"]["value"] < advice.params["noise"]
    told = advice.params["training"]
    assert (told["version"], told["new"]) == (model.number, 15) and told["gain"] < told["noise"]
    decision = training.policy_apply()
    assert (decision.starts, decision.code) == (False, "advised_against")
    assert decision.params["gain"] == told["gain"]
    training.policy_update(advisor_may_veto=False)
    assert training.policy_apply().code == "enough_labels"


def test_everybody_reads_the_advice_and_only_leads_the_policy(house: House, client: APIClient) -> None:
    house.teach(30)
    Resident().refresh()
    api = APIClient()
    annotator, lead = factories.person("ada", "annotator"), factories.person("lea", "lead")
    api.force_authenticate(annotator)
    shown: Any = api.get("/api/loop/").json()["advice"]
    assert shown["code"] == "label_on" and shown["figures"]["controls_missing"] == advisor.CURVE_CONTROLS
    assert api.get("/api/home/").json()["loop"]["advice"] == shown
    for refused in (api.get("/api/policy/"), api.patch("/api/policy/", {"audit_target": 5}, format="json")):
        assert refused.status_code == 403
    api.force_authenticate(lead)
    saved = api.patch("/api/policy/", {"audit_target": 5, "advisor_may_veto": False}, format="json").json()
    assert (saved["audit_target"], saved["advisor_may_veto"]) == (5, False)
    assert saved["audit"] == {"labelled": 0, "reserve": 0, "accuracy": None}
    assert saved["advice"]["code"] == "label_on"


def test_the_audit_target_begins_with_the_settings_figure_and_refuses_nonsense(settings: Any) -> None:
    settings.AUDIT_TARGET = 640
    assert selectors.policy_current().audit_target == 640
    api = APIClient()
    api.force_authenticate(factories.person("lea", "lead"))
    answer = api.patch("/api/policy/", {"audit_target": 2_000_000}, format="json")
    assert answer.status_code == 400
    assert training.policy_update(audit_target=0).audit_target == 0
