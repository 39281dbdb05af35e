"""Teach and Check as a person's eyes and hands meet them."""

from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visitor

TEXT = "[data-testid=ticket-text]"


class Desk:
    """One person before Teach or Check, keyboard only."""

    def __init__(self, visitor: Visitor, mode: str = "teach") -> None:
        self.visitor = visitor
        self.mode = mode
        self.page: Page = visitor.page

    def open(self) -> "Desk":
        self.page.goto(f"/{self.mode}")
        expect(self.page.locator(TEXT)).to_be_visible()
        self.page.wait_for_load_state("networkidle")
        return self

    @property
    def text(self) -> str:
        """The words of the ticket on the screen."""
        return self.page.locator(TEXT).inner_text()

    @property
    def reason(self) -> str:
        """Why this ticket, in words."""
        return self.page.locator("article p.text-muted").first.inner_text()

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def next_after(self, key: str) -> str:
        """Press a key and wait until another ticket is on the screen; returns its text."""
        before = self.text
        self.press(key)
        expect(self.page.locator(TEXT)).not_to_have_text(before, use_inner_text=True)
        return self.text

    def given(self, key: str) -> dict:
        """Press the key that answers; returns the decision as the server keeps it once the page says it is saved."""
        with self.page.expect_response("**/api/queue/submit/") as sent:
            self.next_after(key)
        assert sent.value.ok, sent.value.text()
        expect(self.page.get_by_role("status").filter(has_text="saved").first).to_be_visible()
        return sent.value.json()["annotation"]

    def until(self, is_wanted, key: str = "Space", most: int = 40) -> str:
        """Skip until the ticket on the screen is one that is wanted; returns its text."""
        for _ in range(most):
            if is_wanted(self):
                return self.text
            self.next_after(key)
        raise AssertionError(f"none of {most} tickets was wanted; the last one: {self.reason}")
