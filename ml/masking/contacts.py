"""E-mail addresses and telephone numbers."""

from __future__ import annotations

import re

from ml.masking.replacing import FLAGS, SEPARATOR, any_match, replace

_EMAIL = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]++(?:['’][\w.+%\-]++){0,2}+@(?P<domain>[\w\-]++(?:\.[\w\-]++)++)"
)


_EMAIL_IN_WORDS = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]++ ?[\[(] ?(?:at|arobase|chez) ?[\])] ?"
    r"(?P<domain>[\w\-]++(?:(?:\.| ?[\[(](?:dot|point)[\])] ?)[\w\-]++)++)",
    FLAGS,
)


def mask_email(text: str) -> tuple[str, int]:
    """Replace addresses, with @ or in words ([at]); returns the text and how many."""
    found = more = 0
    if "@" in text:
        text, found = replace(_EMAIL, text, "[EMAIL]", _has_a_name)
    if "(" in text or "[" in text:
        text, more = replace(_EMAIL_IN_WORDS, text, "[EMAIL]", _has_a_name)
    return text, found + more


def _has_a_name(match: re.Match[str]) -> bool:
    return any(character.isalpha() for character in match["domain"])


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
    rf"|0{_S}[1-9][0-9]{{0,2}}(?:{_S}{{1,2}}[0-9]{{2,3}}){{2,4}}|0[1-9][0-9]{{8,9}}|(?<!/)0[1-9](?:/[0-9]{{2}}){{4}}(?!/)){_END}"
)
_PHONE_NORTH_AMERICAN = re.compile(
    rf"{_START}(?:1{_S})?(?:\([2-9][0-9]{{2}}\){_S}?|[2-9][0-9]{{2}}{_S})[0-9]{{3}}{_S}[0-9]{{4}}(?!-[0-9]){_END}"
)
_PHONE_AFTER_KEYWORD = re.compile(
    r"(?<!\w)(?:t[ée]l(?:[ée]phone)?|phone|mobile|portable|cell|gsm|fax|whatsapp|sms|call|appele[rz]|rappele[rz]"
    r"|joindre|joignable|my number|mon num[ée]ro)(?!\w)[^\d\n@]{0,25}?"
    rf"(?<![0-9])(?P<id>[0-9]{{7,15}}|[0-9]{{3,5}}(?:[.\-][0-9]{{3,4}}){{1,3}}){_END}",
    FLAGS,
)
_LOOKS_LIKE_DATE = re.compile(rf"[0-9]{{2}}{_S}[0-9]{{2}}{_S}(?:19|20)[0-9]{{2}}(?![0-9])")


def mask_phone(text: str) -> tuple[str, int]:
    """Replace telephone numbers: international, French and British national, North American, after a keyword."""
    total = 0
    for rule, accept in (
        (_PHONE_INTERNATIONAL, any_match),
        (_PHONE_NATIONAL, _is_national),
        (_PHONE_NORTH_AMERICAN, any_match),
    ):
        text, found = replace(rule, text, "[PHONE]", accept)
        total += found
    parts: list[str] = []
    end = 0
    for match in _PHONE_AFTER_KEYWORD.finditer(text):
        parts += [text[end : match.start("id")], "[PHONE]"]
        end = match.end("id")
    return "".join([*parts, text[end:]]), total + len(parts) // 2


def _is_national(match: re.Match[str]) -> bool:
    digits = sum(character.isdigit() for character in match[0])
    return 9 <= digits <= 11 and not _LOOKS_LIKE_DATE.match(match[0])
