"""The observer: a share of what was routed is shown to the candidate, and nothing it does reaches a caller."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.errors import Refused
from annotation.models import Ticket
from inference import actions
from inference.actions.mirroring import ASK_LOCK
from inference.comparison.drawing import MIRROR, ORDER, drawn, in_sql
from inference.models import Deployment, MirroredTicket, Observation, RoutingDecision, RoutingSettings
from ml.certificate import Promise
from tests import factories
from tests.compute.conftest import until
from tests.inference.desk import CERTIFICATE, Desk
from training import actions as training
from training.models import GateVerdict

pytestmark = pytest.mark.django_db


class Observer:
    """A candidate beside the model in production. It routes what production is unsure of."""

    def __init__(self, desk: Desk, share: float = 1.0, slice: float = 0.5) -> None:
        self.desk, self.backend = desk, desk.house.backend
        self.backend.delete_endpoint("observer")  # a test before this one may have left it
        until(lambda: self.backend.observe_endpoint("observer").state == "absent", "a fresh start")
        RoutingSettings.objects.update_or_create(pk=1, defaults={"baseline": "model"})
        self.candidate = desk.make_version(2, "second")
        training.certificate_record(
            model_version=self.candidate, certificate=replace(CERTIFICATE, threshold=0.4), promise=Promise(),
            tickets=[], fingerprint="data",
        )  # fmt: skip
        self.lead = factories.person("chloe", "lead")
        self.observation = actions.observation_start(
            candidate=self.candidate, started_by=self.lead, share=share, slice=slice
        )

    def start(self) -> None:
        """Wait until the observer's endpoint answers."""
        actions.observer_ensure(backend=self.backend)
        until(lambda: self.backend.observe_endpoint("observer").state == "in_service", "the observer")

    def drive(self) -> None:
        actions.observer_drive(backend=self.backend)

    def rows(self) -> dict[str, MirroredTicket]:
        return {row.ticket.external_id: row for row in MirroredTicket.objects.select_related("ticket")}


# Which tickets


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_a_draw_is_the_same_in_sql_and_in_python(salt: str, name: str) -> None:
    salt, name = salt.replace("\x00", ""), name.replace("\x00", "")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {in_sql(MIRROR, '%(name)s')}", {"salt": salt, "name": name})
        assert float(cursor.fetchone()[0]) == drawn(salt, MIRROR, name)


def test_draws_are_uniform_and_independent_of_each_other() -> None:
    mirrored = [drawn("salt", MIRROR, f"T-{number}") < 0.1 for number in range(10_000)]
    first = [drawn("salt", ORDER, f"T-{number}") < 0.5 for number in range(10_000)]
    assert 850 < sum(mirrored) < 1150
    assert 420 < sum(a and b for a, b in zip(mirrored, first, strict=True)) < 580


def test_about_the_share_is_mirrored_each_once_and_never_an_audit_ticket(quiet_desk: Desk) -> None:
    observer = Observer(quiet_desk, share=0.3)
    for number in range(40):
        quiet_desk.route(f"T-{number}", f"perhaps delivery number {factories.spelled(number)}")
    RoutingDecision.objects.update(reason="uncertain")
    audit = set(Ticket.objects.filter(is_audit=True).values_list("external_id", flat=True))
    assert actions.tickets_mirror(observation=observer.observation) == MirroredTicket.objects.count()
    assert actions.tickets_mirror(observation=observer.observation) == 0
    expected = {
        f"T-{number}"
        for number in range(40)
        if drawn(observer.observation.salt, MIRROR, f"T-{number}") < 0.3 and f"T-{number}" not in audit
    }
    assert audit and set(observer.rows()) == expected


def test_what_finds_the_queue_full_is_passed_over_and_the_queue_never_grows(
    quiet_desk: Desk, settings: Any
) -> None:
    settings.OBSERVER_QUEUE = 3
    observer = Observer(quiet_desk)
    for number in range(8):
        quiet_desk.route(f"T-{number}", f"perhaps delivery number {factories.spelled(number)}")
    RoutingDecision.objects.update(reason="uncertain")
    Ticket.objects.update(is_audit=False)
    for _ in range(3):
        actions.tickets_mirror(observation=observer.observation)
    assert MirroredTicket.objects.count() == 3


def test_a_decision_of_another_baseline_or_that_the_baseline_could_not_take_is_not_compared(
    quiet_desk: Desk,
) -> None:
    observer = Observer(quiet_desk)
    quiet_desk.route("T-1", "delivery")  # nothing is in production: model_unavailable
    quiet_desk.route("T-2", "delivery two")
    RoutingDecision.objects.filter(ticket__external_id="T-2").update(reason="uncertain", baseline="rules")
    Ticket.objects.update(is_audit=False)
    assert actions.tickets_mirror(observation=observer.observation) == 0


