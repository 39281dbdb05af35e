"""docs/tour.md as the test reads it: its numbered steps and the words that it says are on the pages."""

import re
from dataclasses import dataclass

from tests.config.processes import ROOT

TOUR = ROOT / "docs" / "tour.md"


@dataclass(frozen=True)
class Step:
    """One numbered section. `words`: what is in bold. `quoted`: the text to paste, if any. `pictures`: names."""

    title: str
    words: tuple[str, ...]
    quoted: str
    pictures: tuple[str, ...]


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
                )
            )
    return found
