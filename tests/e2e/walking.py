"""The tour's second half, from the last judgements to the way back; and the person who walks it."""

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Response, expect

from tests.e2e.browsing import Visitor
from tests.e2e.guide import Step
from tests.e2e.installation import Site
from tests.e2e.oracle import Oracle
from tests.e2e.shots import shoot

# On two cores nothing in the demo takes longer; a busy machine may ask for more.
WAIT = 90.0 * float(os.environ.get("E2E_PATIENCE", "1"))
ALL_WORDS = """() => [document.body.innerText, ...[...document.querySelectorAll("[aria-label], [title]")].flatMap(
  (one) => [one.ariaLabel ?? "", one.title])].join(" ")"""


class Walk:
    """One person on the tour. Remembers what the pages said, and where the loop stood at the start.

    `second` opens a window for the other lead; `token` is the desk's, once it has one.
    """

    def __init__(self, visitor: Visitor, site: Site, second: Callable[[], Visitor]) -> None:
        self.visitor = visitor
        self.site = site
        self.second = second
        self.token = ""
        self.page: Page = visitor.page
        self.before = self.loop()
        self.said = ""

    def loop(self) -> dict[str, Any]:
        return self.visitor.call("/api/loop/")

    def go(self, name: str) -> None:
        """Follow the entry of the side bar."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()
        expect(self.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()
        self.page.wait_for_load_state("networkidle")

    def wait(self, what: str, ready: Callable[[], Any]) -> Any:
        """Wait, at most WAIT seconds, until `ready()` is true; returns it."""
        deadline = time.monotonic() + WAIT
        while not (found := ready()):
            assert time.monotonic() < deadline, f"{what}: not within {WAIT:.0f} s; the loop: {self.loop()}"
            self.page.wait_for_timeout(500)
        return found

    def hear(self, page: Page | None = None) -> None:
        """Take in the words now on the page, those read out to the blind included."""
        self.said += " ".join((page or self.page).evaluate(ALL_WORDS).split()) + " "

    def curl(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Ask as the desk does."""
        self.token = self.token or self.site.token()
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        said = json.dumps(body).encode() if body is not None else None
        call = urllib.request.Request(f"{self.site.address}{path}", said, headers)  # noqa: S310
        with urllib.request.urlopen(call, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))

    def box(self, name: str) -> Any:
        """A box of the loop's picture."""
        return self.page.locator("article").filter(
            has=self.page.get_by_role("heading", name=name, exact=True)
        )


PAIRS = 10
MOST_PAIRS = 40


def judge_the_last_ten_pairs(walk: Walk, step: Step) -> None:
    claims: list[Response] = []
    walk.page.on(
        "response", lambda one: claims.append(one) if one.url.endswith("/api/judging/claim/") else None
    )
    walk.go("Compare answers")
    oracle = Oracle(0, "UTC")
    services = {one["code"]: one for one in walk.visitor.call("/api/services/")["results"]}
    walk.wait("the first pair", lambda: claims)
    for given in range(MOST_PAIRS):
        if given >= PAIRS and walk.visitor.call("/api/observation/")["observation"]["state"] != "running":
            return
        walk.hear()
        if given == 2:
            shoot(walk.page, "tour-judge")
        pair = claims[-1].json()["pair"]
        seen = len(claims)
        _judge(walk.page, pair, services.get(oracle.code(pair["text"]) or ""))
        walk.wait("the next pair", lambda seen=seen: len(claims) > seen)
        walk.page.wait_for_load_state("networkidle")


def _judge(page: Page, pair: dict[str, Any], service: dict[str, Any] | None) -> None:
    """Say what somebody who knows the shop says of a pair; `service`: where the ticket belongs, None: to nobody."""
    answers = [pair["first_service_id"], pair["second_service_id"]]
    right = service["id"] if service else None
    if pair["are_same"]:
        page.keyboard.press("b" if answers[0] == right else "u")
    elif right in answers:
        page.keyboard.press(str(answers.index(right) + 1))
    elif None in answers:
        page.keyboard.press(str(answers.index(None) + 1))
    else:
        page.keyboard.press("n")
        page.get_by_placeholder("Filter the services").fill(service["name"] if service else "")
        if service:
            page.keyboard.press("Enter")
        else:
            page.get_by_role("button", name="None of our services").click()


def read_the_verdict_and_ask_for_the_promotion(walk: Walk, step: Step) -> None:
    walk.go("Observation")
    expect(walk.page.get_by_text("Sufficient: it may take")).to_be_visible()
    walk.page.get_by_role("button", name="Ask for version 2 to route").click()
    walk.page.get_by_label("Why should it take over?").fill("It costs people less than the rules.")
    walk.hear()
    shoot(walk.page, "tour-verdict")
    walk.page.get_by_role("button", name="Ask for version 2 to route").click()
    second = walk.page.get_by_text("Another lead has to approve what you asked for.")
    walk.wait("the way back is rehearsed", second.is_visible)


def let_a_second_person_approve(walk: Walk, step: Step) -> None:
    ada = walk.second()
    page = ada.open("/observation")
    expect(page.get_by_text("The way back was rehearsed: it works.")).to_be_visible()
    walk.hear(page)
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("button", name="Approve", exact=True).click()
    routes = page.get_by_text("Version 2 routes.")
    walk.wait("version 2 is in production", routes.is_visible)
    walk.hear(page)
    walk.wait(
        "its endpoint answers",
        lambda: ada.call("/api/production/")["production"]["state"] == "in_service",
    )


def route_a_ticket(walk: Walk, step: Step) -> None:
    (path, ordinary), (_, odd) = step.calls
    codes = {one["code"] for one in walk.visitor.call("/api/services/")["results"]}
    said = walk.curl(path, ordinary)
    assert said["service"] in codes and said["model_version"] == 2, said
    said = walk.curl(path, odd)
    assert said["service"] is None and said["escalate"] in ("uncertain", "out_of_scope"), said


def answer_the_customer_who_waits(walk: Walk, step: Step) -> None:
    ((path, _),) = step.calls
    assert walk.curl(path, None)["state"] == "waiting"
    walk.page.reload()  # what Teach had fetched before is older than the customer
    walk.go("Teach")
    expect(walk.page.get_by_text("A customer is waiting").first).to_be_visible()
    expect(walk.page.get_by_test_id("ticket-text")).to_contain_text("lion tamers")
    walk.hear()
    shoot(walk.page, "tour-waiting")
    walk.page.keyboard.press("n")
    answer = walk.wait("the desk has the answer", lambda: walk.curl(path, None)["answer"])
    assert answer["kind"] == "none"
    walk.go("Customers waiting")
    expect(walk.page.get_by_text("nobody is waiting")).to_be_visible()


def go_back(walk: Walk, step: Step) -> None:
    walk.go("Observation")
    walk.page.get_by_role("button", name="Roll back").click()
    walk.page.get_by_label("Everything goes to people from this moment. Why?").fill("The tour is over.")
    walk.hear()
    walk.page.get_by_role("button", name="Roll back").click()
    expect(walk.page.get_by_text("No version: everything goes to people.")).to_be_visible()
    expect(walk.page.get_by_text(re.compile("rolled back version 2")).first).to_be_visible()
    said = walk.curl("/api/route/", {"external_id": "TOUR-3", "text": "Where is my parcel?"})
    assert said["service"] is None, said
