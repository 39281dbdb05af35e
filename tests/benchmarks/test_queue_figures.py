"""What benchmarks.queue makes of what people saw, without any server."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import beside, people, queue, report
from benchmarks.watch import Watch


def notes(*claims: tuple[float, float, list[int]]) -> people.Notes:
    made = people.Notes(claims=[people.Claim(*claim) for claim in claims])
    made.claim_ms = [1000 * (answered - sent) for sent, answered, _ in claims]
    made.submit_ms = [5.0]
    return made


def test_a_ticket_that_came_to_two_people_counts_as_served_twice() -> None:
    both = [notes((0, 1, [1, 2])), notes((0, 2, [2]), (3, 4, [3]))]
    assert people.twice(both) == 1
    assert people.served_order(both) == [1, 2, 2, 3]
    assert queue.summary(both, 4.0)["twice"] == 1


def test_the_order_is_kept_wholly_reversed_or_not_known() -> None:
    place = {10: 0.0, 11: 1.0, 12: 2.0, 13: 3.0}
    assert people.rank_correlation([10, 11, 12, 13], place) == pytest.approx(1.0)
    assert people.rank_correlation([13, 12, 11, 10], place) == pytest.approx(-1.0)
    assert people.rank_correlation([10, 99], place) is None
    assert people.rank_correlation([10, 10, 10], place) is None


def test_staleness_runs_from_the_answer_to_the_first_order_that_knows_of_it() -> None:
    watch = Watch()
    watch.known_at = {5: 100.0, 9: 101.5, 12: 103.0}
    assert watch.staleness({4: 99.0, 7: 101.0, 12: 102.0, 20: 103.0}) == [1.0, 0.5, 1.0]


def test_a_peer_is_set_against_ours_of_the_same_phase_and_size(tmp_path: Path) -> None:
    ours = {"tool": "Aiguilleur", "phase": "paced", "tickets": 10, "claim p50 ms": 10.0, "claim p95 ms": 20.0}
    theirs = {**ours, "tool": "Other", "release": "1.0", "claim p50 ms": 900.0, "claim p95 ms": 1000.0}
    other_size = {**theirs, "tickets": 99}
    found = beside.judged([ours, theirs, other_size], "Aiguilleur")
    assert [(one["value"], one["met"]) for one in found] == [(90.0, True), (50.0, False)]
    kept = tmp_path / "earlier.json"
    kept.write_text(json.dumps({"machine": {"date": "2026-01-02"}, "rows": [ours, theirs]}))
    assert beside.earlier(kept) == [{"measured": "2026-01-02", **theirs}]


def test_a_peer_that_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    from benchmarks.peers import servers

    with pytest.raises(servers.NotInstalled, match=r"bench-label-studio\.txt"):
        servers.place(tmp_path, "label_studio")


def test_the_figure_shows_every_tool_once_a_phase_and_is_well_formed(tmp_path: Path) -> None:
    ours = {"tool": "Aiguilleur", "phase": "paced", "tickets": 100, "claim p95 ms": 12.0}
    rows = [ours, {**ours, "phase": "flat out"}, {**ours, "tool": "A <peer>", "claim p95 ms": 1500.0}]
    beside.draw([*rows, {**ours, "tickets": 10}], tmp_path / "img" / "queue.svg", "Aiguilleur")
    drawn = ElementTree.parse(tmp_path / "img" / "queue.svg").getroot()  # noqa: S314 - we wrote it
    words = [element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("Aiguilleur, paced") == words.count("A <peer>, paced") == 1
    widths = [float(one.get("width", 0)) for one in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(widths) == 3 and widths[1] > 2 * widths[0]


def test_all_that_the_command_reads_can_be_asked_for() -> None:
    parser = report.parser("")
    beside.arguments(parser)
    asked = parser.parse_args(
        ["--label-studio", "ls", "--doccano", "dc", "--peers-from", "a.json", "--svg", "b.svg"]
    )
    assert (asked.label_studio, asked.doccano) == (Path("ls"), Path("dc"))
    assert (asked.peers_from, asked.svg) == (Path("a.json"), Path("b.svg"))
