"""What the rules share: separators of digit groups, and replacing what a pattern finds."""

from __future__ import annotations

import re
from collections.abc import Callable

SEPARATOR = "[ .\\-\u00a0\u2009\u202f\u2010-\u2013]"
FLAGS = re.IGNORECASE


def any_match(match: re.Match[str]) -> bool:
    """Take whatever the pattern finds."""
    return True


def replace(
    rule: re.Pattern[str], text: str, token: str, accept: Callable[[re.Match[str]], bool]
) -> tuple[str, int]:
    """Replace the matches that ``accept`` takes by the token; returns the text and how many."""
    found = 0

    def substitute(match: re.Match[str]) -> str:
        nonlocal found
        if not accept(match):
            return match[0]
        found += 1
        return token

    return rule.sub(substitute, text), found
