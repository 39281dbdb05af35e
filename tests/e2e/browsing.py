"""Chromium as a person uses it, and a log of everything that a page must never do."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# (address, user name) -> the cookies of a sign-in of this session.
_SIGNED_IN: dict[tuple[str, str], Any] = {}

# The browser tells a page of each violation; a page that knows nothing of it still gets it recorded.
RECORD_VIOLATIONS = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}`));
"""


def find_chromium() -> str | None:
    """The browser on this machine, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass
class Misdeeds:
    """What went wrong in one context, in words. `allowed` are fragments of messages that a test provokes."""

    origin: str
    found: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        if not any(fragment in what for fragment in self.allowed):
            self.found.append(what)

    def guard(self, context: BrowserContext) -> None:
        """Refuse and record every request that leaves the host, and record errors on every page."""
        context.add_init_script(RECORD_VIOLATIONS)
        context.route(lambda url: not url.startswith((f"{self.origin}/", "data:", "blob:")), self._refuse)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.add(f"page error: {error.error}"))
        context.on("requestfailed", self._failed)

    def _refuse(self, route: Route) -> None:
        self.add(f"a request left the host: {route.request.url}")
        route.abort()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.add(f"console error: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        # A page that is left, or a query that is no longer wanted, ends its requests: no harm.
        if request.failure != "net::ERR_ABORTED":
            self.add(f"failed request: {request.method} {urlsplit(request.url).path} ({request.failure})")

    def look(self, page: Page) -> None:
        """Take in the policy violations that the page has seen so far."""
        for violation in page.evaluate("window.__violations.splice(0)"):
            self.add(f"content security policy: {violation}")


class Visitor:
    """One person in a browser of their own: cookies, storage, size, language and theme."""

    def __init__(self, browser: Browser, origin: str, **options: Any) -> None:
        settings = {"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"} | options
        self.origin = origin
        self.context = browser.new_context(base_url=origin, **settings)
        self.context.set_default_timeout(20_000)
        self.misdeeds = Misdeeds(origin)
        self.misdeeds.guard(self.context)
        self.page = self.context.new_page()

    def sign_in(self, name: str, password: str) -> None:
        """Sign in over the API with the context's cookies, as the sign-in page does. Once a person and session:
        sign-ins are limited."""
        if (self.origin, name) in _SIGNED_IN:
            self.context.add_cookies(_SIGNED_IN[self.origin, name])
            return
        token = self.context.request.get("/api/session/").json()["csrf_token"]
        headers = {"X-CSRFToken": token, "Referer": self.origin}
        answer = self.context.request.post(
            "/api/session/", data={"username": name, "password": password}, headers=headers
        )
        assert answer.ok, answer.text()
        _SIGNED_IN[self.origin, name] = self.context.cookies()

    def speak(self, language: str) -> None:
        """Choose the account's language, as the switch on the pages does."""
        token = self.call("/api/session/")["csrf_token"]
        headers = {"X-CSRFToken": token, "Referer": self.origin}
        told = self.context.request.patch("/api/me/", data={"language": language}, headers=headers)
        assert told.ok, told.text()

    def open(self, path: str) -> Page:
        """Go to a path and wait until its page is there and nothing loads any more."""
        self.page.goto(path)
        self.page.locator("h1").first.wait_for(state="attached")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def call(self, path: str) -> Any:
        """GET an address of the API as this person."""
        answer = self.context.request.get(path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()

    def close(self, pages: Iterable[Page] = ()) -> list[str]:
        """Close the browser window; returns what went wrong in it."""
        for page in [self.page, *pages]:
            if not page.is_closed():
                self.misdeeds.look(page)
        self.context.close()
        return self.misdeeds.found
