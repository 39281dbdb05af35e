"""Why a version is not let go on: its tickets ended elsewhere, or its endpoint does not answer. Pure functions."""

from dataclasses import dataclass
from typing import Any

from inference.models import WatchSettings
from inference.watch.evidence import Calls
from ml.watch import Seen, is_broken


@dataclass(frozen=True)
class Found:
    """A code with its figures, and the same in English for the rows. Codes: precision_below, unavailable, slow."""

    code: str
    params: dict[str, Any]
    why: str

    def to_dict(self) -> dict[str, Any]:
        """As rows keep it."""
        return {"code": self.code, "params": self.params}


def in_outcomes(seen: Seen, promised: float, alpha: float, fewest: int) -> Found | None:
    """The promise held against what became of the tickets."""
    if seen.known < fewest or not is_broken(seen, promised, alpha):
        return None
    return Found(
        "precision_below",
        {"right": seen.right, "known": seen.known, "promised": promised},
        f"Only {seen.right} of {seen.known} routed tickets were right; {promised:.0%} were promised.",
    )


def in_calls(calls: Calls, asked: WatchSettings, fewest: int) -> Found | None:
    """Errors first, then slowness, of the calls lately."""
    if calls.total < fewest:
        return None
    most, slowest = asked.most_unavailable, asked.most_latency_ms
    if most is not None and calls.failed > most * calls.total:
        return Found(
            "unavailable",
            {"failed": calls.failed, "total": calls.total, "most": most},
            f"{calls.failed} of the last {calls.total} tickets got no answer.",
        )
    if slowest is not None and calls.p95_ms is not None and calls.p95_ms > slowest:
        p95 = round(calls.p95_ms)
        return Found(
            "slow",
            {"p95_ms": p95, "total": calls.total, "most_ms": slowest},
            f"95 of 100 answers took up to {p95} ms; {slowest} are allowed.",
        )
    return None
