"""Keyword rules: what hits, which decides, and what a preview says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Ticket
from inference.models import KeywordRule
from inference.routing.rules import Preview, Rule, decide, plain, preview
from inference.routing.trying import rule_try
from tests import factories

REFUND = Rule(1, ("remboursé", "money back"), unless=("not a refund",))
PARCEL = Rule(2, ("parcel", "colis"))


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("Je veux être REMBOURSE !", 1),
        ("my money,\n back please", 1),
        ("Not a refund: money back", None),
        ("The parcel, then my money back", 1),
        ("Mon colis", 2),
        ("parcels", None),
        ("", None),
    ],
)
def test_the_first_rule_with_a_word_in_the_text_decides(text: str, service: int | None) -> None:
    assert decide([REFUND, PARCEL], text) == service


def test_a_rule_without_a_word_hits_nothing() -> None:
    assert decide([Rule(1, ()), Rule(2, ("", " !"))], "anything at all") is None


@given(st.text(max_size=60), st.lists(st.text(max_size=10), max_size=4))
def test_whatever_is_typed_as_a_word_is_taken_literally(text: str, words: list[str]) -> None:
    hits = Rule(1, tuple(words)).hits(plain(text))
    known = [plain(word).split() for word in words if plain(word)]
    said = plain(text).split()
    wanted = any(
        said[at : at + len(word)] == word for word in known for at in range(len(said) - len(word) + 1)
    )
    assert hits == wanted


def test_a_preview_counts_hits_first_hits_and_what_agrees_with_labels() -> None:
    tickets = [
        ("money back for the parcel", 1),
        ("parcel", 1),
        ("parcel", 2),
        ("hello", None),
        ("colis", None),
    ]
    assert preview([REFUND, PARCEL], tickets) == [Preview(1, 1, 1, 1), Preview(4, 3, 2, 1)]


@pytest.mark.django_db
def test_a_rule_switched_off_is_tried_in_its_place_without_touching_the_others() -> None:
    delivery, returns = factories.service("Delivery"), factories.service("Returns")
    factories.ticket("my parcel is lost")
    factories.ticket("the parcel came back")
    KeywordRule.objects.create(position=1, service=returns, words=["came back"])
    off = KeywordRule.objects.create(position=2, service=delivery, words=["parcel"], is_active=False)
    tried = rule_try(off)
    assert (tried.tickets, tried.preview) == (Ticket.objects.count(), Preview(hits=2, decides=1))
