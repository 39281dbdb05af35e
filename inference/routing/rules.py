"""Keyword rules: the first that hits names the service. Pure functions over plain values."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Rule:
    """Hits when one of ``words`` is in the text and none of ``unless``; see ``plain`` for what counts as the same."""

    service_id: int
    words: tuple[str, ...]
    unless: tuple[str, ...] = ()

    def hits(self, text: str) -> bool:
        """Whether it hits a text as ``plain`` gives it."""
        wanted, unwanted = _pattern(self.words), _pattern(self.unless)
        return bool(wanted and wanted.search(text)) and not (unwanted and unwanted.search(text))


def plain(text: str) -> str:
    """Lower case, without accents, every run of anything but letters and digits one blank."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare.casefold()))


@lru_cache(1024)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    known = sorted({plain(word) for word in words} - {""}, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, known))})\b") if known else None


def decide(rules: Iterable[Rule], text: str) -> int | None:
    """The service of the first rule that hits, None when none does."""
    bare = plain(text)
    return next((rule.service_id for rule in rules if rule.hits(bare)), None)


@dataclass(frozen=True)
class Preview:
    """What rules would do to some tickets: how many a rule hits at all, and how many it decides.

    ``right`` of the ``labelled`` tickets that it decides carry its service.
    """

    hits: int = 0
    decides: int = 0
    labelled: int = 0
    right: int = 0


def preview(rules: Sequence[Rule], tickets: Iterable[tuple[str, int | None]]) -> list[Preview]:
    """A line a rule, over tickets as (text, service id of the label if any)."""
    counts = [[0, 0, 0, 0] for _ in rules]
    for text, label in tickets:
        bare = plain(text)
        hit = [at for at, rule in enumerate(rules) if rule.hits(bare)]
        for at in hit:
            counts[at][0] += 1
        if hit:
            first = counts[hit[0]]
            first[1] += 1
            first[2] += label is not None
            first[3] += label == rules[hit[0]].service_id
    return [Preview(*count) for count in counts]
