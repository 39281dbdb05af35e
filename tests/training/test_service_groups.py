"""Groups of services with thresholds of their own: named by a lead, and shown group by group."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from ml.certificate import OVERALL, Group
from ml.certificate import Tested as Part
from tests import factories
from tests.training import judged
from training import selectors
from training.models import GateSettings, ModelVersion

pytestmark = pytest.mark.django_db

MONEY = {"name": "Money", "services": ["billing"], "precision": 0.98}


@pytest.fixture(autouse=True)
def in_use(db: None) -> None:
    judged.services()


def signed_in(role: str = "lead") -> Client:
    client = Client()
    client.force_login(factories.person(f"{role}-1", role))
    return client


def name(groups: list[dict[str, Any]], role: str = "lead", **more: Any) -> Any:
    return signed_in(role).patch(
        "/api/gate/", {"service_groups": groups, **more}, content_type="application/json"
    )


def test_a_lead_names_groups_and_the_next_certificate_is_asked_for_them() -> None:
    answer = name([MONEY])
    assert (answer.status_code, answer.json()["service_groups"]) == (200, [MONEY])
    assert selectors.gate_settings().promise.groups == (Group("Money", ("billing",), 0.98),)
    assert name([MONEY], "annotator").status_code == 403


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ([MONEY | {"services": ["billing", "lost"]}], "no service here has the code lost"),
        ([MONEY, MONEY | {"name": "Again"}], "share no service"),
        ([MONEY | {"precision": 0.5}], "less than all services"),
        ([MONEY, {"name": "Money", "services": ["delivery"]}], "names of their own"),
        ([MONEY | {"name": OVERALL}], "names of their own"),
    ],
    ids=["unknown service", "shared service", "promised less", "same name", "reserved name"],
)
def test_groups_that_cannot_be_promised_anything_are_refused_with_what_is_wrong(
    groups: list[dict[str, Any]], says: str
) -> None:
    problem = name(groups).json()["error"]
    assert (problem["code"], problem["params"]["field"]) == ("bad_gate", "service_groups")
    assert says in problem["params"]["problem"]
    assert selectors.gate_settings().service_groups == []


def test_raising_what_is_promised_overall_above_a_group_is_refused_too() -> None:
    name([MONEY])
    problem = (
        signed_in().patch("/api/gate/", {"precision": 0.99}, content_type="application/json").json()["error"]
    )
    assert problem["code"] == "bad_gate" and GateSettings.objects.get().precision == 0.95


@pytest.fixture
def grouped() -> ModelVersion:
    """Six control tickets; billing is routed from .9 on, delivery from .6 on."""
    tickets = [factories.ticket(audit=True).pk for _ in range(6)]
    made = judged.version(1)
    truth = ["billing", "billing", "delivery", "delivery", "delivery", "billing"]
    judged.evaluated(made, truth, [0.95, 0.85, 0.1, 0.3, 0.05, 0.35], tickets)
    tests = (
        Part(OVERALL, ("billing", "delivery"), 0.95, 0.05, 4, 0, 0.95, 0),
        Part("Money", ("billing",), 0.98, 0.025, 1, 0, 0.98, 0, 0.9, (0.95, 0.9)),
        Part("others", ("delivery",), 0.95, 0.025, 3, 0, 0.95, 0, 0.6, (0.6,)),
    )
    judged.certified(made, threshold=0.6, tests=tests, choices=())
    return made


def ask(path: str, **params: Any) -> Any:
    return signed_in().get(f"/api/models/1/{path}/", params).json()


def test_each_group_has_a_slider_of_its_own(grouped: ModelVersion) -> None:
    money, others = ask("threshold", group="Money"), ask("threshold", group="others")
    assert (money["threshold"], money["choices"]) == (0.9, [0.95, 0.9])
    assert money["steps"]["threshold"] == [0.95, 0.85] and money["steps"]["n"] == 6
    assert money["outcome"]["routed"] == 1
    assert (others["threshold"], others["outcome"]["routed"], others["outcome"]["right"]) == (0.6, 4, 3)
    assert ask("threshold", group="Nobody")["error"]["code"] == "not_found"


def test_all_groups_together_route_what_each_routes_at_its_own_threshold(grouped: ModelVersion) -> None:
    found = ask("threshold")
    assert (found["threshold"], found["choices"]) == (None, [])
    assert (found["outcome"]["routed"], found["outcome"]["right"]) == (5, 4)


def test_the_tickets_behind_a_groups_figure_are_those_answered_with_its_services(
    grouped: ModelVersion,
) -> None:
    found = ask("tickets", group="others", least=0.6)
    assert found["total"] == 4 and {one["guess"] for one in found["results"]} == {"delivery"}
    assert ask("tickets", least=0.6)["total"] == 6
