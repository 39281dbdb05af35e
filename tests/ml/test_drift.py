"""Drift: what did not change is rarely called changed, what did is noticed, the figures are what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, fisher_exact

from ml.drift import below, farther, input_moved, mix_moved, rate_moved

Floats = NDArray[np.float32]


def drawn(rng: np.random.Generator, counts: list[int], spread: float = 0.6) -> Floats:
    """Unit vectors around fixed centres, ``counts`` of each."""
    centres = np.random.default_rng(7).normal(size=(len(counts), 24))
    points = np.concatenate(
        [centre + spread * rng.normal(size=(n, 24)) for centre, n in zip(centres, counts, strict=True)]
    )
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), np.float32)


def test_what_did_not_change_is_seldom_called_changed() -> None:
    called = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        before, now, snapshot = drawn(rng, [20, 20, 20]), drawn(rng, [15, 15, 15]), drawn(rng, [30, 30, 30])
        called += input_moved(before, now, rng).p <= 0.05
        called += farther(snapshot, before, now, rng).p <= 0.05
    assert called <= 5, "1.5 of 30 are expected at this level"


def test_another_mix_of_the_same_topics_is_noticed_by_the_vectors() -> None:
    rng = np.random.default_rng(0)
    found = input_moved(drawn(rng, [40, 40, 40]), drawn(rng, [80, 20, 20]), rng)
    assert found.p <= 0.01 and found.value > 0


def test_a_topic_no_label_speaks_of_is_noticed_by_the_distance_to_the_snapshot() -> None:
    rng = np.random.default_rng(0)
    snapshot, before = drawn(rng, [60, 60, 60, 0]), drawn(rng, [40, 40, 40, 0])
    found = farther(snapshot, before, drawn(rng, [30, 30, 30, 20]), rng)
    assert found.p <= 0.01 and found.value > found.reference
    assert farther(snapshot, before, snapshot[:60], rng).p > 0.5, "nearer is no alarm"


def test_the_discrepancy_is_the_textbook_s() -> None:
    rng = np.random.default_rng(3)
    before, now = drawn(rng, [6, 5]), drawn(rng, [4, 3])
    squared = lambda a, b: np.maximum(2 - 2 * a @ b.T, 0)  # noqa: E731
    width = 0.2 * np.median(squared(before, before))
    k = lambda a, b: np.exp(-squared(a, b) / width)  # noqa: E731
    n, m = len(before), len(now)
    wanted = (
        (k(before, before).sum() - n) / (n * (n - 1))
        + (k(now, now).sum() - m) / (m * (m - 1))
        - 2 * k(before, now).mean()
    )
    assert input_moved(before, now, rng).value == pytest.approx(wanted, abs=1e-5)


def test_the_same_rng_gives_the_same_answer() -> None:
    before, now = drawn(np.random.default_rng(1), [20, 20]), drawn(np.random.default_rng(2), [20, 20])
    once, again = (input_moved(before, now, np.random.default_rng(5)) for _ in range(2))
    assert once == again


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 60), min_size=1), st.integers(0, 9))
@settings(max_examples=30)
def test_the_same_mix_has_no_distance_and_no_alarm(counts: dict[str, int], seed: int) -> None:
    found = mix_moved(counts, counts, np.random.default_rng(seed))
    assert found.value == pytest.approx(0) and found.p == 1


def test_a_mix_that_moved_is_noticed_and_its_value_is_the_share_that_moved() -> None:
    found = mix_moved({"a": 300, "b": 300}, {"a": 390, "b": 210}, np.random.default_rng(0))
    assert found.value == pytest.approx(0.15) and found.p <= 0.01 and found.reference < 0.05
    assert mix_moved({"a": 5, "b": 5}, {"a": 7, "b": 3}, np.random.default_rng(0)).p > 0.2, (
        "ten tickets tell nothing"
    )
    assert mix_moved({"a": 100}, {"b": 100}, np.random.default_rng(0)).value == 1


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60)
def test_the_test_of_a_rate_is_fisher_s(n: int, m: int, share: float, other: float) -> None:
    a, b = round(share * n), round(other * m)
    wanted = fisher_exact([[a, n - a], [b, m - b]]).pvalue
    found = rate_moved((a, n), (b, m))
    assert found.p == pytest.approx(wanted, rel=1e-4, abs=1e-9)
    assert (found.reference, found.value) == (a / n, b / m)


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0.5, 0.99))
@settings(max_examples=60)
def test_a_broken_promise_is_judged_by_the_exact_tail(total: int, share: float, promised: float) -> None:
    right = round(share * total)
    found = below(right, total, promised)
    assert found.p == pytest.approx(binom.cdf(right, total, promised), abs=1e-9)
    if right < total:
        assert below(right + 1, total, promised).p >= found.p, "one more right is never worse"


@pytest.mark.parametrize("bad", [(3, 2, 0.9), (0, 0, 0.9), (1, 2, 1.0), (-1, 2, 0.9)])
def test_what_cannot_be_counted_is_refused(bad: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="right"):
        below(*bad)
    with pytest.raises(ValueError, match="of 0"):
        rate_moved((0, 0), (1, 2))
    with pytest.raises(ValueError, match="counted"):
        mix_moved({}, {"a": 1}, np.random.default_rng(0))
