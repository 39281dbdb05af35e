"""Edges of the ticket API that the table's own tests leave: pages while tickets come in, limits, odd searches, the
export as a stream, decisions from a ticket's page."""

import csv
import io
import uuid
from typing import Any

import pytest
from django.test import Client

from annotation.models import Annotation, Service, Ticket
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def lead(lea: Any) -> Client:
    client = Client()
    client.force_login(lea)
    return client


def page(client: Client, **query: Any) -> Any:
    answer = client.get("/api/tickets/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def numbers(answer: Any) -> list[int]:
    return [row["id"] for row in answer["results"]]


@pytest.mark.parametrize("sort", ["received_at", "-received_at", "id", "-id"])
def test_tickets_that_come_in_or_go_meanwhile_shift_no_page(lead: Client, sort: str) -> None:
    before = [factories.ticket(received_at=f"2026-01-{day:02d}").pk for day in (5, 1, 1, 3, 3, 3, 9, 7, 2)]
    seen: list[int] = []
    answer = page(lead, sort=sort, limit=2)
    for day in ("2026-01-03", "2025-01-01", "2026-02-01", "2026-01-04"):
        seen += numbers(answer)
        factories.ticket(received_at=day)
        Ticket.objects.filter(pk=seen[-1]).delete()  # the cursor's own row
        answer = page(lead, sort=sort, limit=2, cursor=answer["next"])
    while True:
        seen += numbers(answer)
        if answer["next"] is None:
            break
        answer = page(lead, sort=sort, limit=2, cursor=answer["next"])
    assert len(seen) == len(set(seen))
    assert set(before) <= set(seen)


def test_a_cursor_of_another_order_or_nonsense_is_refused(lead: Client) -> None:
    factories.tickets(3)
    following = page(lead, sort="id", limit=1)["next"]
    for cursor in (following, "nonsense", "W10", "%00", "e30", "WyJ4IiwgMV0", "é"):
        answer = lead.get("/api/tickets/", {"sort": "-received_at", "cursor": cursor})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_cursor"), cursor


@pytest.mark.parametrize(("limit", "shown"), [("1", 1), ("0", 1), ("3", 3), ("9" * 40, 5)])
def test_the_limit_is_kept_within_bounds(lead: Client, limit: str, shown: int) -> None:
    factories.tickets(5)
    assert len(page(lead, limit=limit)["results"]) == shown


@pytest.mark.parametrize("limit", ["x", "-1", "1.5"])
def test_a_limit_that_is_no_number_is_refused(lead: Client, limit: str) -> None:
    answer = lead.get("/api/tickets/", {"limit": limit})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_limit")


@pytest.mark.parametrize(
    "sought", ["100%", "a_b", "it's", 'say "hi"', "l'été", "ÉTÉ", "back\\slash", "日本", "x" * 200]
)
def test_a_search_takes_every_sign_for_itself(lead: Client, sought: str) -> None:
    wanted = factories.ticket(f"before {sought} after")
    factories.ticket("100 of aXb, say hi, lete, backslash")
    assert numbers(page(lead, q=sought)) == [wanted.pk]


def test_filters_hold_together(lead: Client, delivery: Service) -> None:
    wanted = factories.ticket("the blue sofa", channel="chat", language="fr")
    others = [
        factories.ticket("the blue sofa", channel="mail", language="fr"),
        factories.ticket("the blue sofa", channel="chat", language="en"),
        factories.ticket("the red sofa", channel="chat", language="fr"),
    ]
    for ticket in [wanted, *others]:
        ticket.group = f"g{ticket.pk}"
        ticket.text_hash = f"h{ticket.pk}"
        ticket.save()
        factories.labelled(ticket, delivery)
    unlabelled = factories.ticket("the blue sofa again", channel="chat", language="fr")
    query = {"q": "blue", "channel": "chat", "language": "fr", "status": "labelled", "service": delivery.pk}
    assert numbers(page(lead, **query)) == [wanted.pk] != [unlabelled.pk]


def exported(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_export_gives_each_text_back_and_runs_no_formula(lead: Client, delivery: Service) -> None:
    texts = [
        '=HYPERLINK("http://x")', "+33 call", "-2", "@SUM(A1)", 'She said "no", twice;\nthen left', "où ça, é€日本",
    ]  # fmt: skip
    for number, text in enumerate(texts):
        factories.labelled(factories.ticket(text, external_id=f"={number}", channel="+web"), delivery)
    rows = exported(lead.get("/api/tickets/export/"))
    risky = ("=", "+", "-", "@", "\t", "\r")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(risky)]
    stored = list(Ticket.objects.order_by("id").values_list("text", flat=True))
    assert [row["text"].removeprefix("'") for row in rows] == stored
    assert {row["service"] for row in rows} == {"delivery"}


def test_a_large_export_comes_piece_by_piece(lead: Client) -> None:
    made = Ticket.objects.bulk_create(
        Ticket(
            external_id=f"n{number}", text=f"text {number}", text_hash=str(number), group=str(number),
            received_at="2026-01-01T00:00:00Z", audit_rank=number,
        )
        for number in range(5000)
    )  # fmt: skip
    answer = lead.get("/api/tickets/export/", {"status": "all"})
    assert answer.streaming and answer["Content-Type"] == "text/csv; charset=utf-8"
    pieces = list(answer.streaming_content)
    assert len(pieces) == len(made) + 1 and max(map(len, pieces)) < 400


def test_a_decision_from_a_tickets_page_is_taken_once_a_key(lead: Client, delivery: Service) -> None:
    ticket, key = factories.ticket(), str(uuid.uuid4())
    address = f"/api/tickets/{ticket.pk}/label/"
    for _ in range(2):
        answer = lead.post(address, {"service_id": delivery.pk, "key": key}, JSON)
        assert answer.json()["label"] == {"service_id": delivery.pk, "source": "person"}
    assert Annotation.objects.count() == 1


@pytest.mark.parametrize(("body", "code"), [
    ({}, "invalid"), ({"service_id": "x"}, "invalid"), ({"service_id": 10**30}, "unknown_service"),
    ({"service_id": 987654321}, "unknown_service"), ({"service_id": 1, "key": "x"}, "invalid"),
])  # fmt: skip
def test_a_decision_that_cannot_be_meant_is_refused(lead: Client, body: dict[str, Any], code: str) -> None:
    answer = lead.post(f"/api/tickets/{factories.ticket().pk}/label/", body, JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not Annotation.objects.exists()


def test_a_decision_about_a_ticket_that_went_is_404(lead: Client, delivery: Service) -> None:
    answer = lead.post("/api/tickets/987654321/label/", {"service_id": delivery.pk}, JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ticket_gone")


def bring(client: Client, *tickets: Any) -> Any:
    return client.post("/api/tickets/", {"tickets": list(tickets)}, JSON)


@pytest.mark.parametrize("bad", [
    3, "text", None, [], {}, {"text": None}, {"text": ""}, {"text": ["x"]}, {"text": {"a": 1}},
    {"text": "x", "received_at": "yesterday"}, {"text": "x", "received_at": "0001-01-01"},
    {"text": "x", "received_at": "9999-12-31T23:59:59-12:00"}, {"text": "x", "external_id": "y" * 201},
    {"text": "x", "channel": {"a": 1}}, {"text": "x", "metadata": {"a": "b" * 30_000}},
    {"text": "bad \ud800 sign"}, {"text": "x", "external_id": "\ud800"},
    {"text": "x", "metadata": {"\ud800": "\ud800"}},
], ids=ascii)  # fmt: skip
def test_one_bad_ticket_costs_the_good_ones_nothing(lead: Client, bad: Any) -> None:
    answer = bring(
        lead, {"text": "good one", "external_id": "a"}, bad, {"text": "good two", "external_id": "b"}
    )
    assert answer.status_code == 200, answer.content[:300]
    report = answer.json()
    assert (report["created"], report["rejected"]) == (2, 1)
    assert report["errors"][0]["line"] == 2 and report["errors"][0]["code"]


@pytest.mark.parametrize("tickets", [None, [], "x", {"text": "x"}, [{"text": "x"}] * 5001])
def test_a_bulk_that_is_none_is_refused_whole(lead: Client, tickets: Any) -> None:
    answer = lead.post("/api/tickets/", {"tickets": tickets}, JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert not Ticket.objects.exists()


def test_metadata_is_kept_masked_and_without_nuls(lead: Client) -> None:
    bring(
        lead,
        {
            "text": "x",
            "external_id": "m",
            "metadata": {"order": {"by": "eve@example.com"}, "n\x00": [1, None]},
        },
    )
    kept = Ticket.objects.get().metadata
    assert "eve@example.com" not in str(kept) and kept["n"] == [1, None]
