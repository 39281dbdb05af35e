"""Versions before the gate: judged on what was measured, stopped with reasons, let through by name only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.errors import Refused
from tests import factories
from tests.training import judged
from training import actions, selectors
from training.models import GateOverride, GateSettings, GateVerdict

pytestmark = pytest.mark.django_db

WHY = "The warehouse strike needs it today."


@pytest.fixture(autouse=True)
def in_use(db: None) -> None:
    judged.services()


def codes(verdict: GateVerdict | None) -> list[str]:
    assert verdict is not None
    return [reason["code"] for reason in verdict.reasons]


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(factories.person(f"{role}-1", role))
    return client


def weak(number: int = 1) -> Any:
    """A version right about half of the tickets, and not certified."""
    made = judged.version(number)
    judged.evaluated(made, ["billing", "delivery"] * 10, [0.9] * 20, range(1, 21))
    judged.certified(made, state="too_many_errors", threshold=None, coverage=None, recall=None)
    return made


def test_a_version_nobody_measured_is_not_judged_and_goes_nowhere() -> None:
    new = judged.version(1)
    assert actions.verdict_record(model_version=new) is None
    assert selectors.may_be_observed(new).code == selectors.may_be_promoted(new).code == "not_judged"


def test_a_good_version_passes_and_may_be_observed_and_promoted() -> None:
    new = judged.good()
    verdict = actions.verdict_record(model_version=new)
    assert verdict is not None and verdict.passed and codes(verdict) == ["latency_unknown"]
    assert selectors.may_be_observed(new).allowed and selectors.may_be_promoted(new).allowed


def test_a_weak_version_is_stopped_and_told_why_in_figures() -> None:
    new = weak()
    verdict = actions.verdict_record(model_version=new)
    assert codes(verdict)[:2] == ["low_accuracy", "not_certified"]
    assert verdict is not None and verdict.reasons[0]["params"] == {"value": 0.5, "limit": 0.8}
    permit = selectors.may_be_promoted(new)
    assert (permit.allowed, permit.code) == (False, "stopped_by_gate")
    assert permit.params["codes"] == verdict.stopping


def test_a_version_without_a_usable_control_ticket_is_stopped_by_that_alone() -> None:
    new = judged.version(1)
    judged.evaluated(new, [], [], [])
    assert codes(actions.verdict_record(model_version=new)) == ["no_labels"]


def test_judging_twice_writes_once_and_a_new_limit_judges_anew_at_once() -> None:
    new = judged.good()
    first = actions.verdict_record(model_version=new)
    assert actions.verdict_record(model_version=new) == first
    actions.gate_settings_update(min_coverage=0.95, by=factories.person("lea", "lead"))
    newest = selectors.verdict_of(new)
    assert newest is not None and newest != first and newest.stopping == ["low_coverage"]
    assert first is not None and GateVerdict.objects.get(pk=first.pk).passed


def test_a_slow_version_is_stopped_once_it_was_timed_and_not_judged_anew_for_every_millisecond() -> None:
    new = judged.good()
    assert actions.verdict_record(model_version=new, latency_ms=80.0).passed  # type: ignore[union-attr]
    slow = actions.verdict_record(model_version=new, latency_ms=730.0)
    assert slow is not None and slow.stopping == ["slow"]
    assert slow.reasons[0]["params"] == {"value": 730.0, "limit": 500}
    assert actions.verdict_record(model_version=new, latency_ms=745.0) == slow
    assert selectors.may_be_promoted(new).params == {"codes": ["slow"]}


def test_a_version_is_held_against_production_on_the_same_tickets_service_by_service() -> None:
    old, new = judged.good(1), judged.version(2)
    judged.evaluated(new, ["billing"] * 15 + ["delivery"] * 15, [0.95] * 22 + [0.05] * 8, range(1, 31))
    judged.certified(new)
    actions.gate_settings_update(min_accuracy=None, max_calibration_error=None)
    verdict = actions.verdict_record(model_version=new, production=old)
    assert verdict is not None and verdict.stopping == ["worse_for_service"]
    reason = verdict.reasons[0]["params"]
    assert (reason["service"], reason["tickets"]) == ("delivery", 15)
    assert reason["lost"] == pytest.approx(7 / 15)
    assert verdict.production == old


def test_a_label_set_that_lost_a_service_in_use_stops_the_version() -> None:
    factories.service("Returns", code="returns")
    old = judged.version(1, labels=[*judged.LABELS, "returns"])
    judged.evaluated(old, ["billing"], [0.9], [1])
    verdict = actions.verdict_record(model_version=judged.good(2), production=old)
    assert verdict is not None and verdict.stopping == ["service_lost"]
    assert verdict.reasons[0]["params"] == {"services": ["returns"]}


def test_a_lead_who_gives_a_reason_lets_a_version_be_observed_but_not_promoted() -> None:
    new, lea = weak(), factories.person("lea", "lead")
    actions.verdict_record(model_version=new)
    override = actions.gate_override(model_version=new, purpose="observe", reason=WHY, by=lea)
    assert actions.gate_override(model_version=new, purpose="observe", reason=WHY, by=lea) == override
    permit = selectors.may_be_observed(new)
    assert (permit.allowed, permit.code, permit.params) == (True, "overridden", {"by": "lea", "reason": WHY})
    assert not selectors.may_be_promoted(new).allowed
    assert GateOverride.objects.get().codes == selectors.verdict_of(new).stopping  # type: ignore[union-attr]


def test_an_override_ends_when_the_gate_finds_what_its_author_did_not_see() -> None:
    new = judged.good()
    actions.gate_settings_update(min_recall=0.99)
    actions.verdict_record(model_version=new)
    actions.gate_override(
        model_version=new, purpose="promote", reason=WHY, by=factories.person("lea", "lead")
    )
    assert selectors.may_be_promoted(new).allowed
    actions.gate_settings_update(min_coverage=0.99)
    assert selectors.may_be_promoted(new).code == "stopped_by_gate"
    actions.gate_settings_update(min_recall=None, min_coverage=None)
    assert selectors.may_be_promoted(new).code == "passed"


@pytest.mark.parametrize(
    ("role", "fields", "code"),
    [
        ("reviewer", {}, "leads_only"),
        ("lead", {"reason": "because"}, "reason_needed"),
        ("lead", {"purpose": "delete"}, "bad_purpose"),
    ],
)
def test_an_override_without_a_lead_or_a_reason_is_refused(
    role: str, fields: dict[str, str], code: str
) -> None:
    new = weak()
    actions.verdict_record(model_version=new)
    asked = {"purpose": "observe", "reason": WHY, **fields}
    with pytest.raises(Refused) as refused:
        actions.gate_override(model_version=new, by=factories.person("x", role), **asked)
    assert refused.value.code == code and not GateOverride.objects.exists()


def test_what_passed_or_was_not_judged_needs_no_override() -> None:
    lea = factories.person("lea", "lead")
    for new, code in ((judged.good(1), "nothing_to_override"), (judged.version(2), "not_judged")):
        actions.verdict_record(model_version=new)
        with pytest.raises(Refused) as refused:
            actions.gate_override(model_version=new, purpose="observe", reason=WHY, by=lea)
        assert refused.value.code == code


def test_over_http_a_lead_reads_the_verdict_and_overrides_it_under_their_name() -> None:
    new = weak()
    actions.verdict_record(model_version=new)
    lead = signed_in("lead")
    before = lead.get("/api/models/1/gate/").json()
    assert before["promote"]["code"] == "stopped_by_gate" and before["in_force"] is None
    assert before["certificate"]["state"] == "too_many_errors" and before["certificate"]["is_spent"] is False
    body = {"purpose": "promote", "reason": WHY}
    assert (
        signed_in("reviewer").post("/api/models/1/gate/override/", body, "application/json").status_code
        == 403
    )
    after = lead.post("/api/models/1/gate/override/", body, "application/json")
    assert after.status_code == 201
    assert after.json()["promote"]["params"] == {"by": "lead-1", "reason": WHY}
    assert after.json()["overrides"][0]["by"] == "lead-1"


@pytest.mark.parametrize(
    "changes", [{"precision": 1.0}, {"min_recall": 1.5}, {"groups": 9}, {"minutes_misroute": -1}]
)
def test_settings_that_make_no_sense_are_refused_and_the_old_ones_stand(changes: dict[str, Any]) -> None:
    lead = signed_in("lead")
    answer = lead.patch("/api/gate/", changes, content_type="application/json")
    assert answer.status_code == 400
    assert GateSettings.objects.get().precision == 0.95
    kept = lead.patch("/api/gate/", {"min_recall": None}, content_type="application/json").json()
    assert (kept["min_recall"], kept["updated_by"]) == (None, "lead-1")
