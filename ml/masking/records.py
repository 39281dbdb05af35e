"""Order and customer numbers: found by the words before them, or by a form of their own."""

from __future__ import annotations

import re

from ml.masking.replacing import FLAGS, any_match, replace

_MARK_BEFORE = r"(?:n ?[°º]|№|num[ée]ro|num\.?|r[ée]f[ée]rence|r[ée]f\.?|identifiant|id|code|number)"
_MARK_AFTER = (
    r"(?:n ?[°º]|№|\#|(?:num[ée]ro|num\.?|number|nr\.?|no\.?|id(?:entifi(?:ant|er))?|r[ée]f[ée]rence|r[ée]f\.?"
    r"|code)(?![A-Z]))"
)
_LINK = r"(?:est|is|was|porte|a|has|had|avec|with|sous|under|le|la|the|my|mon|ma|suivante?|client|web)"
_IDENTIFIER = (
    r"(?=[A-Z\-_/]{0,12}[0-9])"
    r"(?:[0-9]{3,4}(?: [0-9]{3,4}){1,4}(?![0-9A-Z])"
    r"|[A-Z0-9](?:[A-Z0-9]|[-_/](?=[A-Z0-9])){2,39}(?![A-Z0-9]))"
)
_DATE = re.compile(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|\d{1,2}/\d{1,4}|(?:19|20)\d\d[-/](?:19|20)\d\d")
_MEASURE = re.compile(
    r"\d+(?:h\d*|eur|euros?|usd|gbp|ml|mg|kg|g|mah|w|p|km|mm|cm|m|k|go|gb|to|tb|mo|mb|x)", FLAGS
)
_AMOUNT_AFTER = re.compile(
    r"[.,]\d|[ \u00a0\u202f]?(?:[€$£%]|(?:eur|euros?|usd|gbp|dollars?|pounds?)\b)", FLAGS
)
_TOWN_AFTER = re.compile(r",? [A-ZÉÈ][A-ZÉÈa-zéèêëîïôû]")
_WORD_FIRST = re.compile(r"[A-Z]{5}", FLAGS)
_DATE_IN_ONE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")


def _keyword_rule(strict: str, loose: str) -> re.Pattern[str]:
    """A pattern for "<keyword> <mark> <identifier>". Without a mark a loose keyword takes a number of five digits,
    a strict one of six."""
    return re.compile(
        rf"(?<!\w)(?P<before>{_MARK_BEFORE}[ \u00a0]{{0,2}}(?:(?:de|du|d['’]|of)[ ]?)?"
        rf"(?:(?:la|le|ma|mon|my|the|your|votre)[ ])?)?(?:(?P<loose>{loose})|{strict})"
        rf"(?:[ \t\u00a0:=(]{{0,3}}(?:(?P<after>{_MARK_AFTER})|{_LINK}(?![A-Z0-9]))){{0,5}}"
        rf"[ \t\r\n\u00a0:=(\"«]{{0,4}}(?P<id>{_IDENTIFIER})",
        FLAGS,
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
    r"(?<![\w\-])(?:CLI|CLT|CLIENT|CUST|CUS|CUSTOMER)[-_#][0-9][0-9A-Z\-]{2,30}", FLAGS
)
_ORDER_PREFIX = re.compile(
    r"(?<![\w\-])(?:(?:CMD|CDE|ORD|ORDER|FAC|FACT|INV|RMA|SO|PO|BC|CO)[-_#]?"
    r"[0-9](?:[0-9A-Z]|[-_](?=[0-9A-Z])){3,30}|(?:\#|n ?[°º] ?)[0-9]{5,20}(?![0-9A-Z])"
    r"|[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9])"
    r"|1Z[0-9A-Z]{16}(?![0-9A-Z])|[A-Z]{2}[0-9]{9}[A-Z]{2}(?![0-9A-Z])|[0-9][A-Z][0-9]{11}(?![0-9A-Z]))",
    FLAGS,
)
"""Numbers that need no keyword: known beginnings, Amazon's orders, parcels of UPS, of the posts and of Colissimo."""
_TOKEN = re.compile(r"\[(?:ORDER|CUSTOMER)\]")
_NEXT_OF_A_LIST = re.compile(rf"(?: ?[,;/&+]| et| and| ou| or) ?(?P<id>{_IDENTIFIER})", FLAGS)
_FRENCH_PHONE = re.compile(r"0[1-9][0-9]{8}")


def mask_customer(text: str) -> tuple[str, int]:
    """Replace customer, account and contract numbers."""
    text, found = _replace_identifier(_CUSTOMER, text, "[CUSTOMER]")
    text, more = replace(_CUSTOMER_PREFIX, text, "[CUSTOMER]", any_match)
    return text, found + more


def mask_order(text: str) -> tuple[str, int]:
    """Replace order, invoice, parcel and case numbers, also the further ones of a list."""
    text, found = _replace_identifier(_ORDER, text, "[ORDER]")
    text, more = replace(_ORDER_PREFIX, text, "[ORDER]", _has_four_digits)
    text, listed = _replace_lists(text)
    return text, found + more + listed


def _replace_lists(text: str) -> tuple[str, int]:
    """Replace the further numbers of a list whose first one is a token by now: "orders 12345 and 67890"."""
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        at = token.end()
        while (match := _NEXT_OF_A_LIST.match(text, at)) and _goes_on(match):
            parts += [text[end : match.start("id")], token[0]]
            end = at = match.end("id")
    return "".join([*parts, text[end:]]), len(parts) // 2


def _goes_on(match: re.Match[str]) -> bool:
    identifier: str = match["id"]
    return not _FRENCH_PHONE.fullmatch(identifier) and _is_long_enough(match, 5)


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
    if match["before"] or match["after"]:
        identifier: str = match["id"]
        is_other = _DATE.fullmatch(identifier) or _MEASURE.fullmatch(identifier)
        return not is_other and sum(character.isdigit() for character in identifier) >= 3
    return _is_long_enough(match, 6 if match["loose"] is None else 5)


def _is_long_enough(match: re.Match[str], least: int) -> bool:
    """Whether an identifier without a mark has this many digits and is no date, measure, word, postcode or amount."""
    identifier: str = match["id"]
    if any(form.fullmatch(identifier) for form in (_DATE, _MEASURE, _DATE_IN_ONE)):
        return False
    if sum(character.isdigit() for character in identifier) < least or _WORD_FIRST.match(identifier):
        return False
    text, end = match.string, match.end("id")
    is_postcode = len(identifier) == 5 and _TOWN_AFTER.match(text, end) is not None
    return not is_postcode and _AMOUNT_AFTER.match(text, end) is None
