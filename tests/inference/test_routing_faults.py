"""Whatever breaks between the desk and the model, the desk gets an answer in time, and never a guess."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from inference.models import Escalation, RoutingDecision
from inference.routing import asking, breaker, shared, writing
from tests.compute.conftest import until
from tests.inference.desk import Desk

pytestmark = pytest.mark.django_db(transaction=True)


def all_at_once(work: Any, values: list[Any]) -> list[Any]:
    def run(value: Any) -> Any:
        try:
            return work(value)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(values)) as pool:
        return list(pool.map(run, values))


def send(client: Client, external_id: str, text: str) -> Any:
    body = {"external_id": external_id, "text": text}
    answer = client.post("/api/route/", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_ten_connections_that_bring_the_same_ticket_get_one_decision(desk: Desk) -> None:
    clients = [desk.connect() for _ in range(10)]
    answers = all_at_once(lambda client: send(client, "A-1", "perhaps delivery"), clients)
    assert RoutingDecision.objects.count() == Escalation.objects.count() == 1
    assert len({(one["decided_at"], one["state"], one["escalate"]) for one in answers}) == 1


def test_calls_that_share_tickets_in_another_order_do_not_block_each_other(desk: Desk) -> None:
    names = [f"A-{n}" for n in range(20)]

    def send_all(turned: bool) -> Any:
        order = names[::-1] if turned else names
        tickets = [{"external_id": name, "text": f"perhaps delivery {name}"} for name in order]
        answer = desk.connect().post("/api/route/", {"tickets": tickets}, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return {
            one["decision"]["external_id"]: one["decision"]["decided_at"] for one in answer.json()["results"]
        }

    first, *others = all_at_once(send_all, [False, True, False, True])
    assert all(other == first for other in others) and RoutingDecision.objects.count() == 20


def test_a_slow_model_is_given_up_within_the_deadline(desk: Desk, settings: Any) -> None:
    settings.ROUTE_DEADLINE_MS = 400
    began = time.monotonic()
    said = desk.route("A-1", "slow 3 delivery")
    assert time.monotonic() - began < 2.0  # the deadline, and what a busy machine adds
    assert (said["escalate"], desk.decision("A-1").detail) == ("model_unavailable", "too_late")


def routes_again(desk: Desk) -> None:
    """Wait until a killed program's successor answers: the supervisor says "in service" until it has seen the death."""
    desk.when_up()
    until(
        lambda: desk.route(f"B-{time.monotonic()}", "delivery")["service"] == "delivery",
        "routing again",
        pause=0.2,
    )


def test_a_dead_endpoint_means_people_at_once_and_routing_again_when_it_is_back(desk: Desk) -> None:
    said = desk.route("A-1", "die delivery")
    assert said["escalate"] == "model_unavailable"
    routes_again(desk)


def test_ten_tickets_in_the_air_while_the_endpoint_is_killed_are_all_answered(desk: Desk) -> None:
    pid = desk.server_pid()
    threading.Timer(0.15, os.kill, (pid, signal.SIGKILL)).start()
    clients = [(desk.connect(), n) for n in range(10)]
    answers = all_at_once(lambda one: send(one[0], f"A-{one[1]}", "slow 0.5 delivery"), clients)
    assert {one["escalate"] for one in answers} <= {None, "model_unavailable"} and len(answers) == 10
    assert any(one["escalate"] for one in answers)
    routes_again(desk)


def test_an_endpoint_that_keeps_failing_is_left_alone_by_all_and_tried_again_by_one(desk: Desk) -> None:
    for _ in range(breaker.OPEN_AFTER):
        breaker.failed(breaker.enter("production"))
    assert desk.route("A-1", "delivery")["escalate"] == "model_unavailable"
    assert desk.decision("A-1").detail == "breaker_open" and desk.calls() == []
    shared.client().delete("route:production:shut")  # its time is over
    first = breaker.enter("production")
    with pytest.raises(breaker.Shut):
        breaker.enter("production")
    breaker.succeeded(first)
    assert desk.route("A-2", "delivery")["service"] == "delivery"


def test_a_trial_that_fails_shuts_it_again(desk: Desk) -> None:
    for _ in range(breaker.OPEN_AFTER):
        breaker.failed(breaker.enter("production"))
    shared.client().delete("route:production:shut")
    breaker.failed(breaker.enter("production"))
    with pytest.raises(breaker.Shut):
        breaker.enter("production")


def test_a_trial_that_was_not_made_is_left_to_the_next(desk: Desk) -> None:
    for _ in range(breaker.OPEN_AFTER):
        breaker.failed(breaker.enter("production"))
    shared.client().delete("route:production:shut")
    with pytest.raises(asking.Unavailable, match="too_late"):
        asking.ask(
            desk.house.backend, "production", [{"id": "1", "text": "delivery"}], time.monotonic() + 0.01
        )
    assert desk.route("A-1", "delivery")["service"] == "delivery"


