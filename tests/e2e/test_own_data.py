"""`make up`: from an empty installation to the first answer, and a colleague who joins."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotation.demo.corpus import generate
from tests.e2e import axe
from tests.e2e.desk import TEXT, Desk
from tests.e2e.shots import shoot

PASSWORD = "grey heron over the lock"
TICKETS = 60


@pytest.fixture
def history(tmp_path) -> Path:
    """Past tickets as a shop would export them; one row has lost its text."""
    path = tmp_path / "tickets-2026.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["number", "message", "received", "channel"])
        for ticket in generate(TICKETS):
            rows.writerow(
                [ticket.external_id, ticket.text, ticket.received_at.isoformat(" "), ticket.channel]
            )
        rows.writerow(["T-999999", "", "2026-11-20 10:00", "email"])
    return path


def _make_account(page: Page, name: str, shown: str, button: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Name to show").fill(shown)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def _set_up(page: Page) -> None:
    page.goto("/")
    page.wait_for_url("**/setup")
    expect(page.get_by_role("heading", name="Create the first administrator")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert axe.violations(page) == []
    shoot(page, "setup")
    _make_account(page, "maud", "Maud Leroy", "Create the account")
    expect(page.get_by_role("heading", name="Welcome, Maud Leroy")).to_be_visible()
    shoot(page, "setup-steps")


def _create_services(page: Page) -> None:
    page.get_by_role("link", name="Create services").click()
    for name in ("Delivery", "Refunds", "Account"):
        page.get_by_label("New service").fill(name)
        page.keyboard.press("Enter")
        expect(
            page.get_by_role("region", name="Services").get_by_text(name, exact=True).first
        ).to_be_visible()
    shoot(page, "services-first")


def _import(page: Page, file: Path) -> None:
    page.get_by_role("status").get_by_role("link", name="Import tickets").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_label("Text of the ticket")).to_have_value("message")
    expect(page.get_by_label("Ticket number")).to_have_value("number")
    shoot(page, "import-preview")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"{file.name} is in")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("The text is empty.")).to_be_visible()
    expect(page.get_by_text("Masked:")).to_be_visible()
    shoot(page, "import-report")


def _teach(page: Page, desk: Desk) -> None:
    page.get_by_role("main").get_by_role("link", name="Teach").first.click()
    # The machine reads the tickets first: a program is started and a model loaded for it.
    expect(page.locator(TEXT)).to_be_visible(timeout=180_000)
    shoot(page, "teach-first")
    page.wait_for_load_state("networkidle")
    assert desk.given("1")["kind"] == "label"


def test_an_empty_installation_leads_from_the_first_administrator_to_the_first_answer_of_a_colleague(
    empty, visit, history
):
    assert empty.session()["needs_setup"]
    first = visit(empty)
    # Nobody is signed in when the page first asks.
    _set_up(first.page)
    _create_services(first.page)
    _import(first.page, history)
    _teach(first.page, Desk(first))
    # One row had no text, and equal texts are one ticket each.
    assert first.call("/api/tickets/")["total"] == TICKETS

    first.page.goto("/people")
    first.page.get_by_role("button", name="Make the link").click()
    link = first.page.get_by_label("Link for somebody, as Annotator")
    expect(link).to_be_visible()
    shoot(first.page, "people-invited")

    second = visit(empty)
    second.page.goto(link.input_value())
    expect(second.page.get_by_role("heading", name="Maud Leroy invites you to Aiguilleur")).to_be_visible()
    second.page.wait_for_load_state("networkidle")
    assert axe.violations(second.page) == []
    shoot(second.page, "invite")
    _make_account(second.page, "noe", "Noé Petit", "Join")
    second.page.wait_for_url("**/home")
    desk = Desk(second).open()
    assert desk.given("2")["kind"] == "label"
    assert {one["role"] for one in first.call("/api/people/")["results"]} >= {"admin", "annotator"}

    third = visit(empty)
    third.misdeeds.allowed += ["404", "410"]
    third.page.goto(link.input_value())
    expect(third.page.get_by_text("This link does not work any more")).to_be_visible()


def test_an_installation_that_has_its_administrator_makes_no_second_one(demo, visit):
    visitor = visit(demo)
    visitor.open("/setup")
    expect(visitor.page.get_by_text("This installation is set up")).to_be_visible()
    assert visitor.page.get_by_role("button", name="Create the account").count() == 0