def test_only_one_candidate_is_observed_at_a_time_and_never_what_routes_already(desk: Desk) -> None:
    observer = Observer(desk)
    third = desk.make_version(3, "third")
    with pytest.raises(Refused, match="Another candidate"):
        actions.observation_start(candidate=third, started_by=observer.lead)
    actions.observation_stop(observation_id=observer.observation.pk, by=observer.lead, why="enough")
    GateVerdict.objects.filter(model_version=third).update(passed=False)
    with pytest.raises(Refused, match="gate has not passed"):
        actions.observation_start(candidate=third, started_by=observer.lead)
    with pytest.raises(Refused, match="routes already"):
        actions.observation_start(candidate=desk.version, started_by=observer.lead)


# Both answers


def test_both_answers_are_kept_and_a_disagreement_is_due(desk: Desk) -> None:
    observer = Observer(desk)
    desk.route("same", "delivery of a parcel")
    desk.route("other", "perhaps returns of a parcel")
    Ticket.objects.update(is_audit=False)
    observer.start()
    observer.drive()
    rows = observer.rows()
    same, other = rows["same"], rows["other"]
    delivery, returns = desk.services["delivery"], desk.services["returns"]
    assert (same.baseline_service, same.candidate_service, same.probability) == (delivery, delivery, 0.5)
    assert same.is_due == (drawn(observer.observation.salt, "slice", "same") < 0.5)
    assert (other.baseline_service, other.candidate_service, other.probability, other.is_due) == (
        None, returns, 1.0, True,
    )  # fmt: skip
    assert other.candidate_confidence == pytest.approx(0.5) and other.latency_ms is not None
    assert Observation.objects.get().verdict["state"] == "undecided"


def test_an_observer_that_is_away_costs_nothing_and_its_queue_waits(desk: Desk) -> None:
    observer = Observer(desk)
    desk.route("T-1", "delivery of a parcel")
    Ticket.objects.update(is_audit=False)
    actions.tickets_mirror(observation=observer.observation)
    assert actions.candidate_ask(observation=observer.observation, backend=observer.backend) == 0
    (row,) = MirroredTicket.objects.all()
    assert (row.state, row.attempts) == ("waiting", 0)
    observer.start()
    observer.drive()
    row.refresh_from_db()
    assert row.state == "compared"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["slow 3 delivery", "die delivery"])
def test_a_candidate_that_hangs_or_dies_reaches_no_caller_and_is_given_up_after_three_attempts(
    desk: Desk, settings: Any, text: str
) -> None:
    settings.OBSERVER_SECONDS = 0.5
    observer = Observer(desk)
    desk.route("T-1", "delivery of a parcel")
    Ticket.objects.update(is_audit=False, text=text)  # the candidate alone will read this
    observer.start()
    actions.tickets_mirror(observation=observer.observation)
    answers: list[tuple[str, float]] = []
    is_over = threading.Event()

    def route() -> None:
        while not is_over.is_set():
            began, name = time.monotonic(), f"L-{len(answers)}"
            said = desk.route(name, f"billing question {factories.spelled(len(answers))}")
            answers.append((said["state"], time.monotonic() - began))
        connection.close()

    caller = threading.Thread(target=route)
    caller.start()
    for _ in range(3):
        until(lambda: observer.backend.observe_endpoint("observer").state == "in_service", "the observer")
        actions.candidate_ask(observation=observer.observation, backend=observer.backend)
    until(lambda: len(answers) > 5, "five answers")
    is_over.set()
    caller.join()
    row = observer.rows()["T-1"]
    assert (row.state, row.attempts, row.candidate_service) == ("failed", 3, None)
    assert {state for state, _ in answers} == {"routed"}
    assert max(seconds for _, seconds in answers) < 1.0
    assert desk.decision("T-1").service == desk.services["delivery"]


def test_two_workers_never_ask_at_the_same_time(desk: Desk) -> None:
    observer = Observer(desk)
    desk.route("T-1", "delivery of a parcel")
    Ticket.objects.update(is_audit=False)
    actions.tickets_mirror(observation=observer.observation)
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [ASK_LOCK, observer.observation.pk])
            locked.set()
            done.wait(30)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert locked.wait(30)
    observer.start()
    assert actions.candidate_ask(observation=observer.observation, backend=observer.backend) == 0
    done.set()
    other.join()


def test_the_observers_endpoint_goes_when_the_observation_ends(desk: Desk) -> None:
    observer = Observer(desk)
    observer.start()
    assert Deployment.objects.get(role="observer").model_version == observer.candidate
    actions.observation_stop(observation_id=observer.observation.pk, by=observer.lead, why="enough seen")
    observer.drive()
    until(lambda: observer.backend.observe_endpoint("observer").state == "absent", "the end of the observer")
    assert Deployment.objects.get(role="observer").ended_at is not None
    assert observer.backend.observe_endpoint("production").state == "in_service"
