"""The three bands of confidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.policy import band


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
