"""Writes demo tickets as CSV, and splits off a held-out part for replay."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from annotation.demo.corpus import DemoTicket, fold

COLUMNS = ("external_id", "received_at", "channel", "language", "text", "service")


def write_csv(tickets: Iterable[DemoTicket], path: Path) -> int:
    """Writes the tickets (UTF-8, header line, `received_at` as naive local ISO time); returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for ticket in tickets:
            received = ticket.received_at.isoformat(timespec="seconds")
            rows.writerow(
                (ticket.external_id, received, ticket.channel, ticket.language, ticket.text, ticket.service)
            )
            count += 1
    return count


def split_holdout(
    tickets: Sequence[DemoTicket], share: float = 0.2, seed: int = 7
) -> tuple[list[DemoTicket], list[DemoTicket]]:
    """(kept, held out) in order of arrival. A copy always stays on the side of what it copies."""
    rng = Random(f"holdout/{seed}")
    side: dict[str, bool] = {}
    kept: list[DemoTicket] = []
    held: list[DemoTicket] = []
    for ticket in tickets:
        root = ticket.copy_of or ticket.external_id
        group = fold(ticket.text) or root
        out = side.get(root, side.get(group))
        if out is None:
            out = rng.random() < share
        side[root] = side[group] = side[ticket.external_id] = out
        (held if out else kept).append(ticket)
    return kept, held
