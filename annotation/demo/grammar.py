"""Templates of the demo corpus: `[a|b]` chooses, `{slot}` takes a fact, `@kind` limits products.

    "@electric My {p} [stopped working|died] {date}."

A template is parsed once; expanding it draws from the ticket's own random generator, so the same seed gives
the same text whatever the hash seed of the process.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

TEXTS = Path(__file__).parent / "texts"
_SLOT = re.compile(r"\{([a-zA-Z_]+[0-9]?)\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_KINDS = re.compile(r"@([a-z,]+) ")


@dataclass(frozen=True)
class Template:
    """One sentence pattern. `kinds` empty means any product fits."""

    text: str
    kinds: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, raw: str) -> Template:
        match = _KINDS.match(raw)
        if match is None:
            return cls(raw.strip())
        return cls(raw[match.end() :].strip(), frozenset(match.group(1).split(",")))

    def slots(self) -> set[str]:
        """Names of the slots anywhere in the template, inside choices too."""
        return set(_SLOT.findall(self.text))

    def fits(self, product_kinds: frozenset[str]) -> bool:
        return not self.kinds or bool(self.kinds & product_kinds)

    def expand(self, facts: Mapping[str, str], rng: Random) -> str:
        """Text with every choice drawn and every slot filled; KeyError names an unknown slot."""
        text = self.text
        while "[" in text:
            text = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), text)
        text = _SLOT.sub(lambda match: facts[match.group(1)], text)
        return re.sub(r"  +", " ", text).strip()

    def variants(self) -> list[str]:
        """The template with every single alternative used at least once (for tests)."""
        width = max((len(part.split("|")) for part in _CHOICE.findall(self.text)), default=1)

        def pick(index: int) -> str:
            def choose(match: re.Match[str]) -> str:
                options = match.group(1).split("|")
                return options[index % len(options)]

            text = self.text
            while "[" in text:
                text = _CHOICE.sub(choose, text)
            return text

        return [pick(index) for index in range(width)]


@cache
def load(name: str) -> dict[str, Any]:
    """The parsed TOML file `texts/<name>.toml`."""
    with (TEXTS / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def templates(name: str, *path: str) -> tuple[Template, ...]:
    """The templates under a key path of a text file; empty when the path is absent."""
    node: Any = load(name)
    for key in path:
        node = node.get(key)
        if node is None:
            return ()
    return tuple(Template.parse(raw) for raw in node)


def choose(pool: Sequence[Template], kinds: frozenset[str], rng: Random) -> Template | None:
    """One template of the pool that fits a product of these kinds; None when there is none."""
    fitting = [template for template in pool if template.fits(kinds)]
    return rng.choice(fitting) if fitting else None
