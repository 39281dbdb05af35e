"""Rules that replace personal data by a token: e-mail, phone, IBAN, card, order and customer numbers.

French and English, standard library only. The rules keep what a service is recognised by: prices, dates,
times, small quantities, postcodes, years and product names. Each pattern starts at a token boundary and
repeats a bounded or a possessive number of times, so a text costs time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

PASSES = 10
"""Replacing one number can uncover another; the windows are so short that two or three passes are enough."""

SEPARATOR = "[ .\\-\u00a0\u2009\u202f\u2010-\u2013]"
_FLAGS = re.IGNORECASE

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


_WORTH_A_LOOK = re.compile(r"@|\d\D*+\d\D*+\d")

# --- e-mail -------------------------------------------------------------------------------------------

_EMAIL = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]++(?:['’][\w.+%\-]++){0,2}+@(?P<domain>[\w\-]++(?:\.[\w\-]++)++)"
)


def _mask_email(text: str) -> tuple[str, int]:
    if "@" not in text:
        return text, 0
    return _replace(_EMAIL, text, "[EMAIL]", _has_a_name)


def _has_a_name(match: re.Match[str]) -> bool:
    return any(character.isalpha() for character in match["domain"])


# --- IBAN ---------------------------------------------------------------------------------------------

_IBAN_START = re.compile(r"(?<![^\W_])([A-Za-z]{2}) ?[0-9]{2}(?=[^\w]{0,2}[A-Za-z0-9])")


@lru_cache(maxsize=64)
def _iban_of_length(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?:{SEPARATOR}{{0,2}}+[A-Za-z0-9]){{{length}}}(?![^\W_])")


def _mask_iban(text: str) -> tuple[str, int]:
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


# --- card ---------------------------------------------------------------------------------------------

_DIGIT_RUN = re.compile(rf"(?<![0-9])[0-9](?:{SEPARATOR}{{0,2}}+[0-9]){{12,}}+")
_DIGITS = re.compile(r"[0-9]+")
_DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def _mask_card(text: str) -> tuple[str, int]:
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


# --- order and customer numbers -----------------------------------------------------------------------

_MARK_BEFORE = r"(?:n ?[°º]|№|num[ée]ro|num\.?|r[ée]f[ée]rence|r[ée]f\.?|identifiant|id|code|number)"
_MARK_AFTER = (
    r"(?:n ?[°º]|№|num[ée]ro|num\.?|number|nr\.?|no\.?|id(?:entifi(?:ant|er))?|r[ée]f[ée]rence|r[ée]f\.?"
    r"|code|\#)"
)
_LINK = r"(?:est|is|was|porte|a|has|had|avec|with|sous|under|le|la|the|my|mon|ma|suivante?|client|web)"
_IDENTIFIER = (
    r"(?=[A-Z\-_/]{0,12}[0-9])"
    r"(?:[0-9]{3,4}(?: [0-9]{3,4}){1,4}(?![0-9A-Z])"
    r"|[A-Z0-9](?:[A-Z0-9]|[-_/](?=[A-Z0-9])){2,39}(?![A-Z0-9]))"
)
_DATE = re.compile(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|\d{1,2}/\d{1,4}|(?:19|20)\d\d[-/](?:19|20)\d\d")
_MEASURE = re.compile(
    r"\d+(?:h\d*|eur|euros?|usd|gbp|ml|mg|kg|g|mah|w|p|km|mm|cm|m|k|go|gb|to|tb|mo|mb|x)", _FLAGS
)
_AMOUNT_AFTER = re.compile(
    r"[.,]\d|[ \u00a0\u202f]?(?:[€$£%]|(?:eur|euros?|usd|gbp|dollars?|pounds?)\b)", _FLAGS
)
_TOWN_AFTER = re.compile(r",? [A-ZÉÈ][a-zéèêëîïôû]")


def _keyword_rule(strict: str, loose: str) -> re.Pattern[str]:
    """A pattern for "<keyword> <mark> <identifier>"; a loose keyword needs no mark before a long number."""
    return re.compile(
        rf"(?<!\w)(?P<before>{_MARK_BEFORE}[ \u00a0]{{0,2}}(?:(?:de|du|d['’]|of)[ ]?)?"
        rf"(?:(?:la|le|ma|mon|my|the|your|votre)[ ])?)?(?:(?P<loose>{loose})|{strict})"
        rf"(?:[ \t\u00a0:=(]{{0,3}}(?:(?P<after>{_MARK_AFTER})|{_LINK})(?![A-Z])){{0,5}}"
        rf"[ \t\u00a0:=(\"«]{{0,4}}(?P<id>{_IDENTIFIER})",
        _FLAGS,
    )


_CUSTOMER = _keyword_rule(
    strict=r"comptes?(?: clients?)?|accounts?|adh[ée]rente?|member(?:ship)?|membre|abonn[ée]e?|abonnement"
    r"|subscri(?:ber|ption)|contra(?:t|ct)|fid[ée]lit[ée]|loyalty(?: card)?",
    loose=r"cliente?s?|customers?",
)
_ORDER = _keyword_rule(
    strict=r"purchase|achat|facture|invoice|colis|parcel|package|suivi|tracking|exp[ée]dition|shipment|livraison"
    r"|delivery|retour|return|rma|dossier|case|ticket|r[ée]clamation|transaction|r[ée]servation|booking",
    loose=r"commandes?|cmd|cde|orders?",
)
_CUSTOMER_PREFIX = re.compile(
    r"(?<![\w\-])(?:CLI|CLT|CLIENT|CUST|CUS|CUSTOMER)[-_#][0-9][0-9A-Z\-]{2,30}", _FLAGS
)
_ORDER_PREFIX = re.compile(
    r"(?<![\w\-])(?:(?:CMD|CDE|ORD|ORDER|FAC|FACT|INV|RMA|SO|PO|BC|CO)[-_#]?"
    r"[0-9](?:[0-9A-Z]|[-_](?=[0-9A-Z])){3,30}|\#[0-9]{5,20}(?![0-9A-Z])|[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9]))",
    _FLAGS,
)


def _mask_customer(text: str) -> tuple[str, int]:
    text, found = _replace_identifier(_CUSTOMER, text, "[CUSTOMER]")
    text, more = _replace(_CUSTOMER_PREFIX, text, "[CUSTOMER]", _any_match)
    return text, found + more


def _mask_order(text: str) -> tuple[str, int]:
    text, found = _replace_identifier(_ORDER, text, "[ORDER]")
    text, more = _replace(_ORDER_PREFIX, text, "[ORDER]", _has_four_digits)
    return text, found + more


def _has_four_digits(match: re.Match[str]) -> bool:
    return sum(character.isdigit() for character in match[0]) >= 4


def _replace_identifier(rule: re.Pattern[str], text: str, token: str) -> tuple[str, int]:
    """Replace the identifier after a keyword, and keep the keyword."""
    parts: list[str] = []
    end = 0
    for match in rule.finditer(text):
        if _names_a_record(match):
            parts += [text[end : match.start("id")], token]
            end = match.end("id")
    return "".join([*parts, text[end:]]), len(parts) // 2


def _names_a_record(match: re.Match[str]) -> bool:
    identifier: str = match["id"]
    if _DATE.fullmatch(identifier) or _MEASURE.fullmatch(identifier):
        return False
    digits = sum(character.isdigit() for character in identifier)
    if match["before"] or match["after"]:
        return digits >= 3
    if match["loose"] is None or digits < 5 or re.match(r"[A-Z]{5}", identifier, _FLAGS):
        return False
    text, end = match.string, match.end("id")
    is_postcode = len(identifier) == 5 and _TOWN_AFTER.match(text, end) is not None
    is_amount = _AMOUNT_AFTER.match(text, end) is not None
    return not is_postcode and not is_amount


# --- phone --------------------------------------------------------------------------------------------

_S = SEPARATOR
_START = r"(?<![\w+])(?<![0-9][.,/\-])"
_END = r"(?![0-9])(?![:h][0-9])(?![ \u00a0\u202f]?[€$£%])"
_PHONE_INTERNATIONAL = re.compile(
    r"(?<![\w+])(?:\+ ?|00 ?(?=[1-9]))(?:"
    rf"33{_S}{{0,2}}(?:\(0\){_S}{{0,2}}|0{_S}?)?[1-9](?:{_S}{{0,2}}[0-9]){{8}}"
    rf"|44{_S}{{0,2}}(?:\(0\){_S}{{0,2}})?[1-9](?:[() .\-]{{0,2}}[0-9]){{8,9}}"
    r"|1[ .\-(]{0,2}[2-9](?:[ .\-)]{0,2}[0-9]){9}"
    rf"|[1-9](?:(?:{_S}|[()/]){{0,3}}[0-9]){{7,13}}"
    r")(?![0-9])"
)
_PHONE_NATIONAL = re.compile(
    rf"{_START}(?:\(?0[1-9][0-9]{{0,4}}\)?(?:{_S}{{1,2}}[0-9]{{2,8}}){{1,4}}"
    rf"|0{_S}[1-9][0-9]{{0,2}}(?:{_S}{{1,2}}[0-9]{{2,3}}){{2,4}}|0[1-9][0-9]{{8,9}}){_END}"
)
_PHONE_NORTH_AMERICAN = re.compile(
    rf"{_START}(?:1{_S})?(?:\([2-9][0-9]{{2}}\){_S}?|[2-9][0-9]{{2}}{_S})[0-9]{{3}}{_S}[0-9]{{4}}(?!-[0-9]){_END}"
)
_PHONE_AFTER_KEYWORD = re.compile(
    r"(?<!\w)(?:t[ée]l(?:[ée]phone)?|phone|mobile|portable|cell|gsm|fax|whatsapp|sms|call|appele[rz]|rappele[rz]"
    r"|joindre|joignable)(?!\w)[^\d\n@]{0,25}?"
    rf"(?<![0-9])(?P<id>[0-9]{{7,15}}|[0-9]{{3,5}}(?:[.\-][0-9]{{3,4}}){{1,3}}){_END}",
    _FLAGS,
)
_LOOKS_LIKE_DATE = re.compile(rf"[0-9]{{2}}{_S}[0-9]{{2}}{_S}(?:19|20)[0-9]{{2}}(?![0-9])")


def _mask_phone(text: str) -> tuple[str, int]:
    total = 0
    for rule, accept in (
        (_PHONE_INTERNATIONAL, _any_match),
        (_PHONE_NATIONAL, _is_national),
        (_PHONE_NORTH_AMERICAN, _any_match),
    ):
        text, found = _replace(rule, text, "[PHONE]", accept)
        total += found
    parts: list[str] = []
    end = 0
    for match in _PHONE_AFTER_KEYWORD.finditer(text):
        parts += [text[end : match.start("id")], "[PHONE]"]
        end = match.end("id")
    return "".join([*parts, text[end:]]), total + len(parts) // 2


def _any_match(match: re.Match[str]) -> bool:
    return True


def _is_national(match: re.Match[str]) -> bool:
    digits = sum(character.isdigit() for character in match[0])
    return 9 <= digits <= 11 and not _LOOKS_LIKE_DATE.match(match[0])


def _replace(
    rule: re.Pattern[str], text: str, token: str, accept: Callable[[re.Match[str]], bool]
) -> tuple[str, int]:
    found = 0

    def substitute(match: re.Match[str]) -> str:
        nonlocal found
        if not accept(match):
            return match[0]
        found += 1
        return token

    return rule.sub(substitute, text), found


_RULES: tuple[tuple[str, Callable[[str], tuple[str, int]]], ...] = (
    ("email", _mask_email),
    ("iban", _mask_iban),
    ("card", _mask_card),
    ("customer", _mask_customer),
    ("order", _mask_order),
    ("phone", _mask_phone),
)
