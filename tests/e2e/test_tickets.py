"""The table of tickets and a ticket's page: an address that can be shared, the keyboard, a decision taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.desk import TEXT


@pytest.fixture
def reviewer(demo, visit):
    return visit(demo, "reviewer")


def shown(page: Page) -> list[int]:
    """The tickets of the table, in its order."""
    return [int(row.get_attribute("data-ticket")) for row in page.locator("[data-ticket]").all()]


def by_api(visitor, **query: str) -> list[int]:
    address = "/api/tickets/?" + "&".join(f"{name}={value}" for name, value in query.items())
    return [row["id"] for row in visitor.call(address)["results"]]


@pytest.mark.parametrize("column", ["Uncertainty", "Outlier"])
def test_a_press_on_a_columns_head_sorts_highest_first_and_another_turns_it(reviewer, column):
    page = reviewer.open("/tickets")
    head = page.get_by_role("columnheader", name=column)
    for way, sign in (("descending", "-"), ("ascending", "")):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", way)
        expect(page).to_have_url(re.compile(f"sort={sign}{column.lower()}$"))
        expect(page.locator("[data-ticket]").first).to_have_attribute(
            "data-ticket", str(by_api(reviewer, sort=f"{sign}{column.lower()}")[0])
        )


def test_search_and_filters_are_in_the_address_so_that_the_view_can_be_shared(reviewer):
    page = reviewer.open("/tickets")
    page.keyboard.press("/")
    page.keyboard.type("parcel")
    expect(page).to_have_url(re.compile(r"q=parcel"))
    page.get_by_role("combobox", name="Language").select_option("en")
    expect(page).to_have_url(re.compile(r"language=en"))
    address = page.url.removeprefix(reviewer.origin)
    wanted = by_api(reviewer, q="parcel", language="en")
    assert wanted and shown(reviewer.open(address)) == wanted


def test_the_keyboard_walks_opens_goes_on_and_comes_back_to_the_same_row(reviewer):
    page = reviewer.open("/tickets?sort=-outlier")
    first, second = shown(page)[:2]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/tickets/{first}$"))
    expect(page.locator(TEXT)).to_be_visible()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"/tickets/{second}$"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/tickets\?sort=-outlier$"))
    expect(page.locator(f'[data-ticket="{second}"]')).to_be_focused()


def test_a_reviewer_changes_a_tickets_service_and_takes_it_back(reviewer):
    ticket = by_api(reviewer, status="labelled")[0]
    before = reviewer.call(f"/api/tickets/{ticket}/")["label"]
    services = reviewer.call("/api/services/")["results"]
    other = next(one for one in services if one["is_active"] and one["id"] != before["service_id"])
    page = reviewer.open(f"/tickets/{ticket}")
    page.keyboard.press("r")
    page.get_by_placeholder("Filter the services").fill(other["name"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert reviewer.call(f"/api/tickets/{ticket}/")["label"]["service_id"] == other["id"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()
    assert reviewer.call(f"/api/tickets/{ticket}/")["label"] == before


def test_a_search_without_a_match_says_so_and_starts_over(reviewer):
    page = reviewer.open("/tickets?q=nothing-like-this-anywhere")
    expect(page.get_by_text("No ticket matches")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Clear filters").last.click()
    expect(page.locator("[data-ticket]").first).to_be_visible()
