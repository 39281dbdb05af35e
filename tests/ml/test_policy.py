"""The three bands of confidence, and the one place that routes or escalates."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.certificate import Certificate
from ml.policy import EVERY_SERVICE, band, decide
from ml.score import Scoring

LABELS = ("card", "parcel", "refund")
SURE = (0.98, 0.01, 0.01)
CERTIFICATE = Certificate(
    state="certified",
    threshold=0.9,
    gate=0.8,
    precision=0.95,
    level=0.05,
    labels=LABELS,
    known=LABELS,
    audit_labels=500,
    escalated=("refund",),
    outlier_weight=2.0,
)


@pytest.mark.parametrize(
    ("p1", "p2", "expected"),
    [
        (0.97, 0.02, "sure"),
        (0.80, 0.20, "sure"),
        (0.79, 0.01, "hesitating"),
        (0.5, 0.49, "hesitating"),
        (0.34, 0.33, "lost"),
        (1.0, 0.0, "sure"),
        (0.0, 0.0, "lost"),
    ],
)
def test_confidence_has_three_names(p1: float, p2: float, expected: str) -> None:
    assert band(p1, p2) == expected


@pytest.mark.parametrize(("p1", "p2"), [(float("nan"), 0.1), (0.3, 0.5), (1.2, 0.0), (0.5, -0.1)])
def test_impossible_probabilities_are_refused(p1: float, p2: float) -> None:
    with pytest.raises(ValueError, match="band needs"):
        band(p1, p2)


@given(p1=st.floats(0, 1), share=st.floats(0, 1), more=st.floats(0, 1))
def test_a_more_confident_answer_is_never_named_less_sure(p1: float, share: float, more: float) -> None:
    order = ["lost", "hesitating", "sure"]
    p2 = min(p1, 1 - p1) * share
    higher = p1 + (1 - p1) * more
    assert order.index(band(higher, min(p2, 1 - higher))) >= order.index(band(p1, p2))


# What is held against the threshold


def test_the_most_ordinary_ticket_keeps_its_confidence_and_a_strange_one_loses_by_its_rank() -> None:
    assert Scoring(8.0).of(0.9, 0.0) == pytest.approx(0.9)
    assert Scoring(8.0).of(0.9, 1.0) == pytest.approx(0.003, abs=0.0005)
    assert Scoring(0.0).of(0.9, None) == 0.9
    assert Scoring(8.0).of(0.9, None) is None and Scoring(8.0).of(0.9, math.nan) is None
    log_odds = math.log(0.9 / 0.1) - 8 * 0.3
    assert Scoring(8.0).of(0.9, 0.3) == pytest.approx(1 / (1 + math.exp(-log_odds)))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 20))
def test_a_surer_or_more_ordinary_ticket_never_scores_less(
    confidence: float, surer: float, outlier: float, ordinary: float, weight: float
) -> None:
    low, high = sorted((confidence, surer))
    strange, plain = max(outlier, ordinary), min(outlier, ordinary)
    least, most = Scoring(weight).of(low, strange), Scoring(weight).of(high, plain)
    assert least is not None and most is not None and 0 <= least <= most + 1e-12 <= 1 + 1e-12


# Route or escalate


def test_a_sure_ordinary_ticket_of_a_certified_service_is_routed() -> None:
    found = decide(LABELS, SURE, 0.1, CERTIFICATE)
    assert found.is_routed and (found.service, found.reason, found.reasons) == ("card", None, ())
    assert found.score == Scoring(2.0).of(0.98, 0.1) and found.threshold == 0.9


@pytest.mark.parametrize(
    ("chances", "outlier", "reasons"),
    [
        ((0.5, 0.3, 0.2), 0.1, ("uncertain",)),
        ((0.91, 0.05, 0.04), 0.3, ("out_of_scope",)),  # sure enough, were it not so strange
        (SURE, 0.9, ("out_of_scope",)),
        (SURE, None, ("out_of_scope",)),
        (SURE, math.nan, ("out_of_scope",)),
        ((0.5, 0.3, 0.2), 0.9, ("out_of_scope", "uncertain")),
        ((0.01, 0.01, 0.98), 0.1, ("not_certified",)),
        ((0.2, 0.2, 0.6), 0.9, ("not_certified", "out_of_scope", "uncertain")),
        ((math.nan, 0.5, 0.5), 0.1, ("uncertain",)),
        ((0.9, 0.9, 0.9), 0.1, ("uncertain",)),
        ((0.0, 0.0, 0.0), 0.1, ("uncertain",)),
    ],
)
def test_an_escalated_ticket_says_every_reason_the_first_one_first(
    chances: tuple[float, ...], outlier: float | None, reasons: tuple[str, ...]
) -> None:
    found = decide(LABELS, chances, outlier, CERTIFICATE)
    assert not found.is_routed and found.reasons == reasons and found.reason == reasons[0]


def test_a_held_service_is_escalated_and_the_others_are_routed_on() -> None:
    assert decide(LABELS, SURE, 0.1, CERTIFICATE, held=frozenset({"card"})).reasons == ("held",)
    assert decide(LABELS, SURE, 0.1, CERTIFICATE, held=frozenset({"parcel"})).service == "card"
    unsure = decide(LABELS, (0.5, 0.3, 0.2), 0.1, CERTIFICATE, held=frozenset({"card"}))
    assert unsure.reasons == ("held", "uncertain") and unsure.reason == "held"


def test_when_every_service_is_held_nothing_is_routed_not_even_what_has_no_answer() -> None:
    everything = frozenset({EVERY_SERVICE})
    assert decide(LABELS, SURE, 0.1, CERTIFICATE, held=everything).reason == "held"
    assert decide(LABELS, (math.nan, 0.5, 0.5), 0.1, CERTIFICATE, held=everything).reason == "held"


@pytest.mark.parametrize(
    "other",
    [
        None,
        replace(CERTIFICATE, state="too_few_labels", threshold=None),
        replace(CERTIFICATE, labels=("parcel", "card", "refund")),
        replace(CERTIFICATE, labels=(*LABELS, "invoice")),
        replace(CERTIFICATE, known=("parcel",)),
    ],
)
def test_without_a_certificate_of_this_model_and_service_nothing_is_routed(other: Certificate | None) -> None:
    assert decide(LABELS, SURE, 0.1, other).reasons == ("not_certified",)


def test_a_service_that_was_taken_out_here_is_not_routed_to() -> None:
    assert decide(LABELS, SURE, 0.1, CERTIFICATE, services=("parcel",)).reasons == ("not_certified",)


def test_a_model_without_outlier_ranks_is_held_against_its_confidence_alone() -> None:
    plain = replace(CERTIFICATE, outlier_weight=0.0, gate=None)
    found = decide(LABELS, (0.91, 0.05, 0.04), None, plain)
    assert found.service == "card" and found.score == found.confidence == 0.91


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from([frozenset[str](), frozenset({"card"}), frozenset({EVERY_SERVICE})]),
)
def test_nothing_is_ever_routed_without_a_score_that_reaches_the_threshold(
    chances: list[float], outlier: float | None, held: frozenset[str]
) -> None:
    found = decide(LABELS, chances, outlier, CERTIFICATE, held=held)
    assert found.is_routed == (not found.reasons)
    if found.is_routed:
        assert found.service in ("card", "parcel") and found.service not in held
        assert found.score is not None and found.score >= 0.9
        assert outlier is not None and outlier <= 0.8


def test_routing_loads_neither_numpy_nor_torch() -> None:
    asked = "import sys, ml.policy; print([n for n in ('numpy', 'scipy', 'torch') if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
