"""The whole report from a sheet of answers, and two sheets compared: small cases by hand, bad ones to clear states."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from ml.answers import answers
from ml.judging import Sheet, auroc, compare, judge, passed_at, sheet
from ml.mcnemar import Paired, paired
from ml.outlook import Day, outcome, scores, steps
from ml.score import Scoring

PATIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LABELS = ["billing", "delivery", "returns"]


def made(rows: list[tuple[Any, ...]]) -> Sheet:
    """Of (truth, guess, confidence, outlier) a ticket."""
    return Sheet(
        ticket=list(range(1, len(rows) + 1)),
        truth=[row[0] for row in rows],
        guess=[row[1] for row in rows],
        confidence=[row[2] for row in rows],
        outlier=[row[3] for row in rows],
        language=["fr" if number % 2 else "en" for number in range(len(rows))],
    )


SMALL = made(
    [
        ("billing", "billing", 0.9, 0.1),
        ("delivery", "billing", 0.6, 0.2),
        ("delivery", "delivery", 0.8, 0.3),
        (None, "billing", 0.7, 0.9),
    ]
)


def test_a_ticket_of_no_service_is_no_error_of_accuracy_but_one_where_it_is_routed() -> None:
    report = judge(SMALL, LABELS, LABELS)
    assert (report["state"], report["n"], report["tickets"]) == ("judged", 3, 4)
    assert report["accuracy"] == pytest.approx(2 / 3)
    points = {round(point["coverage"], 2): point["risk"] for point in report["risk_coverage"]}
    assert points == {0.25: 0.0, 0.5: 0.0, 0.75: pytest.approx(1 / 3), 1.0: 0.5}


def test_strange_tickets_are_told_by_their_rank() -> None:
    found = judge(SMALL, LABELS, LABELS)["out_of_scope"]
    assert found == {
        "tickets": 1,
        "auroc_outlier": 1.0,
        "auroc_confidence": pytest.approx(2 / 3),
        "passed_at_95": 0.0,
    }


def test_languages_services_and_bins_are_counted_apart() -> None:
    report = judge(SMALL, LABELS, ["billing", "delivery"])
    assert [(one["language"], one["n"], one["accuracy"]) for one in report["languages"]] == [
        ("en", 2, 1.0),
        ("fr", 1, 0.0),
    ]
    assert report["unknown_here"] == ["returns"] and report["unheard"] == []
    assert sum(one["n"] for one in report["reliability"]) == 3
    low, high = report["macro_recall_interval"]
    assert low <= report["macro_recall"] <= high


def test_the_report_is_plain_json_and_a_sheet_comes_back_as_it_was() -> None:
    assert json.loads(json.dumps(judge(SMALL, LABELS, LABELS))) == judge(SMALL, LABELS, LABELS)
    assert Sheet(**json.loads(json.dumps(SMALL.to_dict()))) == SMALL


def test_without_a_ticket_the_state_says_so_and_no_figure_is_made_up() -> None:
    report = judge(made([]), LABELS, LABELS)
    assert (report["state"], report["accuracy"], report["macro_f1_interval"]) == ("no_labels", None, None)
    assert report["unheard"] == LABELS


def test_probabilities_that_are_none_are_counted_not_guessed() -> None:
    chances = np.asarray([[math.nan] * 3, [0.2, 0.7, 0.1], [0.9, 0.9, 0.9]])
    given_sheet = sheet([1, 2, 3], ["billing", "delivery", None], answers(LABELS, chances), ["", "", ""])
    assert given_sheet.guess == [None, "delivery", None]
    report = judge(given_sheet, LABELS, LABELS)
    assert (report["unusable"], report["n"], report["accuracy"]) == (2, 1, 1.0)
    nothing = sheet([1], ["billing"], answers(LABELS, chances[:1]), [""])
    assert judge(nothing, LABELS, LABELS)["state"] == "unusable_probabilities"


def test_one_service_is_a_state_of_its_own() -> None:
    only = made([("billing", "billing", 1.0, None)] * 3)
    assert judge(only, ["billing"], ["billing"])["state"] == "one_service"
    assert judge(only, LABELS, LABELS)["state"] == "one_service"


def test_a_service_the_model_was_never_taught_is_its_error_and_is_named() -> None:
    report = judge(
        made([("warranty", "billing", 0.9, None), ("billing", "billing", 0.8, None)]), LABELS, LABELS
    )
    assert (report["accuracy"], report["unseen_labels"]) == (0.5, ["warranty"])


def test_all_wrong_is_zero_not_none() -> None:
    report = judge(
        made([("billing", "returns", 0.9, None), ("delivery", "returns", 0.8, None)]), LABELS, LABELS
    )
    assert (report["accuracy"], report["coverage_at_precision_95"]) == (0.0, 0.0)


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        Sheet([1], [], [], [], [], [])


@PATIENT
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60))
def test_the_rank_measure_agrees_with_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    score, positive = np.asarray([one for one, _ in rows]), np.asarray([one for _, one in rows])
    found = auroc(score, positive)
    if positive.all() or not positive.any():
        assert found is None and passed_at(score, positive, 0.95) is None
    else:
        assert found == pytest.approx(roc_auc_score(positive, score))


@PATIENT
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=80))
def test_the_paired_test_is_the_exact_binomial_one_and_has_two_equal_sides(
    pairs: list[tuple[bool, bool]],
) -> None:
    found = paired([a for a, _ in pairs], [b for _, b in pairs])
    turned = paired([b for _, b in pairs], [a for a, _ in pairs])
    assert found.p_value == turned.p_value
    if not pairs:
        assert (found.difference, found.interval, found.p_value) == (None, None, None)
        return
    disagreements = found.only_first + found.only_second
    if disagreements:
        assert found.p_value == pytest.approx(min(1.0, binomtest(found.only_first, disagreements).pvalue))
    assert found.difference is not None and found.interval is not None
    assert -1.0 <= found.interval[0] <= found.interval[1] <= 1.0


def test_two_models_meet_on_tickets_both_answered_under_the_same_label() -> None:
    first = made(
        [("billing", "billing", 0.9, None), ("delivery", "billing", 0.9, None), ("billing", None, None, None)]
    )
    second = made(
        [
            ("billing", "returns", 0.9, None),
            ("returns", "returns", 0.9, None),
            ("billing", "billing", 1, None),
        ]
    )
    found = compare(first, second, LABELS, ["billing", "returns", "warranty"])
    assert found.overall == Paired(both=0, only_first=1, only_second=0, neither=0)
    assert list(found.services) == ["billing"]
    assert (found.only_first_knows, found.only_second_knows) == (("delivery",), ("warranty",))


def test_a_threshold_says_what_a_day_would_bring() -> None:
    counted = steps(SMALL, scores(SMALL, ["billing", "delivery"]))
    assert (counted.threshold, counted.routed, counted.right) == (
        [0.9, 0.8, 0.7, 0.6],
        [1, 2, 3, 4],
        [1, 2, 2, 2],
    )
    day = Day(tickets=100.0, minutes_escalation=2.0, minutes_misroute=15.0)
    found = outcome(counted, 0.75, day)
    assert found is not None
    assert (found.coverage, found.precision, found.escalations, found.misroutes) == (0.5, 1.0, 50.0, 0.0)
    assert found.recall == pytest.approx(2 / 3) and found.minutes_saved == 100.0
    loose = outcome(counted, 0.0, day)
    assert loose is not None and loose.minutes_saved == 200.0 - 50.0 * 15.0
    nothing = outcome(counted, 0.95, day)
    assert nothing is not None and (nothing.routed, nothing.precision, nothing.minutes_saved) == (
        0,
        None,
        0.0,
    )


def test_what_cannot_be_routed_has_no_score() -> None:
    assert scores(SMALL, ["billing"], gate=0.5) == [0.9, 0.6, None, None]
    assert scores(made([("billing", "billing", 0.9, None)]), ["billing"], Scoring(8.0)) == [None]
    assert outcome(steps(made([]), []), 0.5, Day(1, 1, 1)) is None


@PATIENT
@given(
    st.lists(
        st.tuples(st.sampled_from([*LABELS, None]), st.sampled_from(LABELS), st.floats(0, 1)), max_size=50
    ),
    st.floats(0, 1),
)
def test_counting_at_a_threshold_is_counting_the_tickets_above_it(
    rows: list[tuple[str | None, str, float]], threshold: float
) -> None:
    given_sheet = made([(truth, guess, sure, None) for truth, guess, sure in rows])
    found = outcome(steps(given_sheet, scores(given_sheet, LABELS)), threshold, Day(1, 1, 1))
    if not rows:
        assert found is None
        return
    above = [(truth, guess) for truth, guess, sure in rows if sure >= threshold]
    assert found is not None
    assert (found.routed, found.right) == (len(above), sum(truth == guess for truth, guess in above))
