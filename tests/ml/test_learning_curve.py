"""The law fitted to accuracies: it never falls, never leaves [0, 1], and finds back what it was made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.learning_curve import Forecast, fit, standard_error, straying

LABELS = np.asarray([50, 75, 100, 150, 200, 300, 400, 600])


def points(count: int) -> st.SearchStrategy[tuple[list[int], list[float]]]:
    labels = st.lists(st.integers(0, 10_000), min_size=count, max_size=count)
    return st.tuples(labels, st.lists(st.floats(0, 1), min_size=count, max_size=count))


@given(drawn=st.integers(1, 12).flatmap(points), steps=st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
def test_whatever_the_points_the_law_is_finite_between_0_and_1_and_never_falls(drawn, steps):
    labels, accuracy = drawn
    law = fit(labels, accuracy)
    told = np.asarray([law.at(step)[0] for step in sorted(steps)])
    assert np.isfinite(told).all() and (told >= 0).all() and (told <= 1).all()
    assert (np.diff(told) >= -1e-9).all()


@pytest.mark.parametrize(("a", "b", "c"), [(0.93, 2.0, 0.5), (0.9, 8.0, 0.9), (0.8, 1.0, 0.3)])
def test_a_law_is_found_back_from_its_own_points(a, b, c):
    law = fit(LABELS, a - b * LABELS**-c)
    for ahead in (700, 1000, 2000):
        assert law.at(ahead)[0] == pytest.approx(a - b * ahead**-c, abs=0.004)


def test_points_that_fall_give_a_flat_line_and_no_gain():
    law = fit([100, 200, 400], [0.8, 0.7, 0.6])
    assert law.at(1000)[0] == pytest.approx(law.at(400)[0])


def test_many_rows_are_fitted_as_each_alone():
    rows = np.asarray([[0.5, 0.6, 0.65, 0.7], [0.2, 0.5, 0.8, 0.9], [0.9, 0.9, 0.9, 0.9]])
    together = fit([100, 200, 300, 400], rows)
    for at, row in enumerate(rows):
        assert together.at(900)[at] == pytest.approx(fit([100, 200, 300, 400], row).at(900)[0])


@pytest.mark.parametrize(
    ("labels", "accuracy"), [([], []), ([1, 2], [0.5]), ([10], [np.nan]), ([np.inf], [0.5])]
)
def test_what_is_no_curve_is_refused(labels, accuracy):
    with pytest.raises(ValueError, match=r"match|finite"):
        fit(labels, accuracy)


@given(
    right=arrays.arrays(np.bool_, (6, 40)),
    known=arrays.arrays(np.bool_, (6, 40)),
    before=st.integers(1, 5000),
    more=st.integers(0, 5000),
)
def test_a_gain_is_never_negative_never_nan_and_lies_in_its_band(right, known, before, more):
    if not known.any():
        with pytest.raises(ValueError, match="no head"):
            Forecast(LABELS[:6], right, known, np.random.default_rng(0))
        return
    forecast = Forecast(LABELS[:6], right, known, np.random.default_rng(0))
    gain = forecast.gain(before, before + more)
    assert 0 <= gain.low <= gain.value <= gain.high <= 1
    at = forecast.at(before)
    assert 0 <= at.low <= at.value <= at.high <= 1


def heads(asked: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Heads at LABELS, right on each of `asked` labels once they have learned it: accuracy .92 - 4 n^-.6."""
    rng = np.random.default_rng(seed)
    learned = rng.random(asked)
    right = learned[None, :] < (0.92 - 4.0 * LABELS**-0.6)[:, None]
    return right, np.ones_like(right)


def test_more_audit_labels_make_the_band_narrower():
    widths = []
    for asked in (60, 240, 2000):
        gain = Forecast(LABELS, *heads(asked, 1), np.random.default_rng(0)).gain(600, 700)
        widths.append(gain.high - gain.low)
    assert widths[0] > widths[1] > widths[2]


def test_the_band_holds_the_true_gain_about_as_often_as_it_says():
    true = 4.0 * (600**-0.6 - 700**-0.6)
    held = 0
    for seed in range(60):
        gain = Forecast(LABELS, *heads(300, seed), np.random.default_rng(seed)).gain(600, 700)
        held += gain.low <= true <= gain.high
    assert 45 <= held <= 60


def test_the_labels_for_a_gain_are_the_fewest_that_reach_it():
    forecast = Forecast(LABELS, *heads(1000, 2), np.random.default_rng(0))
    wanted = 0.01
    at = forecast.labels_for(600, wanted, 5000)
    assert at is not None
    assert forecast.gain(600, at).value >= wanted - 1e-9 > forecast.gain(600, at - 2).value
    assert forecast.labels_for(600, 0.5, 5000) is None


@given(accuracy=st.floats(0, 1), n=st.integers(0, 10_000))
def test_the_standard_error_is_never_zero_and_shrinks_with_more_labels(accuracy, n):
    error = standard_error(accuracy, n)
    assert 0 < error <= 0.5
    assert standard_error(0.9, 4 * n + 8) < standard_error(0.9, n + 2)


def test_straying_is_the_spread_of_heads_and_not_a_slow_drift_of_the_law():
    rng = np.random.default_rng(0)
    assert straying(np.linspace(-0.1, 0.1, 14)) == pytest.approx(0.0, abs=1e-12)
    spread = [straying(np.linspace(0, 0.2, 14) + rng.normal(0, 0.01, 14)) for _ in range(300)]
    assert float(np.sqrt(np.mean(np.square(spread)))) == pytest.approx(0.01, rel=0.1)
    assert straying(np.asarray([0.1, 0.2])) == 0.0


def test_heads_that_stray_make_the_band_wider():
    right, known = heads(400, 4)
    calm = Forecast(LABELS, right, known, np.random.default_rng(0)).gain(600, 700)
    shaken = right.copy()
    shaken[::2, :12] = False
    shaken[1::2, :12] = True
    wild = Forecast(LABELS, shaken, known, np.random.default_rng(0)).gain(600, 700)
    assert wild.high - wild.low > calm.high - calm.low
