"""The twelve services of the demo shop, read from `texts/services.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from annotation.demo.grammar import load

NONE = "none"
"""Key of tickets no service is in charge of (applications, advertising, thanks…)."""


@dataclass(frozen=True)
class ServiceText:
    """One service as the installation shows it. `weight` is its share of the tickets, in thousandths (about).

    `neighbours` are the services it is most often confused with, nearest first. Guidelines are Markdown.
    """

    code: str
    key: str
    weight: int
    name: str
    name_fr: str
    description: str
    description_fr: str
    guideline: str
    guideline_fr: str
    keywords: tuple[str, ...]
    neighbours: tuple[str, ...]


@cache
def services() -> list[ServiceText]:
    """The services in display order (most tickets first)."""
    return [
        ServiceText(
            code=row["code"],
            key=row["key"],
            weight=row["weight"],
            name=row["name"],
            name_fr=row["name_fr"],
            description=row["description"],
            description_fr=row["description_fr"],
            guideline=row["guideline"].strip(),
            guideline_fr=row["guideline_fr"].strip(),
            keywords=tuple(row["keywords"]),
            neighbours=tuple(row["neighbours"]),
        )
        for row in load("services")["service"]
    ]
