"""Every page of the admin: it opens, searches and filters, asks the same number of questions for three rows and for
thirty, offers no endless box, and is for admins alone."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories
from tests.config.admin_rows import fill, models

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house")]
ROWS = 52  # more than a box may hold
# One row each, so their lists go to the row.
ALONE = {
    "training.GateSettings",
    "training.RetrainPolicy",
    "inference.RoutingSettings",
    "inference.PromotionSettings",
    "inference.WatchSettings",
}
EVERY = pytest.mark.parametrize("model", models(), ids=lambda model: model._meta.label)
LISTED = pytest.mark.parametrize(
    "model", [m for m in models() if m._meta.label not in ALONE], ids=lambda model: model._meta.label
)


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A page and more of rows of every kind, made once and taken back at the end of the file."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(ROWS)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def ada() -> Client:
    return signed_in("admin")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(factories.person(f"the {role}", role))
    return client


def list_of(model: type, query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def page_of(model: type, pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


@pytest.fixture
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows a page: what is asked of a list does not hang on how many it shows."""
    for model in models():
        monkeypatch.setattr(admin.site._registry[model], "list_per_page", 3)


def queries(client: Client, address: str) -> Counter[str]:
    """The queries of one page, without their values."""
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(address).status_code == 200, address
    return Counter(re.sub(r"'[^']*'|\b\d+\b", "?", query["sql"])[:160] for query in caught)


def boxes(html: str) -> list[int]:
    """How many options each box of a page has."""
    return [part.split("</select>")[0].count("<option") for part in html.split("<select")[1:]]


@LISTED
def test_a_list_asks_no_query_a_row(ada: Client, model: type, monkeypatch: pytest.MonkeyPatch) -> None:
    queries(ada, list_of(model))  # content types and the like are remembered from now on
    asked = []
    for rows in (3, 30):
        monkeypatch.setattr(admin.site._registry[model], "list_per_page", rows)
        asked.append(queries(ada, list_of(model)))
    assert asked[0] == asked[1]


@EVERY
def test_a_row_opens_without_an_endless_box(ada: Client, model: type) -> None:
    ada.get(list_of(model))
    row = model._default_manager.order_by("pk").last()
    html = ada.get(page_of(model, row.pk)).content.decode()
    assert row is not None and max(boxes(html), default=0) <= 50


@EVERY
def test_a_new_row_opens_without_an_endless_box_where_one_may_be_added(ada: Client, model: type) -> None:
    answer = ada.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert answer.status_code in (200, 403)
    assert max(boxes(answer.content.decode()), default=0) <= 50


@LISTED
@pytest.mark.usefixtures("short_lists")
def test_a_list_is_searched_and_every_filter_opens(ada: Client, model: type) -> None:
    for text in ("a", "17", "é %_'\"", "no such thing at all"):
        assert ada.get(list_of(model), {"q": text}).status_code == 200
    html = ada.get(list_of(model)).content.decode()
    assert admin.site._registry[model].search_fields
    assert max(boxes(html), default=0) <= 50
    offered = {link for link in re.findall(r'href="(\?[^"]+)"', html) if "__" in link or "held" in link}
    for link in offered:
        assert ada.get(list_of(model, link.replace("&amp;", "&"))).status_code == 200, link


@LISTED
@pytest.mark.usefixtures("short_lists")
def test_text_and_autocomplete_filters_take_any_value(ada: Client, model: type) -> None:
    page = ada.get(list_of(model))
    for spec in page.context["cl"].filter_specs:
        for name in spec.expected_parameters():
            for value in ("1", "x'%"):
                answer = ada.get(list_of(model), {name: value})
                assert answer.status_code in (200, 302), (name, value)


@EVERY
def test_a_row_that_is_not_there_leads_back_with_a_message(ada: Client, model: type) -> None:
    answer = ada.get(page_of(model, 987_654_321), follow=True)
    assert answer.status_code == 200 and [str(m) for m in answer.context["messages"]]


@pytest.mark.parametrize("role", ["annotator", "reviewer", "lead", "machine"])
def test_nobody_but_admins_gets_in(role: str) -> None:
    client = signed_in(role)
    assert client.get("/admin/").status_code == 302
    for model in models():
        row = model._default_manager.order_by("pk").last()
        addresses = [list_of(model), page_of(model, row.pk if row else 1)]
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/"), address


def test_the_first_page_says_what_waits_and_the_menu_reaches_every_model(ada: Client) -> None:
    flagged = factories.ticket()
    flagged.status = "flagged"
    flagged.save()
    page = ada.get("/admin/")
    html = page.content.decode()
    needs = {need.link: need.count for need in page.context["needs"]}
    assert needs["/admin/annotation/ticket/?status__exact=flagged"] == 1
    assert needs["/admin/annotation/service/?is_active__exact=1&guideline__isempty=1"] == ROWS
    for link in [*needs, *(link for _, _, link in page.context["figures"])]:
        assert ada.get(link).status_code == 200, link
    missing = [model._meta.label for model in models() if f'href="{list_of(model)}"' not in html]
    assert missing == []


def test_the_admin_speaks_french_to_an_admin_who_does() -> None:
    admin_person = factories.person("amélie", "admin")
    admin_person.language = "fr"
    admin_person.save()
    client = Client()
    client.force_login(admin_person)
    html = client.get("/admin/").content.decode()
    assert "Règle d&#x27;entraînement" in html or "Règle d'entraînement" in html
    assert "Retrain policy" not in html


def test_the_word_lane_stands_on_no_page(ada: Client) -> None:
    for model in models():
        row = model._default_manager.order_by("pk").last()
        for address in [list_of(model), *([page_of(model, row.pk)] if row else [])]:
            text = re.sub(r"<[^>]+>", " ", ada.get(address, follow=True).content.decode())
            assert not re.search(r"\blane\b", text, re.IGNORECASE), address
