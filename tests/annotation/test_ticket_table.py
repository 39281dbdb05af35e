"""The table of tickets over HTTP: search, filters, order, pages, what is kept from whom, export."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from annotation import actions, tables
from annotation.models import ScoreGeneration, Ticket, TicketScore
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, **query: Any) -> Any:
    answer = client.get("/api/tickets/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(page: Any) -> list[int]:
    return [row["id"] for row in page["results"]]


def scored(
    ticket: Ticket, uncertainty: float, outlier: float, service: Any = None, second: Any = None
) -> None:
    """Give a ticket its place in the current generation."""
    generation, _ = ScoreGeneration.objects.get_or_create(is_current=True, defaults={"slot": 1})
    TicketScore.objects.create(
        slot=generation.slot,
        ticket=ticket,
        uncertainty=uncertainty,
        outlier=outlier,
        service=service,
        probability=0.6 if service else None,
        second_service=second,
        second_probability=0.3 if second else None,
    )


def walked(client: Client, **query: Any) -> list[int]:
    """All ids, page by page."""
    found: list[int] = []
    page = listed(client, **query)
    while True:
        found += ids(page)
        if page["next"] is None:
            return found
        page = listed(client, **query, cursor=page["next"])


@pytest.mark.parametrize("sort", ["uncertainty", "-uncertainty", "outlier", "-outlier"])
def test_pages_by_a_score_show_each_ticket_once_and_in_order_also_where_scores_are_equal(
    alice: Any, sort: str
) -> None:
    tickets = factories.tickets(11)
    for number, ticket in enumerate(tickets):
        scored(ticket, uncertainty=(number % 4) / 4, outlier=(number % 3) / 3)
    unscored = factories.ticket()
    found = walked(signed_in(alice), sort=sort, limit=3)
    column = sort.removeprefix("-")
    rows = {s.ticket_id: (getattr(s, column), s.ticket_id) for s in TicketScore.objects.all()}
    assert found == sorted(rows, key=lambda pk: rows[pk], reverse=sort.startswith("-"))
    for row in listed(signed_in(alice), sort=sort)["results"]:
        score = TicketScore.objects.get(ticket=row["id"])
        assert (row["uncertainty"], row["outlier"]) == (score.uncertainty, score.outlier)
    assert unscored.pk not in found


def test_the_newest_ticket_comes_first_unless_asked_otherwise(alice: Any) -> None:
    dates = ["2026-01-03", "2026-01-01", "2026-01-02"]
    third, first, second = (factories.ticket(received_at=day).pk for day in dates)
    client = signed_in(alice)
    assert walked(client, limit=1) == [third, second, first]
    assert walked(client, limit=2, sort="received_at") == [first, second, third]


@pytest.mark.parametrize("sort", ["uncertainty", "-outlier", "-received_at"])
def test_a_page_is_read_in_the_order_of_an_index(sort: str) -> None:
    following = tables._cursor_encode("2026-01-01T00:00:00+00:00" if sort == "-received_at" else 0.5, 7)
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        plans.append("\n".join(row[0] for row in _explained(sql, params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        tables.page(tables.Filters(sort=sort), slot=0, cursor=following)
    assert "Index Cond" in plans[0] and "ROW(" in plans[0], plans[0]
    assert "Sort Key" not in plans[0], plans[0]


def _explained(sql: str, params: Any) -> list[tuple[str]]:
    """The plan where sorting and reading whole tables are the last resort, as on a large table."""
    with connection.connection.cursor() as raw:
        raw.execute(
            "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
        )
        raw.execute("EXPLAIN " + sql, params)
        return list(raw.fetchall())


def test_the_search_finds_parts_of_texts_in_any_case_and_takes_signs_literally(alice: Any) -> None:
    parcel = factories.ticket("The PARCEL is 100% lost")
    claim = factories.ticket("Une Réclamation, encore")
    factories.ticket("Something else at 100 euros")
    client = signed_in(alice)
    assert ids(listed(client, q="parcel")) == [parcel.pk]
    assert ids(listed(client, q="100%")) == [parcel.pk]
    assert ids(listed(client, q="RÉCLAM")) == [claim.pk]
    assert listed(client, q="nothing like it")["results"] == []


def test_the_search_finds_a_ticket_by_its_number_and_by_its_external_id(alice: Any) -> None:
    one, other = factories.ticket(external_id="CRM-77-A"), factories.ticket()
    client = signed_in(alice)
    assert ids(listed(client, q="crm-77")) == [one.pk]
    assert ids(listed(client, q=f"#{other.pk}")) == [other.pk]


def test_filters_narrow_by_status_label_prediction_channel_and_language(
    alice: Any, delivery: Any, billing: Any
) -> None:
    labelled = factories.ticket(channel="email", language="fr")
    chat = factories.ticket(channel="chat", language="en")
    factories.labelled(labelled, delivery)
    scored(chat, 0.5, 0.5, billing)
    client = signed_in(alice)
    assert ids(listed(client, status="labelled")) == [labelled.pk]
    assert ids(listed(client, service=delivery.pk)) == [labelled.pk]
    assert ids(listed(client, predicted=billing.pk)) == [chat.pk]
    assert ids(listed(client, channel="chat")) == [chat.pk]
    assert ids(listed(client, language="fr", status="open")) == []
    assert client.get("/api/tickets/facets/").json() == {
        "channels": ["chat", "email"],
        "languages": ["en", "fr"],
    }


def test_what_is_found_is_counted_exactly_to_a_limit_and_only_on_the_first_page(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.tickets(5)
    client = signed_in(alice)
    first = listed(client, limit=2)
    assert (first["total"], first["and_more"]) == (5, False)
    later = listed(client, limit=2, cursor=first["next"])
    assert (later["total"], later["and_more"]) == (None, False)
    monkeypatch.setattr(tables, "MOST_COUNTED", 4)
    many = listed(client, limit=2)
    assert (many["total"], many["and_more"]) == (4, True)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"sort": "text"}, "bad_sort"),
        ({"cursor": "nonsense"}, "bad_cursor"),
        ({"cursor": tables._cursor_encode("2026-01-01", 1), "sort": "outlier"}, "bad_cursor"),
        ({"cursor": tables._cursor_encode(0.5, 1)}, "bad_cursor"),
        ({"service": "all"}, "invalid"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_a_code(alice: Any, query: Any, code: str) -> None:
    answer = signed_in(alice).get("/api/tickets/", query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_what_a_model_says_of_a_random_control_is_kept_from_everybody_until_a_person_decided(
    alice: Any, lea: Any, delivery: Any, billing: Any
) -> None:
    control, plain = factories.ticket(audit=True), factories.ticket()
    for ticket in (control, plain):
        scored(ticket, 0.9, 0.9, billing, delivery)
    for client in (signed_in(alice), signed_in(lea)):
        row = next(row for row in listed(client)["results"] if row["id"] == control.pk)
        assert (row["prediction"], row["uncertainty"], row["outlier"]) == (None, None, None)
        detail = client.get(f"/api/tickets/{control.pk}/").json()
        assert (detail["prediction"], detail["candidates"], detail["outlier"]) == (None, [], None)
        assert ids(listed(client, sort="-uncertainty")) == [plain.pk]
        assert ids(listed(client, predicted=billing.pk)) == [plain.pk]
    factories.labelled(control, delivery)
    row = next(row for row in listed(signed_in(lea))["results"] if row["id"] == control.pk)
    assert row["prediction"]["service_id"] == billing.pk
    assert sorted(ids(listed(signed_in(lea), sort="-uncertainty"))) == sorted([control.pk, plain.pk])


def test_only_leads_tell_random_controls_from_other_tickets(alice: Any, lea: Any) -> None:
    control = factories.ticket(audit=True)
    factories.ticket()
    assert all(row["is_audit"] is None for row in listed(signed_in(alice))["results"])
    assert signed_in(alice).get("/api/tickets/", {"audit": "true"}).status_code == 403
    assert ids(listed(signed_in(lea), audit="true")) == [control.pk]


def test_a_tickets_page_shows_candidates_and_who_decided_what(
    alice: Any, delivery: Any, billing: Any
) -> None:
    ticket, twin = factories.ticket("Twins, these two"), factories.ticket("Twins, these two")
    scored(ticket, 0.7, 0.2, billing, delivery)
    factories.queued(ticket)
    item = actions.queue_claim(annotator=alice, mode="teach", count=1)[0]
    actions.queue_submit(
        annotator=alice, answer=factories.answer(item.lease, service_id=delivery.pk, include_similar=True)
    )
    detail = signed_in(alice).get(f"/api/tickets/{ticket.pk}/").json()
    assert [c["service_id"] for c in detail["candidates"]] == [billing.pk, delivery.pk]
    assert detail["prediction"]["band"] == "hesitating"
    assert (detail["uncertainty"], detail["outlier"]) == (0.7, 0.2)
    assert [(h["kind"], h["annotator"], h["copied_from"]) for h in detail["history"]] == [
        ("label", str(alice), None)
    ]
    assert detail["labelled_at"] is not None
    copy = signed_in(alice).get(f"/api/tickets/{twin.pk}/").json()["history"][0]
    assert copy["copied_from"] == ticket.pk


def test_a_reviewer_relabels_and_reopens_and_an_annotator_does_not(
    alice: Any, delivery: Any, billing: Any
) -> None:
    ticket = factories.ticket()
    factories.labelled(ticket, delivery)
    reviewer = signed_in(factories.person("rita", "reviewer"))
    path = f"/api/tickets/{ticket.pk}/label/"
    said = {"service_id": billing.pk}
    assert signed_in(alice).post(path, said, content_type="application/json").status_code == 403
    after = reviewer.post(path, said, content_type="application/json").json()
    assert after["label"] == {"service_id": billing.pk, "source": "person"}
    assert len(after["history"]) == 2
    again = reviewer.post(f"/api/tickets/{ticket.pk}/reopen/").json()
    assert (again["status"], again["label"], len(again["history"])) == ("open", None, 2)


def exported(client: Client, **query: Any) -> list[dict[str, str]]:
    answer = client.get("/api/tickets/export/", query)
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_the_export_holds_the_labels_of_a_service_and_no_formulas(
    lea: Any, delivery: Any, billing: Any
) -> None:
    evil = factories.ticket('=HYPERLINK("http://x"), said the customer\nin "two" lines')
    factories.labelled(evil, delivery)
    factories.labelled(factories.ticket(), billing)
    factories.ticket()
    client = signed_in(lea)
    assert [row["service"] for row in exported(client)] == [delivery.code, billing.code]
    (row,) = exported(client, service=delivery.pk)
    assert row["text"] == "'" + evil.text
    assert len(exported(client, status="all")) == 3
    assert len(exported(client, status="open")) == 1


def test_the_export_is_for_leads_and_refuses_a_status_it_does_not_know(alice: Any, lea: Any) -> None:
    assert signed_in(alice).get("/api/tickets/export/").status_code == 403
    assert signed_in(lea).get("/api/tickets/export/", {"status": "gone"}).status_code == 400
