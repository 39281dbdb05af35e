"""Text rules: normalisation, hashes, near-duplicate groups and the masking of personal data.

Standard library only, so that anybody may import it. Every function takes linear time in the length of
the text: the patterns start at token boundaries and repeat a bounded or possessive number of times.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
import unicodedata
from functools import lru_cache

from ml.masking import Masked, mask

__all__ = ["Masked", "audit_rank", "group_key", "mask", "normalise", "text_hash"]

LONGEST_MARK_RUN = 30
"""Combining marks kept in one run (the limit of Unicode's stream-safe text, UAX 15)."""

_ASCII_LETTERS = {code: chr(code).lower() if chr(code).isalpha() else None for code in range(128)}


def normalise(text: str) -> str:
    """The text in NFKC, casefolded, each run of white space one space, none at the ends. Idempotent."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = _stream_safe(text)
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).casefold().split())


def text_hash(text: str) -> str:
    """32 hex digits of the normalised text: equal for texts that differ by case and spacing only."""
    return _digest(normalise(text))


def group_key(text: str) -> str:
    """32 hex digits naming the near-duplicate group of a text.

    Accents, case, punctuation, digits and spacing are ignored. A text without a single letter is its own
    group, by its normalised form: "12" and "???" have nothing in common.
    """
    letters = _letters(text)
    return _digest("letters:" + letters) if letters else _digest("text:" + normalise(text))


def audit_rank(salt: str, group: str) -> int:
    """The place of a group in the secret random order of the audit reserve: 63 bits, not negative.

    A group belongs to the reserve when ``audit_rank < share * 2**63``.
    """
    digest = hmac.new(_utf8(salt), _utf8(group), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _letters(text: str) -> str:
    if text.isascii():
        return text.translate(_ASCII_LETTERS)
    decomposed = unicodedata.normalize("NFKD", _stream_safe(text)).casefold()
    return "".join(filter(_is_letter, unicodedata.normalize("NFKD", decomposed)))


@lru_cache(maxsize=4096)
def _is_letter(character: str) -> bool:
    # Latin accents (U+0300 to U+036F) are ignored; the marks of other scripts carry vowels.
    if "\u0300" <= character <= "\u036f":
        return False
    return unicodedata.category(character)[0] in "LM"


def _stream_safe(text: str) -> str:
    # unicodedata sorts a run of combining marks by insertion: a long run would take quadratic time.
    if len(text) <= 2000:
        return text
    return _long_mark_run().sub(r"\1", text)


@lru_cache(maxsize=1)
def _long_mark_run() -> re.Pattern[str]:
    marks = [code for code in range(0x300, sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    inside = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return re.compile(f"([{inside}]{{{LONGEST_MARK_RUN}}})[{inside}]++")


def _digest(text: str) -> str:
    return hashlib.blake2b(_utf8(text), digest_size=16).hexdigest()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
