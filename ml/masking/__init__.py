"""Rules that replace personal data by a token: e-mail, phone, IBAN, card, order and customer numbers.

French and English, standard library only. The rules keep what a service is recognised by: prices, dates,
times, small quantities, postcodes, years and product names. Each pattern starts at a token boundary and
repeats a bounded or a possessive number of times, so a text costs time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ml.masking.contacts import mask_email, mask_phone
from ml.masking.payment import mask_card, mask_iban
from ml.masking.records import mask_customer, mask_order
from ml.masking.replacing import FLAGS

__all__ = ["Masked", "mask"]

PASSES = 10
"""Replacing one number can uncover another; the windows are so short that two or three passes are enough."""


@dataclass(frozen=True)
class Masked:
    """A text without personal data, and how many values of each kind were replaced."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)


def mask(text: str) -> Masked:
    """Replace personal data by [EMAIL] [PHONE] [IBAN] [CARD] [ORDER] [CUSTOMER]. Idempotent.

    ``counts`` has a key (``email``, ``phone``…) only for what was found.
    """
    counts: dict[str, int] = {}
    for _ in range(PASSES):
        if not _WORTH_A_LOOK.search(text):
            break
        before = text
        for kind, rule in _RULES:
            text, found = rule(text)
            if found:
                counts[kind] = counts.get(kind, 0) + found
        if text == before:
            break
    return Masked(text, counts)


_WORTH_A_LOOK = re.compile(r"@|[\[(] ?(?:at|arobase|chez) ?[\])]|\d\D*+\d\D*+\d", FLAGS)
_RULES: tuple[tuple[str, Callable[[str], tuple[str, int]]], ...] = (
    ("email", mask_email),
    ("iban", mask_iban),
    ("card", mask_card),
    ("customer", mask_customer),
    ("order", mask_order),
    ("phone", mask_phone),
)
