"""Routing live tickets over HTTP: what the desk gets for an answer, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import QueueItem, Ticket
from inference import actions
from inference.actions import routed
from inference.models import Embedding, Escalation, KeywordRule, Prediction, RoutingDecision, RoutingSettings
from tests import factories
from tests.inference.desk import CERTIFICATE, Desk

pytestmark = pytest.mark.django_db


def test_a_sure_ticket_is_routed_and_everything_about_it_is_kept(desk: Desk) -> None:
    said = desk.route("A-1", "Where is my delivery now?", channel="chat", language="EN")
    assert (said["state"], said["service"], said["escalate"], said["band"]) == (
        "routed",
        "delivery",
        None,
        "sure",
    )
    assert said["confidence"] == pytest.approx(0.98, abs=1e-4) and not said["repeated"]
    kept = desk.decision("A-1")
    assert (kept.service, kept.model_version, kept.asked_by) == (
        desk.services["delivery"], desk.version, desk.machine,
    )  # fmt: skip
    assert (kept.threshold, kept.certificate.threshold, kept.outlier) == (0.9, 0.9, pytest.approx(0.1))
    assert kept.score is not None and kept.latency_ms < 2000 and kept.deployment.role == "production"
    assert (kept.ticket.channel, kept.ticket.language) == ("chat", "en")
    assert not Escalation.objects.exists() and not QueueItem.objects.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("perhaps delivery or something", "uncertain"),
        ("alien delivery from far away", "out_of_scope"),
        ("broken delivery", "model_unavailable"),
        ("another delivery", "model_unavailable"),
    ],
)
def test_what_the_promise_does_not_cover_goes_to_a_person_with_the_reason_and_no_guess(
    desk: Desk, text: str, reason: str
) -> None:
    said = desk.route("A-1", text)
    assert (said["state"], said["escalate"], said["reasons"][0]) == ("waiting", reason, reason)
    assert (said["service"], said["confidence"], said["band"]) == (None, None, None)
    assert "suggested" not in said and "candidates" not in said
    item = QueueItem.objects.get()
    assert (item.ticket.external_id, item.lane, item.asked_because) == ("A-1", "live", reason)


def test_a_service_outside_the_certificate_is_not_certified(desk: Desk) -> None:
    desk.certify(replace(CERTIFICATE, escalated=("delivery",)), "newer data")
    assert desk.route("A-1", "delivery")["escalate"] == "not_certified"
    assert desk.route("A-2", "billing")["service"] == "billing"


def test_without_a_certificate_in_force_nothing_is_routed(desk: Desk) -> None:
    desk.certify(replace(CERTIFICATE, state="too_few_labels", threshold=None), "newer data")
    assert desk.route("A-1", "delivery")["escalate"] == "not_certified"


def test_a_held_service_is_escalated_until_the_hold_ends(desk: Desk) -> None:
    hold = actions.hold_start(service_id=desk.services["delivery"].pk, reason="a new carrier since Monday")
    assert desk.route("A-1", "delivery")["escalate"] == "held"
    assert desk.route("A-2", "billing")["service"] == "billing"
    actions.hold_end(hold_id=hold.pk)
    assert desk.route("A-3", "delivery")["service"] == "delivery"


def test_while_everything_is_held_everything_is_escalated(desk: Desk) -> None:
    actions.hold_start(service_id=None, reason="drift")
    assert {desk.route(f"A-{word}", word)["escalate"] for word in desk.services} == {"held"}


def test_a_service_switched_off_since_the_training_gets_no_ticket(desk: Desk) -> None:
    desk.services["delivery"].is_active = False
    desk.services["delivery"].save()
    assert desk.route("A-1", "delivery")["escalate"] == "not_certified"


def test_with_nothing_in_production_every_ticket_goes_to_people(quiet_desk: Desk) -> None:
    said = quiet_desk.route("A-1", "delivery")
    assert (said["escalate"], said["model_version"]) == ("model_unavailable", None)
    assert quiet_desk.decision("A-1").detail == "no_production"


def test_the_same_external_id_gets_the_same_decision_whatever_the_text_is_now(desk: Desk) -> None:
    first = desk.route("A-1", "delivery")
    again = desk.route("A-1", "billing, and quite another text")
    assert again == first | {"repeated": True}
    assert Ticket.objects.get().text == "delivery" and RoutingDecision.objects.count() == 1
    assert desk.calls() == [1]


def test_several_tickets_are_one_call_to_the_model_and_bad_ones_harm_no_other(desk: Desk) -> None:
    results = desk.routed(
        {"external_id": "A-1", "text": "delivery"},
        {"external_id": "A-2", "text": "   "},
        {"text": "returns"},
        {"external_id": "A-3", "text": "perhaps billing"},
        {"external_id": "A-1", "text": "delivery"},
    )
    assert [one["error"]["code"] if one["error"] else one["decision"]["state"] for one in results] == [
        "routed", "empty_text", "external_id_needed", "waiting", "routed",
    ]  # fmt: skip
    assert [one["decision"]["repeated"] for one in results if one["decision"]] == [False, False, True]
    assert desk.calls() == [2]


def test_a_bad_ticket_by_itself_is_refused_in_the_envelope(desk: Desk) -> None:
    for body, code in [
        ({"external_id": "A-1", "text": ""}, "empty_text"),
        ({"text": "delivery"}, "external_id_needed"),
        ({"external_id": "A" * 201, "text": "delivery"}, "value_too_long"),
        ({"tickets": []}, "bad_count"),
        ({"tickets": [{}] * 101}, "bad_count"),
        ([1, 2], "not_an_object"),
    ]:
        answer = desk.client.post("/api/route/", body, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not Ticket.objects.exists()


def test_personal_data_is_masked_before_the_model_sees_the_text(desk: Desk) -> None:
    desk.route("A-1", "delivery to ann.smith@example.org please")
    assert "example.org" not in Ticket.objects.get().text


def test_a_routed_ticket_joins_the_pool_without_being_read_twice(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    desk.route("A-2", "perhaps returns")
    assert actions.decisions_load() == 2
    assert Embedding.objects.filter(vector__isnull=False).count() == 2
    predicted = Prediction.objects.get(ticket__external_id="A-1")
    assert (predicted.service, predicted.outlier) == (desk.services["delivery"], pytest.approx(0.1))
    assert actions.decisions_load() == 0 and desk.decision("A-1").vector is None


def test_what_decisions_brought_is_loaded_bit_by_bit_with_rests_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(routed, "AT_ONCE", 2)
    monkeypatch.setattr(routed.time, "sleep", rests.append)
    for number in range(5):
        desk.route(f"A-{number}", f"delivery {number}")
    assert actions.decisions_load(seconds=0.0) == 2 and not rests, "beat asks again"
    assert actions.decisions_load() == 3
    assert len(rests) == 1 and rests[0] > 0
    assert Embedding.objects.filter(vector__isnull=False).count() == 5


def test_a_machine_asks_again_and_a_ticket_never_routed_is_not_found(desk: Desk) -> None:
    first = desk.route("INC/2026 4", "delivery")
    assert desk.ask("INC/2026 4") == first | {"repeated": True}
    missing = desk.client.get("/api/route/A-9/")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("baseline", "fields", "service"),
    [
        ("people", {"baseline": "returns"}, None),
        ("external", {"baseline": "returns"}, "returns"),
        ("external", {"baseline": "no such"}, None),
        ("external", {}, None),
        ("model", {}, "delivery"),
        ("rules", {}, "billing"),
    ],
)
def test_what_the_baseline_would_have_done_is_kept_beside_the_decision(
    desk: Desk, baseline: str, fields: Any, service: str | None
) -> None:
    KeywordRule.objects.create(service=desk.services["billing"], words=["Réçu", "colis"])
    RoutingSettings.objects.create(pk=1, baseline=baseline)
    desk.route("A-1", "delivery of a RECU for me", **fields)
    kept = desk.decision("A-1")
    assert (kept.baseline, kept.baseline_service and kept.baseline_service.code) == (baseline, service)


def test_a_machine_that_sends_too_many_is_slowed_down(desk: Desk, settings: Any) -> None:
    settings.ROUTE_RATE = 1
    several = [{"external_id": f"A-{n}", "text": "delivery"} for n in range(11)]
    answer = desk.client.post("/api/route/", {"tickets": several}, content_type="application/json")
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 11
    assert answer.json()["error"]["code"] == "throttled"


def test_a_new_version_decides_as_soon_as_its_endpoint_answers(desk: Desk) -> None:
    newer = desk.make_version(2, "second")
    desk.version = newer
    desk.certify()
    desk.put_in()
    meanwhile = desk.route("A-1", "delivery")
    assert meanwhile["escalate"] in (None, "model_unavailable")
    desk.when_up()
    assert desk.route("A-2", "delivery")["model_version"] == 2


def test_a_ticket_known_from_an_import_is_routed_once_and_keeps_its_place(desk: Desk) -> None:
    known = factories.ticket("delivery", external_id="A-1")
    assert desk.route("A-1", "delivery")["service"] == "delivery"
    assert desk.decision("A-1").ticket == known
    assert desk.decision("A-1").decided_at <= timezone.now()
