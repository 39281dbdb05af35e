"""Noise on training rows: what it never touches, and that it is drawn from the seed alone."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.augment import MOST_COPIES, noisy, noisy_copies
from ml.schema import TrainingRow
from ml.text import mask

WORDS = [
    "colis",
    "Parcel",
    "cassé",
    "reçu",
    "my",
    "45",
    "€",
    "?",
    "l'été",
    "[EMAIL]",
    "[ORDER],",
    "A@b.fr",
    "rn",
    "",
]
MESSAGES = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=200)
LEVELS = st.floats(0, 1)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), MESSAGES), max_size=25).map(
    lambda pairs: [TrainingRow(str(i), text, label, f"g{i}", 0.5) for i, (label, text) in enumerate(pairs)]
)


@given(MESSAGES, st.integers(0, 99), LEVELS)
def test_masked_tokens_numbers_and_addresses_come_out_as_they_went_in(
    text: str, seed: int, level: float
) -> None:
    kept = re.compile(r"\S*[\d@\[\]]\S*")
    before = [word for word in text.split() if kept.fullmatch(word)]
    after = noisy(text, Random(seed), level).split()
    left = iter(after)
    assert all(word in left for word in before), (text, after)


@given(MESSAGES, st.integers(0, 99), LEVELS)
def test_the_same_seed_gives_the_same_noise_and_lines_stay_lines(text: str, seed: int, level: float) -> None:
    found = noisy(text, Random(seed), level)
    assert found == noisy(text, Random(seed), level)
    assert found.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["", "   ", "[EMAIL]", "12 34", "???", "[ORDER] 45 € @"])
def test_a_text_without_a_plain_word_is_left_alone(text: str) -> None:
    assert noisy(text, Random(1), 1.0) == text


def many(text: str, level: float = 0.1) -> set[str]:
    return {noisy(text, Random(seed), level) for seed in range(400)}


def test_every_kind_of_slip_comes_up_in_french_and_in_english() -> None:
    english, french = many("Modern parcel where is my money"), many("Où est mon colis reçu à Paris")
    assert any("Modem" in one or "rnoney" in one for one in english), "as a scanner reads it"
    assert any("parcelwhere" in one for one in english), "a space lost"
    assert any(len(one.split()) == 7 for one in english), "a word split"
    assert any(one.isupper() for one in english) and any(one.islower() for one in english)
    assert any(one.startswith("Ou ") and "recu" in one for one in french), "accents lost"
    assert any("Pâris" in one or "côlis" in one or "ést" in one or "èst" in one for one in french), (
        "a wrong accent"
    )


def test_keys_are_those_of_the_language_s_keyboard() -> None:
    assert "zvec" in " ".join(many("mon colis avec une fleur")), "z lies beside a in France"
    assert "zvec" not in " ".join(many("when avec where what"))
    assert "qsk" in " ".join(many("to ask where what")), "q lies above a elsewhere"


@given(ROWS, st.floats(0, 2), st.integers(0, 12), st.integers(0, 5), st.randoms())
def test_copies_fill_each_label_and_depend_on_rows_and_seed_alone(
    rows: list[TrainingRow], share: float, floor: int, seed: int, order: Random
) -> None:
    copies = noisy_copies(rows, share=share, floor=floor, level=0.2, seed=seed)
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert noisy_copies(shuffled, share=share, floor=floor, level=0.2, seed=seed) == copies
    own, more = Counter(row.label for row in rows), Counter(row.label for row in copies)
    for label, count in own.items():
        assert more[label] <= MOST_COPIES * count
        assert count + more[label] >= min(floor, (1 + MOST_COPIES) * count)
    sources = {row.id: row for row in rows}
    for copy in copies:
        source = sources[copy.id.split("~")[0]]
        assert (copy.label, copy.group, copy.weight) == (source.label, source.group, source.weight)
        assert copy.origin == "noise"
    assert len({copy.id for copy in copies}) == len(copies)


def test_nothing_is_asked_for_nothing_is_made() -> None:
    rows = [TrainingRow(str(n), "where is my parcel", "a", str(n)) for n in range(5)]
    assert noisy_copies(rows, share=0, floor=0, level=0.1, seed=0) == []
    assert noisy_copies(rows, share=0, floor=5, level=0.1, seed=0) == []
    assert len(noisy_copies(rows, share=0, floor=7, level=0.1, seed=0)) == 2


def test_noise_makes_nothing_that_masking_would_take_for_personal_data() -> None:
    text = "Hello, my order [ORDER] sold to Lola on the loose, call [PHONE] or [EMAIL] please"
    for seed in range(300):
        found = noisy(text, Random(seed), 0.5)
        assert mask(found).text == found


def test_a_very_long_text_takes_no_longer_than_its_length() -> None:
    assert len(noisy("word " * 200_000, Random(0), 0.1)) > 900_000
