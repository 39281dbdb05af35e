"""What follows from judgements: which pairs count, and how much; the verdict, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from inference import actions
from inference.comparison import pairs
from inference.models import HistoryEntry, RoutingSettings
from tests.inference.observed import Observed, Reviewer, side

pytestmark = pytest.mark.django_db


def judge_all(reviewer: Reviewer, choice: Any) -> Any:
    """Judge until nothing waits; `choice` (pair) says how. Returns the last counts."""
    counts = None
    while pair := reviewer.next():
        counts = reviewer.judge(pair, choice(pair)).json()["counts"]
    return counts


def test_only_tickets_before_the_first_unjudged_disagreement_count(
    observed: Observed, rose: Reviewer
) -> None:
    waiting, *_ = observed.pairs("delivery", "billing", 3)
    held = rose.next()
    assert held["id"] == waiting.pk
    sam = Reviewer("sam")
    for _ in range(2):
        sam.judge(sam.next(), "first")
    assert pairs.settled_pairs(observed.observation) == []
    assert sum(pair.count for pair in pairs.mirrored_pairs(observed.observation)) == 3
    rose.judge(held, "first")
    assert sum(pair.count for pair in pairs.settled_pairs(observed.observation)) == 3


def test_drawn_agreements_are_weighed_by_the_chance_they_were_drawn_with(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("delivery", "delivery", 3, drawn=False)
    observed.pairs("delivery", "delivery", 3)
    observed.pairs("delivery", "billing", 2)
    judge_all(rose, lambda pair: "both" if pair["are_same"] else side(pair, observed.services["billing"]))
    found = rose.get("observation/")["observation"]["figures"]
    # three of the six agreements were judged, each for two; both disagreements went to the baseline
    assert found["candidate"]["precision"]["value"] == pytest.approx(6 / 8)
    assert found["baseline"]["precision"]["value"] == pytest.approx(1.0)
    assert (found["agreement"], found["due"]["agreements_judged"]) == (0.75, 3)
    (difference,) = found["differences"]
    assert (difference["count"], difference["baseline_right"], difference["candidate_right"]) == (2, 2, 0)


def test_a_better_candidate_is_sufficient_after_enough_judgements_and_says_how_many_more_before() -> None:
    observed, rose = Observed(), Reviewer("rose")
    observed.pairs("billing", "billing", 120, drawn=False)
    observed.pairs("delivery", "billing", 12)
    first = rose.next()
    assert rose.judge(first, side(first, observed.services["delivery"])).json()["counts"]["more"] >= 1
    judge_all(rose, lambda pair: side(pair, observed.services["delivery"]))
    again = observed.again()
    codes = [reason["code"] for reason in again.verdict["reasons"]]
    assert (again.state, codes) == ("sufficient", ["precision_certified", "cost_better", "coverage_kept"])
    entry = HistoryEntry.objects.get(kind="verdict")
    assert (entry.params["state"], entry.by) == ("sufficient", None)


def test_taking_the_last_judgement_back_takes_the_verdict_back() -> None:
    observed, rose = Observed(most_judgements=2, cost_margin=0.0), Reviewer("rose")
    observed.pairs("delivery", "billing", 3)
    last: Any = None
    for _ in range(2):
        last = rose.judge(rose.next(), "unclear").json()["judgement"]
    assert observed.again().state == "insufficient"
    rose.undo(last["id"])
    assert (observed.again().state, observed.again().decided_at) == ("running", None)
    assert [entry.params["state"] for entry in HistoryEntry.objects.filter(kind="verdict")] == [
        "running", "insufficient",
    ]  # fmt: skip


def test_an_observation_that_is_over_takes_no_judgement_and_no_undo(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("delivery", "billing", 2)
    said = rose.judge(rose.next(), "first").json()["judgement"]
    pair = rose.next()
    actions.observation_stop(observation_id=observed.observation.pk, by=observed.lead, why="enough seen")
    assert rose.judge(pair, "first").json()["error"]["code"] == "observation_over"
    assert rose.undo(said["id"]).json()["error"]["code"] == "observation_over"


def test_the_page_is_told_when_something_else_routes_than_what_is_compared_with(
    observed: Observed, rose: Reviewer
) -> None:
    assert rose.get("observation/")["observation"]["baseline_holds"] is True
    RoutingSettings.objects.update_or_create(pk=1, defaults={"baseline": "rules"})
    assert rose.get("observation/")["observation"]["baseline_holds"] is False
