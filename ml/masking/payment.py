"""IBANs and card numbers: found by shape, told from other numbers by their check digits."""

from __future__ import annotations

import re
from functools import lru_cache

from ml.masking.replacing import SEPARATOR

IBAN_LENGTHS = {
    code: int(length)
    for code, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18"
        "FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20"
        "LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24"
        "SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30",
    )
}
"""Length of an IBAN by country, from the SWIFT registry."""

_IBAN_START = re.compile(r"(?<![^\W_])([A-Za-z]{2}) ?[0-9]{2}(?=[^\w]{0,2}[A-Za-z0-9])")


@lru_cache(maxsize=64)
def _iban_of_length(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?:{SEPARATOR}{{0,2}}+[A-Za-z0-9]){{{length}}}(?![^\W_])")


def mask_iban(text: str) -> tuple[str, int]:
    """Replace IBANs of the right length whose check digits are right."""
    parts: list[str] = []
    end = 0
    for start in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(start[1].upper())
        if length is None or start.start() < end:
            continue
        candidate = _iban_of_length(length).match(text, start.start())
        if candidate and _is_iban(candidate[0]):
            parts += [text[end : start.start()], "[IBAN]"]
            end = candidate.end()
    return "".join([*parts, text[end:]]), len(parts) // 2


def _is_iban(candidate: str) -> bool:
    characters = re.sub(r"[^A-Za-z0-9]", "", candidate)
    rearranged = characters[4:] + characters[:4]
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


_DIGIT_RUN = re.compile(rf"(?<![0-9])[0-9](?:{SEPARATOR}{{0,2}}+[0-9]){{12,}}+")
_DIGITS = re.compile(r"[0-9]+")
_DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def mask_card(text: str) -> tuple[str, int]:
    """Replace numbers of 13 to 19 digits in a card's grouping that pass Luhn."""
    found = 0
    parts: list[str] = []
    end = 0
    for run in _DIGIT_RUN.finditer(text):
        groups = [(m.start() + run.start(), m.end() + run.start()) for m in _DIGITS.finditer(run[0])]
        first = 0
        while first < len(groups):
            last = _card_end(text, groups, first)
            if last is None:
                first += 1
                continue
            parts += [text[end : groups[first][0]], "[CARD]"]
            end = groups[last][1]
            found += 1
            first = last + 1
    return "".join([*parts, text[end:]]), found


def _card_end(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of a card number that starts with this group: the longest that passes Luhn."""
    sizes = [stop - start for start, stop in groups[first : first + 5]]
    for count in range(len(sizes), 0, -1):
        if not 13 <= sum(sizes[:count]) <= 19 or not _is_card_shape(sizes[:count]):
            continue
        numbers = [text[start:stop] for start, stop in groups[first : first + count]]
        if count > 1 and all(_YEAR.fullmatch(number) for number in numbers):
            continue
        if _luhn("".join(numbers)):
            return first + count - 1
    return None


def _is_card_shape(sizes: list[int]) -> bool:
    if len(sizes) == 1 or sizes in ([4, 6, 5], [4, 6, 4], [8, 8]):
        return True
    return all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4


def _luhn(digits: str) -> bool:
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0
