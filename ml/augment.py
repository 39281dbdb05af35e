"""Noise as hands, phones and scanners make it, for training rows: French and English, pure, drawn from a seed.

A word is left alone when it carries a digit, a bracket, an @ or the like: numbers, addresses and the tokens of masked
data ([EMAIL], [ORDER]) come out as they went in. Whoever trains asks for ``noisy_copies``; how much of them helps was
measured (``benchmarks.noise``, docs/data-care.md).
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from ml.schema import TrainingRow

MOST_COPIES = 8
"""Of one row: the same few words over and over teach nothing more."""
ORIGIN = "noise"

_AZERTY = ("azertyuiop", "qsdfghjklm", "wxcvbn")
_QWERTY = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SCANNED = (("rn", "m"), ("m", "rn"), ("cl", "d"), ("vv", "w"), ("w", "vv"), ("li", "h"), ("l", "1"), ("o", "0"),
            ("e", "c"), ("i", "l"), ("I", "l"), ("u", "n"), ("h", "b"), ("é", "e"), ("à", "a"))  # fmt: skip
_ACCENTED = {"e": "éèê", "a": "àâ", "u": "ùû", "i": "îï", "o": "ô", "c": "ç"}
_FRENCH = re.compile(
    r"\b(?:je|j'ai|le|la|les|de|du|des|et|est|pas|mon|ma|mes|vous|votre|nous|pour|que|qui|un|une|dans|sur|avec)\b"
)
_GAP = re.compile(r"(\s+)")


def noisy(text: str, rng: Random, level: float) -> str:
    """The text as it may come in from a hurried hand: one slip in about ``level`` (0..1) of its words, one at least,
    and now and then lost or wrong accents, lost or split spaces, another use of capitals.

    Line breaks stay. A text without a plain word comes back as it is. Linear in the text's length.
    """
    pieces = _GAP.split(text)
    plain = [at for at in range(0, len(pieces), 2) if _is_plain(pieces[at])]
    if not plain:
        return text
    french = _is_french(text)
    slip = _scanned if rng.random() < 0.15 else _typed(_AZERTY if french else _QWERTY)
    hit = {at for at in plain if rng.random() < level} or {rng.choice(plain)}
    for at in plain:
        if at in hit:
            pieces[at] = slip(pieces[at], rng)
    _accents(pieces, plain, french, rng)
    _capitals(pieces, plain, rng)
    if rng.random() < 0.3:
        _spaces(pieces, plain, rng)
    return "".join(pieces)


def noisy_copies(
    rows: Sequence[TrainingRow], *, share: float, floor: int, level: float, seed: int
) -> list[TrainingRow]:
    """Noisy copies to train on beside the rows, each in its row's group and with its label.

    Each label gets ``share`` times as many as it has rows, and as many as bring it up to ``floor`` rows in all, the
    larger of the two; never more than MOST_COPIES of one row. A copy weighs what its row weighs, and its origin is
    "noise". The same rows in any order, with the same seed, give the same copies.
    """
    by_label: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    copies: list[TrainingRow] = []
    for label in sorted(by_label):
        members = sorted(by_label[label], key=lambda row: (_drawn(seed, row.id), row.id))
        wanted = max(math.ceil(share * len(members)), floor - len(members))
        for place in range(min(wanted, MOST_COPIES * len(members))):
            turn, at = divmod(place, len(members))
            row = members[at]
            text = noisy(row.text, Random(f"{seed} {turn} {row.id}"), level)
            copies.append(replace(row, id=f"{row.id}~{turn}", text=text, origin=ORIGIN))
    return copies


def _drawn(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).hexdigest()


def _is_plain(word: str) -> bool:
    """Letters, and punctuation around or between them."""
    return any(c.isalpha() for c in word) and not any(c.isdigit() or c in "@[]#/\\_<>{}" for c in word)


def _is_french(text: str) -> bool:
    start = text[:400].lower()
    return any(c in "éèêàâçùûîïôœ" for c in start) or len(_FRENCH.findall(start)) >= 2


def _neighbours(rows: tuple[str, ...]) -> dict[str, str]:
    """Each letter's neighbours: beside it, and above and below it by its place in the row."""
    found: dict[str, str] = defaultdict(str)
    for line, row in enumerate(rows):
        for place, letter in enumerate(row):
            beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            around = [rows[other] for other in (line - 1, line + 1) if 0 <= other < len(rows)]
            found[letter] = beside + "".join(other[place : place + 1] for other in around)
    return found


def _typed(rows: tuple[str, ...]) -> Callable[[str, Random], str]:
    near = _neighbours(rows)

    def slip(word: str, rng: Random) -> str:
        """A neighbouring key, a lost, doubled or swapped letter."""
        letters = [at for at, c in enumerate(word) if c.isalpha()]
        at = rng.choice(letters)
        kind = rng.choice(("near", "lost", "double", "swap"))
        if kind == "lost" and len(letters) > 3:
            return word[:at] + word[at + 1 :]
        if kind == "double":
            return word[:at] + word[at] + word[at:]
        if kind == "swap" and at + 1 < len(word) and word[at + 1].isalpha():
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        keys = near.get(word[at].lower())
        if not keys:
            return word
        key = rng.choice(keys)
        return word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]

    return slip


def _scanned(word: str, rng: Random) -> str:
    """A confusion of shapes, as optical recognition makes them."""
    there = [(old, new) for old, new in _SCANNED if old in word]
    if not there:
        return word
    old, new = rng.choice(there)
    return word.replace(old, new, 1)


def _accents(pieces: list[str], plain: list[int], french: bool, rng: Random) -> None:
    """All accents lost, some lost, or in French one that does not belong there."""
    if not french:
        return
    drawn = rng.random()
    if drawn < 0.45:
        share = 1.0 if drawn < 0.3 else 0.5
        for at in plain:
            if rng.random() < share:
                pieces[at] = _bare(pieces[at])
    elif drawn < 0.55:
        at = rng.choice(plain)
        places = [place for place, c in enumerate(pieces[at]) if c in _ACCENTED]
        if places:
            place = rng.choice(places)
            word = pieces[at]
            pieces[at] = word[:place] + rng.choice(_ACCENTED[word[place]]) + word[place + 1 :]


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")


def _capitals(pieces: list[str], plain: list[int], rng: Random) -> None:
    """Sometimes none at all, or nothing else."""
    drawn = rng.random()
    if drawn < 0.3:
        for at in plain:
            pieces[at] = pieces[at].upper() if drawn < 0.06 else pieces[at].lower()


def _spaces(pieces: list[str], plain: list[int], rng: Random) -> None:
    """One space lost between two plain words, or one too many inside a word."""
    known = set(plain)
    inner = [at for at in plain if at + 2 in known and pieces[at + 1] == " "]
    if inner and rng.random() < 0.6:
        pieces[rng.choice(inner) + 1] = ""
        return
    at = rng.choice(plain)
    if len(pieces[at]) > 3:
        place = rng.randrange(1, len(pieces[at]) - 1)
        pieces[at] = pieces[at][:place] + " " + pieces[at][place:]
