"""Personal data that looks real and belongs to nobody: the masking rules must see it.

Phones are from the ranges Arcep and Ofcom reserve for fiction, e-mail addresses from reserved domains, IBANs
and cards carry right check digits so that checking maskers accept them; the bank codes do not exist.
"""

from __future__ import annotations

import unicodedata
from random import Random


def plain(text: str) -> str:
    """Lower case without accents, for addresses."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in decomposed if char.isalnum() and char.isascii())


def email(first: str, last: str, rng: Random) -> str:
    a, b = plain(first), plain(last)
    local = rng.choice(
        (f"{a}.{b}", f"{a}{b}", f"{a[0]}{b}", f"{b}.{a}", f"{a}.{b}{rng.randint(1, 99)}", f"{a}_{b}")
    )
    domains = ("example.com", "example.org", "example.net", "mail.example", "poste.example")
    return f"{local}@{rng.choice(domains)}"


def phone(language: str, rng: Random) -> str:
    if language == "fr":
        stem = rng.choice(("063998", "019900", "026191", "035301", "046571", "053649"))
        digits = stem + f"{rng.randint(0, 9999):04d}"
        pairs = [digits[i : i + 2] for i in range(0, 10, 2)]
        style = rng.randrange(4)
        if style == 3:
            return "+33 " + pairs[0][1] + " " + " ".join(pairs[1:])
        return (" ", ".", "")[style].join(pairs)
    tail = f"{rng.randint(0, 999):03d}"
    return rng.choice(
        (
            f"07700 900{tail}",
            f"07700900{tail}",
            f"+44 7700 900{tail}",
            f"020 7946 0{tail}",
            f"0161 496 0{tail}",
        )
    )


def order(rng: Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    return rng.choice((f"BR-{number}", f"BR-{number}", f"BR{number}", f"{number}", f"#{number}"))


def customer(rng: Random) -> str:
    return rng.choice(("C-{}", "{}", "CL{}")).format(rng.randint(100_000, 999_999))


def tracking(rng: Random) -> str:
    letters = rng.choice(("6A", "XY", "8R", "CB", "LK"))
    return f"{letters}{rng.randint(10**10, 10**11 - 1)}"


def iban(language: str, rng: Random) -> str:
    """IBAN with right check digits of a bank that does not exist."""
    if language == "fr":
        country, bban = "FR", "99999" + "".join(str(rng.randint(0, 9)) for _ in range(18))
    else:
        country, bban = "GB", "ZZZZ" + "".join(str(rng.randint(0, 9)) for _ in range(14))
    digits = "".join(str(int(char, 36)) for char in f"{bban}{country}00")
    text = f"{country}{98 - int(digits) % 97:02d}{bban}"
    if rng.random() < 0.6:
        return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    return text


def card(rng: Random) -> str:
    """Sixteen digits that pass Luhn, in the prefix card schemes use for tests."""
    body = [int(char) for char in "411111"] + [rng.randint(0, 9) for _ in range(9)]
    total = sum(
        digit if i % 2 else (digit * 2 - 9 if digit > 4 else digit * 2) for i, digit in enumerate(body)
    )
    digits = "".join(map(str, body)) + str(-total % 10)
    return " ".join(digits[i : i + 4] for i in range(0, 16, 4)) if rng.random() < 0.7 else digits
