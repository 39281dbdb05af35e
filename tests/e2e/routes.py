"""The pages' addresses, read from the router itself so that a new page is tested from its first day."""

import re
from dataclasses import dataclass

from tests.config.processes import ROOT
from tests.e2e.browsing import Visitor

ROLES = ("annotator", "reviewer", "lead", "admin")
_PAGE = re.compile(
    r'^\s+(page|open)\("(?P<path>[^"]+)", "(?P<name>\w+)", .*?(?:, "(?P<role>\w+)")?\),$', re.M
)


@dataclass(frozen=True)
class Page:
    """One route. `role`: the least that may open it; empty for everybody, signed in or not."""

    name: str
    path: str
    role: str

    def is_for(self, role: str) -> bool:
        return self.role in {"", "machine"} or ROLES.index(role) >= ROLES.index(self.role)

    def has_row(self, ids: dict[str, str]) -> bool:
        """Whether there is something to show: pages without a parameter always have."""
        return ":" not in self.path or self.name in ids

    def address(self, ids: dict[str, str]) -> str:
        """The path with a real row in the place of its parameter."""
        return re.sub(r"/:\w+(\(.*\))?", f"/{ids.get(self.name, '')}", self.path)


def pages() -> list[Page]:
    """Every page of the router but the one for wrong addresses."""
    source = (ROOT / "frontend" / "src" / "router.ts").read_text()
    found = [
        Page(m["name"], m["path"], "" if m[1] == "open" else m["role"] or "annotator")
        for m in _PAGE.finditer(source)
    ]
    assert len(found) == source.count("import(") - 1, "the router is not written as these tests read it"
    return found


def rows_to_open(lead: Visitor) -> dict[str, str]:
    """Page name -> the id of a row of this installation that it can show; none where no such row exists yet."""
    promotions = [line["params"].get("promotion") for line in lead.call("/api/history/")["results"]]
    found = {
        "ticket": lead.call("/api/tickets/")["results"][0]["id"],
        "run": lead.call("/api/runs/")["results"][0]["id"],
        "model": lead.call("/api/models/")["results"][0]["version"],
        "snapshot": lead.call("/api/snapshots/")["results"][0]["fingerprint"],
    }
    if promoted := [one for one in promotions if one]:
        found["dossier"] = promoted[0]
    return {name: str(value) for name, value in found.items()}
