"""Quality figures: right on small cases worked out by hand, and clear about bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from ml.metrics import calibration_error, coverage_at, evaluate, risk_coverage, wilson

LABELS = ["billing", "delivery", "returns"]


def certain(names: list[str]) -> np.ndarray:
    return np.eye(len(LABELS))[[LABELS.index(name) for name in names]]


def test_a_small_case_worked_out_by_hand() -> None:
    truth = ["billing", "billing", "delivery", "returns"]
    guess = ["billing", "delivery", "delivery", "returns"]
    report = evaluate(truth, guess, certain(guess), LABELS)
    assert report["accuracy"] == 0.75
    delivery = report["per_service"][1]
    assert (delivery["precision"], delivery["recall"], delivery["support"]) == (0.5, 1.0, 1)
    assert report["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert report["confusion"]["rows_true_columns_predicted"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert report["ece"] == pytest.approx(0.25)


def test_the_report_is_plain_json() -> None:
    report = evaluate(["billing"], ["returns"], certain(["returns"]), LABELS)
    assert json.loads(json.dumps(report)) == report


def test_a_truth_the_model_does_not_know_is_an_error_of_the_model() -> None:
    report = evaluate(["warranty", "billing"], ["billing", "billing"], None, LABELS)
    assert report["accuracy"] == 0.5
    assert report["unseen_labels"] == ["warranty"]
    warranty = report["per_service"][-1]
    assert (warranty["label"], warranty["recall"], warranty["precision"]) == ("warranty", 0.0, None)
    assert report["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert report["ece"] is None and report["risk_coverage"] == []


def test_no_prediction_at_all_gives_none_not_zero() -> None:
    report = evaluate([], [], np.zeros((0, 3)), LABELS)
    assert report["n"] == 0
    assert report["accuracy"] is None and report["macro_f1"] is None and report["ece"] is None
    assert report["coverage_at_precision_95"] is None


def test_one_class_is_enough() -> None:
    report = evaluate(["billing"] * 3, ["billing"] * 3, np.ones((3, 1)), ["billing"])
    assert (report["accuracy"], report["macro_f1"], report["ece"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("truth", "guess", "chances", "labels", "message"),
    [
        (["billing"], [], None, LABELS, "1 truths but 0"),
        (["billing"], ["billing"], np.full((1, 3), np.nan), LABELS, "NaN"),
        (["billing"], ["billing"], np.ones((1, 2)), LABELS, "must be"),
        (["billing"], ["billing"], np.ones((1, 3)), LABELS, "sum to 1"),
        (["billing"], ["warranty"], None, LABELS, "outside the model"),
        (["billing"], ["billing"], None, ["billing", "billing"], "distinct"),
    ],
)
def test_bad_input_is_named(truth, guess, chances, labels, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        evaluate(truth, guess, chances, labels)


def test_the_wilson_interval_matches_the_published_example() -> None:
    low, high = wilson(81, 263) or (0.0, 0.0)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) is None


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_the_wilson_interval_holds_the_share_and_stays_within_bounds(n: int, share: float) -> None:
    successes = round(share * n)
    low, high = wilson(successes, n) or (9.0, 9.0)
    assert 0 <= low <= successes / n + 1e-12 and successes / n - 1e-12 <= high <= 1


def test_coverage_counts_how_much_can_be_accepted_at_a_precision() -> None:
    confidence = np.asarray([0.9, 0.8, 0.7, 0.6])
    correct = np.asarray([True, True, False, True])
    assert coverage_at(confidence, correct, 0.95) == 0.5
    assert coverage_at(confidence, correct, 0.75) == 1.0
    assert coverage_at(confidence, ~correct, 0.95) == 0.0


def test_equal_confidences_are_accepted_together() -> None:
    confidence = np.full(4, 0.5)
    correct = np.asarray([True, False, False, False])
    assert risk_coverage(confidence, correct) == [{"coverage": 1.0, "risk": 0.75, "threshold": 0.5}]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300))
def test_the_risk_coverage_curve_ends_at_the_error_rate(rows: list[tuple[float, bool]]) -> None:
    confidence = np.asarray([row[0] for row in rows])
    correct = np.asarray([row[1] for row in rows])
    curve = risk_coverage(confidence, correct)
    assert curve[-1]["coverage"] == 1.0
    assert curve[-1]["risk"] == pytest.approx(1 - correct.mean())
    coverages = [point["coverage"] for point in curve]
    assert coverages == sorted(coverages) and len(curve) <= 101


def test_calibration_error_is_zero_for_honest_confidence() -> None:
    confidence = np.full(100, 0.75)
    correct = np.arange(100) % 4 != 0
    assert calibration_error(confidence, correct) == pytest.approx(0.0)
    assert calibration_error(np.ones(100), correct) == pytest.approx(0.25)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=80))
def test_macro_f1_agrees_with_scikit_learn(rows: list[tuple[str, str]]) -> None:
    truth, guess = [row[0] for row in rows], [row[1] for row in rows]
    expected = f1_score(truth, guess, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert evaluate(truth, guess, None, LABELS)["macro_f1"] == pytest.approx(expected)


def test_coverage_is_the_most_that_can_be_routed_at_the_precision_and_ties_go_together() -> None:
    right = np.asarray([True] * 19 + [False] + [True] * 5 + [False] * 5)
    falling = np.linspace(1.0, 0.1, 30).astype(np.float32)
    assert coverage_at(falling, right, 0.95) == pytest.approx(25 / 30)
    assert coverage_at(np.full(30, 0.5, np.float32), right, 0.95) == 0.0
    assert coverage_at(-falling, right, 0.95) == 0.0
