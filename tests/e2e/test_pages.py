"""Every page, for every role, opens as it should: complete, accessible, within the screen, within the host."""

import os
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page as Tab

from tests.e2e import axe
from tests.e2e.browsing import DESKTOP, PHONE, Visitor
from tests.e2e.routes import ROLES, Page, pages, rows_to_open
from tests.e2e.shots import shoot


@dataclass(frozen=True)
class Look:
    """How a person's screen is set up."""

    name: str
    viewport: dict[str, int]
    theme: str
    language: str

    @property
    def options(self) -> dict[str, object]:
        touch = {"has_touch": True, "is_mobile": True} if self.viewport == PHONE else {}
        locale = "fr-FR" if self.language == "fr" else "en-GB"
        return {"viewport": self.viewport, "color_scheme": self.theme, "locale": locale} | touch


# Each pair of width, theme and language meets in one of these four.
LOOKS = [
    Look("desktop-light-en", DESKTOP, "light", "en"),
    Look("desktop-dark-fr", DESKTOP, "dark", "fr"),
    Look("phone-light-fr", PHONE, "light", "fr"),
    Look("phone-dark-en", PHONE, "dark", "en"),
]
# Every page that there is, is seen in either width, theme and language: by a lead, and by an admin, who has all of a
# lead's pages. With E2E_LOOKS=all a lead sees them in all four looks.
OPPOSITE = Look("phone-light-en", PHONE, "light", "en")
SEEN = [("lead", LOOKS[1]), ("admin", OPPOSITE), ("annotator", OPPOSITE), ("reviewer", LOOKS[1])]
if os.environ.get("E2E_LOOKS") == "all":
    SEEN += [("lead", look) for look in LOOKS if look != LOOKS[1]]
OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return null;
  const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > wide + 1);
  return out.slice(0, 3).map((one) => one.outerHTML.slice(0, 160));
}"""


def faults(tab: Tab, page: Page) -> list[str]:
    """What is wrong with the page now open, in words."""
    found = [f"axe: {violation}" for violation in axe.violations(tab)]
    if (wide := tab.evaluate(OVERFLOW)) is not None:
        found.append(f"wider than the screen: {wide}")
    if tab.locator("h1:visible").count() != 1:
        found.append(f"{tab.locator('h1:visible').count()} headings h1")
    for notice in tab.locator("main [role=alert]:visible").all():
        found.append(f"an error on a healthy page: {notice.inner_text()[:200]}")
    if missing := tab.get_by_text(_raw_key(), exact=True).all_inner_texts():
        found.append(f"untranslated: {missing}")
    return [f"{page.path}: {fault}" for fault in found]


def _raw_key() -> object:
    import re

    return re.compile(r"^[a-z_]+(\.[a-z_]+){1,3}$")


def _open_all(visitor: Visitor, role: str, ids: dict[str, str], look: Look) -> list[str]:
    found = []
    for page in pages():
        if not page.role or not page.is_for(role) or not page.has_row(ids):
            continue
        tab = visitor.open(page.address(ids))
        if tab.url.split("?")[0] != visitor.origin + page.address(ids):
            found.append(f"{page.path}: a {role} lands on {tab.url}")
            continue
        found += faults(tab, page)
        shoot(tab, f"{page.name}-{role}-{look.name}")
    return found


@pytest.mark.parametrize(
    ("role", "look"), SEEN, ids=lambda value: value if isinstance(value, str) else value.name
)
def test_every_page_of_a_role_is_whole_accessible_and_fits(demo, visit, role, look):
    ids = rows_to_open(visit(demo, "lead"))
    visitor = visit(demo, role, language=look.language, **look.options)
    assert _open_all(visitor, role, ids, look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_pages_before_sign_in_are_whole_accessible_and_fit(demo, visit, look):
    visitor = visit(demo, language=look.language, **look.options)
    tab = visitor.open("/login")
    found = faults(tab, next(page for page in pages() if page.name == "login"))
    shoot(tab, f"login-nobody-{look.name}")
    assert found == []


@pytest.mark.parametrize("role", ROLES[:-2])
def test_a_page_above_ones_role_leads_home_and_says_so(demo, visit, role):
    visitor = visit(demo, role)
    for page in pages():
        if page.role and not page.is_for(role):
            tab = visitor.open(page.address({"run": "1", "model": "1", "dossier": "1"}))
            assert "/home?refused=" in tab.url, page.path
            assert tab.get_by_role("status").filter(has_text="Your role does not open").count() == 1


def test_a_page_behind_the_sign_in_comes_back_after_it(demo, visit):
    visitor = visit(demo)
    tab = visitor.open("/check")
    assert "/login?next=" in tab.url
    name, password = demo.accounts()["annotator"]
    tab.get_by_label("User name").fill(name)
    tab.get_by_label("Password", exact=True).fill(password)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_url("**/check")


def test_the_pages_policy_allows_this_host_alone(demo, visit):
    visitor = visit(demo)
    answer = visitor.context.request.get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert (
        policy["default-src"]
        == policy["script-src"]
        == policy["style-src"]
        == policy["connect-src"]
        == "'self'"
    )
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"


def test_a_script_from_elsewhere_is_refused_by_the_policy_and_the_tests_see_it(demo, visit):
    visitor = visit(demo)
    tab = visitor.open("/login")
    visitor.misdeeds.allowed += ["Content Security Policy", "content security policy", "failed request"]
    refused = tab.evaluate(
        """() => new Promise((resolve) => {
          const script = Object.assign(document.createElement("script"), {src: "https://elsewhere.example/x.js"});
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
          document.head.append(script);
        })"""
    )
    assert refused == "script-src-elem"
    assert tab.evaluate("window.__violations.length") == 1
