"""Slips of the keyboard, missing accents, lost capitals: what hands in a hurry do to a clean message.

Words that carry a digit or an @ are left alone, so that numbers and addresses stay what they are.
"""

from __future__ import annotations

import re
import unicodedata
from random import Random

_NEAR = {
    "en": {
        "q": "wa",
        "w": "qe",
        "e": "wr",
        "r": "et",
        "t": "ry",
        "y": "tu",
        "u": "yi",
        "i": "uo",
        "o": "ip",
        "p": "ol",
        "a": "sq",
        "s": "ad",
        "d": "sf",
        "f": "dg",
        "g": "fh",
        "h": "gj",
        "j": "hk",
        "k": "jl",
        "l": "kp",
        "z": "xs",
        "x": "zc",
        "c": "xv",
        "v": "cb",
        "b": "vn",
        "n": "bm",
        "m": "nk",
    },
    "fr": {
        "a": "zq",
        "z": "ae",
        "e": "zr",
        "r": "et",
        "t": "ry",
        "y": "tu",
        "u": "yi",
        "i": "uo",
        "o": "ip",
        "p": "om",
        "q": "sa",
        "s": "qd",
        "d": "sf",
        "f": "dg",
        "g": "fh",
        "h": "gj",
        "j": "hk",
        "k": "jl",
        "l": "km",
        "m": "lp",
        "w": "xq",
        "x": "wc",
        "c": "xv",
        "v": "cb",
        "b": "vn",
        "n": "bh",
    },
}
_SLANG = {
    "en": {
        "please": "pls",
        "you": "u",
        "your": "ur",
        "are": "r",
        "thanks": "thx",
        "because": "cos",
        "don't": "dont",
        "can't": "cant",
        "I'm": "im",
        "it's": "its",
        "doesn't": "doesnt",
        "haven't": "havent",
        "and": "n",
        "definitely": "definately",
        "received": "recieved",
        "there": "their",
        "with": "w",
        "before": "b4",
    },
    "fr": {
        "bonjour": "bjr",
        "pourquoi": "pk",
        "quelque": "qq",
        "problème": "pb",
        "beaucoup": "bcp",
        "toujours": "tjs",
        "c'est": "c",
        "j'ai": "jai",
        "vous": "vs",
        "dans": "ds",
        "pas": "pa",
        "rien": "ri1",
        "quand": "qd",
        "n'est": "nest",
        "d'accord": "dac",
        "parce": "pcq",
        "maintenant": "mnt",
        "est-ce": "esce",
        "été": "ete",
    },
}
_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W_]")
_LEVEL = {
    "mobile": 0.05,
    "elder": 0.012,
    "angry": 0.015,
    "rambling": 0.012,
    "terse": 0.014,
    "note": 0.01,
    "polite": 0.005,
    "business": 0.003,
}


def strip_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _slip(word: str, language: str, rng: Random) -> str:
    """One typing slip: a neighbour key, a lost, doubled or swapped letter."""
    at = rng.randrange(len(word))
    kind = rng.randrange(4)
    if kind == 0:
        near = _NEAR[language].get(word[at].lower())
        return word[:at] + rng.choice(near) + word[at + 1 :] if near else word
    if kind == 1 and len(word) > 3:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    if at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word


def roughen(text: str, language: str, voice: str, rng: Random) -> str:
    """The text as this customer would really have typed it. Line breaks and personal data stay."""
    level = _LEVEL[voice] * rng.choice((0.3, 0.6, 1.0, 2.0))
    slang = voice == "mobile" and rng.random() < 0.5

    def word(match: re.Match[str]) -> str:
        found = match.group(0)
        if slang and found in _SLANG[language] and rng.random() < 0.6:
            return _SLANG[language][found]
        return _slip(found, language, rng) if len(found) > 3 and rng.random() < level else found

    def token(match: re.Match[str]) -> str:
        found = match.group(0)
        kept = any(char.isdigit() or char in "@#" for char in found) or found == "ZZZZ"
        return found if kept else _WORD.sub(word, found)

    return _habits(re.sub(r"\S+", token, text), language, voice, rng)


def _habits(text: str, language: str, voice: str, rng: Random) -> str:
    """What is done to the whole message: capitals, accents, punctuation."""
    if language == "fr":
        share = {"mobile": 0.5, "elder": 0.15, "angry": 0.2, "terse": 0.3, "note": 0.15}.get(voice, 0.07)
        if rng.random() < share:
            text = strip_accents(text) if rng.random() < 0.6 else _some_accents(text, rng)
        if rng.random() < 0.5:
            text = text.replace(" ?", "?").replace(" !", "!")
    if voice == "mobile" and rng.random() < 0.55:
        text = _lower(text)
    if voice == "mobile" and rng.random() < 0.3:
        text = re.sub(r"[.,](?=\s|$)", "", text)
    if voice == "angry" and rng.random() < 0.12:
        text = "\n".join(line if "@" in line else line.upper() for line in text.split("\n"))
    if voice == "angry" and rng.random() < 0.25:
        text = text.replace("?", "???", 1) if "?" in text else text.replace(".", "!!", 1)
    return text


def _some_accents(text: str, rng: Random) -> str:
    return "".join(strip_accents(char) if rng.random() < 0.5 else char for char in text)


def _lower(text: str) -> str:
    return re.sub(
        r"\S+", lambda m: m.group(0) if any(c.isdigit() for c in m.group(0)) else m.group(0).lower(), text
    )
