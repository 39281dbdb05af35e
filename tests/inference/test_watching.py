"""Production held to its promise: what sends a version back, what does not, and that it happens once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.errors import Refused
from inference import actions
from inference.models import (
    Deployment,
    HistoryEntry,
    Promotion,
    RoutingHold,
    Watch,
    WatchSettings,
)
from inference.routing.standing import standing
from ml.policy import EVERY_SERVICE
from tests.compute.conftest import until
from tests.inference.observed import Reviewer
from tests.inference.watched import Watched

pytestmark = pytest.mark.django_db


def rollbacks() -> int:
    return HistoryEntry.objects.filter(kind="rolled_back").count()


# What is seen


def test_a_version_whose_tickets_end_elsewhere_goes_back_once_with_the_reason(told: Any, db: None) -> None:
    house = Watched()
    house.told(15, right=True)
    house.told(10, right=False)
    for _ in range(3):
        watch = house.look()
    assert (house.routes(), rollbacks()) == (1, 1)
    done = Watch.objects.get(state="rolled_back")
    assert done.back_to == house.first and (done.known, done.right) == (25, 15)
    line = HistoryEntry.objects.get(kind="rolled_back")
    assert (line.by, line.version, line.params["back_to"]) == (None, house.second, 1)
    found = {"code": "precision_below", "params": {"right": 15, "known": 25, "promised": 0.95}}
    assert line.params["found"] == found
    assert told() == [("rolled_back", {"version": 2, "back_to": 1, "found": [found]})]
    assert line.why == "Only 15 of 25 routed tickets were right; 95% were promised."
    assert (watch.deployment.model_version, watch.state, watch.known) == (house.first, "watching", 0)


def test_a_version_that_keeps_its_promise_stays_however_often_one_looks(db: None) -> None:
    house = Watched()
    rng = np.random.default_rng(3)
    for _ in range(30):
        wrong = int(rng.binomial(10, 0.04))
        house.told(10 - wrong, right=True)
        house.told(wrong, right=False)
        watch = house.look()
    assert (house.routes(), watch.state, watch.known, rollbacks()) == (2, "watching", 300, 0)


def test_nothing_is_done_before_enough_is_known(db: None) -> None:
    house = Watched()
    house.told(19, right=False)
    assert house.look().state == "watching"
    house.told(1, right=False)
    assert house.look().state == "rolled_back"


def test_a_circular_that_was_sent_wrong_many_times_is_one_mistake(db: None) -> None:
    house = Watched()
    house.told(40, right=False, ticket={"group": "the same"})
    house.told(30, right=True)
    watch = house.look()
    assert (watch.state, watch.known, watch.right) == ("watching", 31, 30)


def test_people_on_a_control_ticket_stand_above_the_desk_and_so_do_they_where_it_moved_one(db: None) -> None:
    house = Watched()
    delivery, returns = house.services["delivery"], house.services["returns"]
    labelled = {"status": "labelled", "label_source": "person", "labelled_at": timezone.now()}
    house.decide(3, ticket={"is_audit": True, "label": returns} | labelled)
    house.decide(4, ticket={"is_audit": True, "status": "set_aside"})  # of no service
    house.told(5, right=False, ticket={"label": delivery} | labelled)  # Check took it back
    house.decide(6, ticket={"label": returns} | labelled)  # nobody drew these at random
    house.decide(7, ticket={"is_audit": True})  # open yet
    watch = house.look()
    assert (watch.known, watch.right) == (12, 5)


def test_where_the_desk_tells_only_of_moved_tickets_silence_counts_as_right_once_it_is_old_enough(
    db: None,
) -> None:
    WatchSettings.objects.create(pk=1, silence_hours=24)
    house = Watched()
    house.told(10, right=False)
    house.decide(490)
    assert house.look().known == 0  # a complaint is not counted before its neighbours' silence
    watch = house.look(now=timezone.now() + timedelta(hours=25))
    assert (watch.state, watch.known, watch.right) == ("watching", 500, 490)


def test_what_another_deployment_routed_does_not_count(db: None) -> None:
    house = Watched()
    house.told(30, right=False)
    Deployment.objects.filter(pk=house.live.pk).update(ended_at=timezone.now(), state="replaced")
    house.deploy(house.second)
    assert (house.look().known, house.routes()) == (0, 2)


# What is done


def test_without_a_version_to_go_back_to_everything_goes_to_people_with_the_reason(
    told: Any, db: None
) -> None:
    house = Watched(alone=True)
    house.told(30, right=False)
    for _ in range(2):
        watch = house.look()
    assert (watch.state, house.routes()) == ("held", 2)
    hold = RoutingHold.objects.get(ended_at=None)
    assert watch.hold == hold and hold.service is None
    assert (
        hold.reason
        == "Only 0 of 30 routed tickets were right; 95% were promised. No version routed before this one."
    )
    assert standing().held == {EVERY_SERVICE}
    assert HistoryEntry.objects.filter(kind="held").count() == 1 and rollbacks() == 0
    assert [kind for kind, _ in told()] == ["held"]
    actions.hold_end(hold_id=hold.pk)
    again = house.look()
    assert (again.state, again.known) == ("watching", 0)  # what was known before counts no more


def test_a_hold_that_is_there_already_is_the_one(db: None) -> None:
    held = actions.hold_start(service_id=None, reason="a change of the range")
    house = Watched(alone=True)
    house.told(30, right=False)
    assert house.look().hold == held


def test_if_it_may_not_act_by_itself_leads_are_told_and_nothing_changes(told: Any, db: None) -> None:
    WatchSettings.objects.create(pk=1, is_automatic=False)
    house, chloe = Watched(), Reviewer("chloe", "lead")
    house.told(30, right=False)
    for _ in range(2):
        watch = house.look()
    assert (watch.state, house.routes(), rollbacks()) == ("alarmed", 2, 0)
    assert HistoryEntry.objects.filter(kind="watch_alarm").count() == 1
    assert [kind for kind, _ in told()] == ["refuted"]
    said = chloe.get("production/")
    assert said["alarm"]["found"]["code"] == "precision_below" and said["alarm"]["version"] == 2
    assert {"code": "watch_alarmed", "params": {"version": 2}, "link": "/observation"} in chloe.get("home/")[
        "needs"
    ]
    assert chloe.post(f"watches/{watch.pk}/read/").json()["alarm"] is None
    watch.refresh_from_db()
    assert watch.seen_by == chloe.user
    assert house.look().state == "watching"
    assert Reviewer("rose").post(f"watches/{watch.pk}/read/").status_code == 403
    assert chloe.post("watches/987654/read/").status_code == 404


def test_a_new_version_that_does_not_answer_goes_back_and_an_old_one_only_escalates(db: None) -> None:
    house = Watched()
    house.decide(40)
    house.silent(15)
    assert house.look().found == {"code": "unavailable", "params": {"failed": 15, "total": 55, "most": 0.2}}
    assert house.routes() == 1
    house.silent(60)
    assert house.look().state == "watching" and house.routes() == 1


def test_errors_that_are_not_the_versions_fault_send_nobody_back(db: None) -> None:
    house = Watched()
    house.decide(60, service=None, reason="model_unavailable", reasons=["model_unavailable"], detail="busy")
    assert house.look().state == "watching"


def test_a_slow_version_goes_back_where_that_is_watched(db: None) -> None:
    house = Watched()
    house.decide(40, latency_ms=900)
    assert house.look().state == "watching"
    WatchSettings.objects.create(pk=1, most_latency_ms=500)
    assert house.look().found["params"] == {"p95_ms": 900, "total": 40, "most_ms": 500}


def test_a_watch_that_found_nothing_ends_and_the_next_forgets_its_good_days(db: None) -> None:
    house = Watched()
    house.told(100, right=True)
    assert house.look(now=timezone.now() + timedelta(days=14)).state == "kept"
    later = house.look(now=timezone.now() + timedelta(days=14, seconds=1))
    assert (later.state, later.known, later.is_new) == ("watching", 0, False)


def test_a_rollback_waits_for_a_promotion_that_is_being_deployed(db: None) -> None:
    house, chloe = Watched(), Reviewer("chloe", "lead")
    third = house.certified(3)
    observation = actions.observation_start(candidate=third, started_by=chloe.user)
    promotion = Promotion.objects.create(
        observation=observation, version=third, former=house.second, state="deploying", why="x"
    )
    house.told(30, right=False)
    assert actions.production_watch() is None and house.routes() == 2
    Promotion.objects.filter(pk=promotion.pk).update(state="withdrawn", ended_at=timezone.now())
    assert house.look().state == "rolled_back"


# Once


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_that_look_at_the_same_moment_one_goes_back(db: None) -> None:
    house = Watched()
    house.told(30, right=False)
    start = threading.Barrier(4)

    def look() -> None:
        start.wait(30)
        actions.production_watch()
        connection.close()

    workers = [threading.Thread(target=look) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    actions.production_watch()
    assert (house.routes(), rollbacks(), Watch.objects.filter(state="rolled_back").count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_nothing_half_done_and_the_next_look_goes_back(
    db: None,
) -> None:
    house = Watched()
    house.told(30, right=False)
    locked, done = threading.Event(), threading.Event()
    ended: list[str] = []

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM inference_deployment WHERE id = %s FOR UPDATE", [house.live.pk])
            locked.set()
            done.wait(30)
            cursor.execute("ROLLBACK")
        connection.close()

    def look() -> None:
        try:
            actions.production_watch()
        except OperationalError as error:
            ended.append(str(error))
        connection.close()

    holder, worker = threading.Thread(target=hold), threading.Thread(target=look)
    holder.start()
    assert locked.wait(30)
    worker.start()
    until(lambda: kill_who_waits() > 0, "the worker in the middle of its rollback")
    worker.join(30)
    done.set()
    holder.join(30)
    assert ended and (house.routes(), rollbacks(), Watch.objects.count()) == (2, 0, 0)
    assert house.look().state == "rolled_back" and (house.routes(), rollbacks()) == (1, 1)


def kill_who_waits() -> int:
    """End the database sessions that wait for a row; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return len(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_a_lead_who_went_back_a_moment_before_is_not_followed_by_a_second_rollback(db: None) -> None:
    house, chloe = Watched(), Reviewer("chloe", "lead")
    house.told(30, right=False)
    watched: Any = house.live
    actions.production_rollback(by=chloe.user, why="misroutes since noon")
    with pytest.raises(Refused, match="Another version"):
        actions.production_rollback(by=None, why="late", only=watched)
    house.look()
    assert (house.routes(), rollbacks()) == (1, 1)
