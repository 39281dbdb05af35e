"""What the dashboard is told: figures that can be recounted from the tickets behind them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.models import Annotation, Service, Ticket
from tests import factories
from tests.training import judged
from training import actions
from training.models import ModelVersion

pytestmark = pytest.mark.django_db


def signed_in(role: str = "lead") -> Client:
    client = Client()
    client.force_login(factories.person(f"{role}-1", role))
    return client


def ask(path: str, role: str = "lead", **params: Any) -> Any:
    return signed_in(role).get(f"/api/{path}", params).json()


@pytest.fixture
def small() -> ModelVersion:
    """A version that answered four control tickets, one of them of no service; a certificate at .8."""
    judged.services()
    tickets = [factories.ticket(audit=True).pk for _ in range(4)]
    made = judged.version(1)
    judged.evaluated(made, ["billing", "delivery", "delivery", None], [0.95, 0.85, 0.1, 0.7], tickets)
    judged.certified(made)
    return made


def test_one_versions_report_is_whole_and_says_what_the_page_can_open(small: ModelVersion) -> None:
    found = ask("models/1/evaluation/", "annotator")
    report = found["evaluation"]["metrics"]
    assert (report["state"], report["tickets"], report["n"]) == ("judged", 4, 3)
    assert report["accuracy"] == pytest.approx(2 / 3)
    assert report["languages"][0]["language"] == "fr" and report["out_of_scope"]["tickets"] == 1
    assert found["certificate"]["threshold"] == 0.8 and found["has_tickets"] is True


def test_a_version_that_was_never_evaluated_is_a_state_not_an_error() -> None:
    judged.version(1)
    found = ask("models/1/evaluation/")
    assert (found["evaluation"], found["certificate"], found["has_tickets"]) == (None, None, False)
    assert ask("models/1/threshold/")["error"]["code"] == "not_evaluated"
    assert ask("models/9/evaluation/")["error"]["code"] == "not_found"


def test_the_slider_starts_at_the_certified_threshold_and_counts_a_day_from_arrivals(
    small: ModelVersion,
) -> None:
    now = timezone.now()
    for place, ticket in enumerate(Ticket.objects.all()):
        Ticket.objects.filter(pk=ticket.pk).update(received_at=now - timedelta(days=place * 2 / 3))
    found = ask("models/1/threshold/", "annotator")
    assert found["threshold"] == 0.8 and found["choices"] == [0.9, 0.8]
    assert found["steps"]["routed"] == [1, 2, 3, 4] and found["steps"]["right"] == [1, 2, 2, 2]
    assert found["steps"]["threshold"] == [0.95, 0.9, 0.85, 0.7]
    day, at = found["day"], found["outcome"]
    assert day["tickets"] == pytest.approx(2.0)
    assert (at["routed"], at["coverage"], at["escalations"]) == (3, 0.75, pytest.approx(0.5))
    assert at["misroutes"] == pytest.approx(0.5)
    saved = 1.5 * day["minutes_escalation"] - 0.5 * day["minutes_misroute"]
    assert at["minutes_saved"] == pytest.approx(saved)
    strict = ask("models/1/threshold/", threshold=0.92)["outcome"]
    assert (strict["routed"], strict["precision"], strict["misroutes"]) == (1, 1.0, 0.0)
    assert ask("models/1/threshold/", threshold="x")["error"]["code"] == "invalid"


def test_every_cell_opens_exactly_the_tickets_it_counts(small: ModelVersion) -> None:
    report = ask("models/1/evaluation/")["evaluation"]["metrics"]["confusion"]
    for row, truth in enumerate(report["labels"]):
        for column, guess in enumerate(report["labels"]):
            page = ask("models/1/tickets/", truth=truth, guess=guess)
            assert page["total"] == report["rows_true_columns_predicted"][row][column]
            assert all((one["truth"], one["guess"]) == (truth, guess) for one in page["results"])
    strangers = ask("models/1/tickets/", truth="")
    assert [one["truth"] for one in strangers["results"]] == [None]
    assert strangers["results"][0]["text"]


def test_a_point_of_the_curve_opens_what_it_would_route_wrong(small: ModelVersion) -> None:
    wrong = ask("models/1/tickets/", least=0.8, is_right="false")
    assert [(one["truth"], one["score"]) for one in wrong["results"]] == [("delivery", 0.85)]
    assert ask("models/1/tickets/", below=0.8)["total"] == 1


def test_a_mark_of_the_reliability_plot_opens_exactly_the_tickets_it_counts() -> None:
    judged.services()
    made = judged.version(1)
    sure = [1.0, 14 / 15, 0.5, 0.52, 1 / 3, 0.5]
    tickets = [factories.ticket(audit=True).pk for _ in sure]
    judged.evaluated(made, ["billing", "delivery", "billing", "billing", "delivery", None], sure, tickets)
    report = ask("models/1/evaluation/")["evaluation"]["metrics"]
    for place in report["reliability"]:
        page = ask("models/1/tickets/", sure_from=place["low"], sure_below=place["high"])
        assert page["total"] == place["n"], place
    for one in report["languages"]:
        assert ask("models/1/tickets/", language=one["language"])["total"] == one["n"]
    assert ask("models/1/tickets/", language="xx")["total"] == 0


def test_pages_of_tickets_follow_each_other_without_gap_or_repeat() -> None:
    judged.services()
    made = judged.version(1)
    judged.evaluated(made, ["billing"] * 35, [0.9] * 35, range(1, 36))
    first = ask("models/1/tickets/")
    rest = ask("models/1/tickets/", cursor=first["next"])
    assert [one["id"] for one in first["results"] + rest["results"]] == list(range(1, 36))
    assert (first["total"], rest["next"]) == (35, None)


def test_an_erased_ticket_keeps_its_place_in_the_count_and_loses_its_text(small: ModelVersion) -> None:
    Ticket.objects.all().delete()
    page = ask("models/1/tickets/")
    assert page["total"] == 4 and {one["text"] for one in page["results"]} == {None}


def test_only_leads_open_tickets(small: ModelVersion) -> None:
    for role, status in (("annotator", 403), ("reviewer", 403), ("lead", 200)):
        assert signed_in(role).get("/api/models/1/tickets/").status_code == status


def test_two_versions_are_compared_on_the_tickets_both_answered(small: ModelVersion) -> None:
    second = judged.version(2, labels=["billing", "delivery", "returns"])
    tickets = list(Ticket.objects.order_by("pk").values_list("pk", flat=True))[:3]
    judged.evaluated(second, ["billing", "delivery", "delivery"], [0.9, 0.1, 0.1], tickets)
    found = ask("models/compare/", first=1, second=2)
    assert (found["first"]["version"], found["second"]["version"]) == (1, 2)
    assert (found["overall"]["n"], found["overall"]["only_second"]) == (3, 1)
    assert found["overall"]["difference"] == pytest.approx(-1 / 3) and found["overall"]["p_value"] == 1.0
    assert [one["service"] for one in found["services"]] == ["billing", "delivery"]
    assert found["only_second_knows"] == ["returns"]
    assert ask("models/compare/", first=1, second=77)["error"]["code"] == "not_found"
    assert ask("models/compare/", first=1)["error"]["code"] == "invalid"


def test_a_version_compared_with_one_never_evaluated_has_no_figures(small: ModelVersion) -> None:
    judged.version(2)
    found = ask("models/compare/", first=2, second=1)
    assert (found["overall"], found["services"]) == (None, [])


def test_versions_over_time_take_no_query_a_version(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    judged.services()
    for number in range(1, 9):
        actions.verdict_record(model_version=judged.good(number))
    client = signed_in("annotator")
    with django_assert_max_num_queries(8):
        rows = client.get("/api/evaluations/").json()["results"]
    assert [row["version"] for row in rows] == list(range(1, 9))
    first = rows[0]
    assert (first["certified"], first["coverage"], first["passed"], first["rows"]) == (0.95, 0.9, True, 100)


def test_effort_shows_agreement_in_check_week_by_week_and_the_time_to_a_model() -> None:
    judged.services()
    alice = factories.person()
    ticket, other = factories.ticket(), factories.ticket()
    billing = Service.objects.get(code="billing")
    factories.labelled(ticket, billing, alice)
    decision = Annotation.objects.get()
    Annotation.objects.create(
        ticket=other, kind="label", service=billing, suggested_service=billing, mode="check", annotator=alice,
        duration_ms=4000,
    )  # fmt: skip
    made = judged.version(1)
    made.run.snapshot.last_annotation_id = decision.pk  # type: ignore[union-attr]
    made.run.snapshot.save()  # type: ignore[union-attr]
    judged.evaluated(made, ["billing"], [0.9], [ticket.pk])
    actions.advice_push(code="label_on", params={"points": [{"labels": 40, "accuracy": 0.6}]})
    found = ask("evaluations/effort/", "annotator")
    week = found["weeks"][-1]
    assert (week["decisions"], week["offered"], week["taken"]) == (2, 1, 1)
    assert [(one["labels"], one["version"]) for one in found["efficiency"]] == [(40, None), (100, 1)]
    assert found["cycles"][0]["version"] == 1 and found["cycles"][0]["hours"] >= 0
    assert found["balance"][0] == {"service": "billing", "labels": 1, "controls": 0, "taught": 100}


def test_an_empty_installation_has_an_empty_dashboard_not_an_error() -> None:
    found = ask("evaluations/effort/")
    assert found["weeks"] == found["cycles"] == found["efficiency"] == found["balance"] == []
    assert found["day"]["tickets"] == 0.0
    assert ask("evaluations/") == {"results": []}
