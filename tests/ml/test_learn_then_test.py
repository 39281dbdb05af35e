"""The tests a threshold has to pass: exact, in order, and never spending more than was allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.grid import most_errors
from ml.learn_then_test import more_accepted, p_value, passed, spent


def test_the_p_value_is_the_binomial_tail() -> None:
    assert p_value(0, 10, 0.9) == pytest.approx(0.9**10)
    assert p_value(10, 10, 0.9) == pytest.approx(1.0)
    assert p_value(0, 0, 0.9) == 1.0
    with pytest.raises(ValueError, match="5 errors among 4"):
        p_value(5, 4, 0.9)


@given(st.integers(1, 400), st.integers(0, 400), st.floats(0.5, 0.99), st.floats(0.001, 0.3))
def test_what_is_certified_stays_so_with_fewer_errors_and_never_errs_more_than_the_bound(
    accepted: int, errors: int, precision: float, delta: float
) -> None:
    errors = min(errors, accepted)
    if passed([errors], [accepted], precision, delta):
        assert errors / accepted < 1 - precision
        assert all(passed([fewer], [accepted], precision, delta) for fewer in range(errors))
        assert errors <= most_errors(accepted, precision, delta)
    else:
        assert errors > most_errors(accepted, precision, delta)


def test_thresholds_are_certified_until_the_first_that_fails() -> None:
    assert passed([0, 1, 40, 1], [100, 120, 140, 160], 0.9, 0.1) == 2
    assert passed([40, 0], [100, 400], 0.9, 0.1) == 0


def test_how_many_more_labels_it_takes_is_said_or_that_none_would_do() -> None:
    assert more_accepted(0, 0, 0.95, 0.05) == 59
    assert more_accepted(0, 59, 0.95, 0.05) == 0
    assert more_accepted(10, 100, 0.95, 0.05) is None
    more = more_accepted(2, 80, 0.95, 0.05)
    assert more is not None and 0 < more < 400


def test_asking_the_same_labels_again_and_again_never_spends_more_than_delta() -> None:
    assert spent(0.05, None) == 0.05
    assert sum(spent(0.05, use) for use in range(1, 5000)) < 0.05
    with pytest.raises(ValueError, match="counted from 1"):
        spent(0.05, 0)
