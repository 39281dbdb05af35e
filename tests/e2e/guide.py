"""docs/tour.md as the test reads it: its numbered steps and the words that it says are on the pages."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.config.processes import ROOT

TOUR = ROOT / "docs" / "tour.md"


@dataclass(frozen=True)
class Step:
    """One numbered section. `words`: what is in bold. `quoted`: text to paste, if any. `pictures`: names. `calls`: what
    its curl lines ask, as (path, JSON body or None)."""

    title: str
    words: tuple[str, ...]
    quoted: str
    pictures: tuple[str, ...]
    calls: tuple[tuple[str, dict[str, Any] | None], ...]


def steps() -> list[Step]:
    """The numbered steps, in order."""
    found = []
    for section in re.split(r"^## ", TOUR.read_text(), flags=re.M)[1:]:
        title, _, body = section.partition("\n")
        numbered = re.match(r"\d+\. (.+)", title)
        if numbered:
            quoted = " ".join(line[2:].strip() for line in body.splitlines() if line.startswith("> "))
            found.append(
                Step(
                    numbered[1],
                    tuple(" ".join(word.split()) for word in re.findall(r"\*\*(.+?)\*\*", body, re.S)),
                    quoted,
                    tuple(re.findall(r"!\[.*?\]\(img/(.+?)\.\w+\)", body)),
                    tuple(_calls(body)),
                )
            )
    return found


def _calls(body: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """The curl lines of a step; a line that ends in a backslash goes on in the next."""
    for line in body.replace("\\\n", " ").splitlines():
        if line.startswith("curl "):
            words = shlex.split(line)
            (path,) = [urlsplit(word).path for word in words if word.startswith("http")]
            yield path, json.loads(words[words.index("-d") + 1]) if "-d" in words else None