def test_what_waited_before_the_door_counts_of_the_deadline(desk: Desk) -> None:
    body = {"external_id": "A-1", "text": "delivery"}
    said = desk.client.post(
        "/api/route/", body, content_type="application/json", **{"aiguilleur.waited": 5.0}
    ).json()
    assert (said["escalate"], desk.decision("A-1").detail) == ("model_unavailable", "too_late")
    assert desk.decision("A-1").latency_ms >= 5_000 and desk.calls() == []


def test_without_redis_every_ticket_goes_to_people_and_no_call_fails(
    desk: Desk, settings: Any, tmp_path: Path
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nowhere.sock"
    said = desk.route("A-1", "delivery")
    assert (said["escalate"], desk.decision("A-1").detail) == ("model_unavailable", "no_shared_state")


def test_more_calls_than_there_are_places_make_no_queue(desk: Desk, settings: Any) -> None:
    """Of several tickets each: these are not decided together with others."""
    settings.ROUTE_CONCURRENCY, settings.ROUTE_DEADLINE_MS = 2, 5_000

    def send_two(one: tuple[Client, int]) -> None:
        client, n = one
        tickets = [{"external_id": f"A-{n}-{at}", "text": "slow 0.3 delivery"} for at in (1, 2)]
        answer = client.post("/api/route/", {"tickets": tickets}, content_type="application/json")
        assert answer.status_code == 200, answer.content

    all_at_once(send_two, [(desk.connect(), n) for n in range(8)])
    details = [desk.decision(f"A-{n}-{at}").detail for n in range(8) for at in (1, 2)]
    assert "busy" in details and details.count("") >= 4
    assert desk.route("B-1", "delivery")["service"] == "delivery", "the places are free again"
    assert breaker.enter("production").is_marked is False, "full is not broken"


def test_tickets_that_come_at_once_are_asked_about_together(desk: Desk, settings: Any) -> None:
    settings.ROUTE_DEADLINE_MS = 5_000
    clients = [(desk.connect(), n) for n in range(12)]
    answers = all_at_once(lambda one: send(one[0], f"A-{one[1]}", "slow 0.3 delivery"), clients)
    assert [one["service"] for one in answers] == ["delivery"] * 12
    assert len(desk.calls()) < 8, "two rounds at a time, each of all that waited"


def test_fewer_are_asked_while_answers_come_late_and_all_again_when_they_do_not() -> None:
    places = asking.Places(4)

    def at_once(count: int, seconds: float) -> list[str]:
        def one(_: int) -> str:
            try:
                return str(places.call(0.2, lambda: time.sleep(seconds) or "in time"))
            except asking.Late as late:
                return "late, and news" if late.args[0] else "late"
            except asking.Unavailable as unavailable:
                return unavailable.detail

        return sorted(all_at_once(one, list(range(count))))

    assert at_once(5, 0.0) == ["in time"] * 5
    assert at_once(4, 0.4) == ["late", "late", "late", "late, and news"], "one and the same lateness"
    time.sleep(0.4)  # they keep their places until they are back
    assert at_once(4, 0.1) == ["busy", "busy", "in time", "in time"]
    for _ in range(8):
        at_once(1, 0.0)
    assert at_once(4, 0.1) == ["in time"] * 4


def test_a_process_killed_after_it_decided_leaves_nothing_half_done(desk: Desk, monkeypatch: Any) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit  # as late as it can be: the model has answered, ticket and decision are written

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(writing.annotation, "live_push", killed)
        desk.route("A-1", "perhaps delivery")
    assert not RoutingDecision.objects.exists() and not Escalation.objects.exists()
    assert desk.client.get("/api/route/A-1/").status_code == 404
    said = desk.route("A-1", "perhaps delivery")
    assert (said["state"], said["repeated"]) == ("waiting", False)


def test_an_adapter_that_breaks_its_contract_means_people(desk: Desk, monkeypatch: Any) -> None:
    def bug(*_: Any) -> None:
        raise KeyError("a bug of ours")

    monkeypatch.setattr(type(desk.house.backend), "invoke", bug)
    assert desk.route("A-1", "delivery")["escalate"] == "model_unavailable"
    assert desk.decision("A-1").detail == "call_failed"


def test_nothing_is_asked_when_the_deadline_has_passed_already(desk: Desk) -> None:
    with pytest.raises(asking.Unavailable, match="too_late"):
        asking.ask(desk.house.backend, "production", [{"id": "1", "text": "delivery"}], time.monotonic() - 1)
    assert desk.calls() == []
