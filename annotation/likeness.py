"""How much two texts say the same, by their words: pure, and cheap enough to hold one against thousands."""

import re
import unicodedata

COPY = 0.75
"""From this share of common words on, a text teaches nothing that the other does not. "Where is my parcel?" and "Where
is my card?" share .6."""
FEWEST_WORDS = 3

Words = frozenset[str]
_WORD = re.compile(r"[^\W\d_]+")


def words(text: str) -> Words:
    """The words of a text without accents, case and numbers."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return frozenset(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def likeness(one: Words, other: Words) -> float:
    """Common words over all words of both (Jaccard), 0..1; 0 for texts without words."""
    return len(one & other) / len(one | other) if one or other else 0.0
