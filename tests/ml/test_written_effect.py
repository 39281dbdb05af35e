"""The effect of written tickets is measured on real ones that neither head has seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.written_effect import _sign_test, written_effect


def world(real: dict[str, int], written: dict[str, int], wrong: bool = False):
    rng = np.random.default_rng(0)
    centres = {name: 2 * np.eye(6)[place] for place, name in enumerate("abc")}
    rows = [(name, False) for name, n in real.items() for _ in range(n)]
    rows += [(name, True) for name, n in written.items() for _ in range(n)]
    other = dict(zip("abc", "bca", strict=True))
    points = np.stack([centres[other[n] if wrong and w else n] + rng.normal(size=6) for n, w in rows])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    names = np.asarray([name for name, _ in rows])
    return (
        points.astype(np.float32),
        names,
        [str(n) for n in range(len(rows))],
        np.asarray([w for _, w in rows]),
    )


def test_good_tickets_for_a_rare_service_are_a_gain_for_it() -> None:
    found = written_effect(*world({"a": 60, "b": 60, "c": 4}, {"c": 20}), seed=0)
    rare = found.services[0]
    assert (rare.service, rare.real, rare.written) == ("c", 4, 20)
    assert rare.without is not None and rare.with_written is not None and rare.with_written > rare.without
    assert found.right_with - found.right_without == found.gained - found.lost


def test_tickets_written_for_the_wrong_service_are_a_loss_that_shows() -> None:
    found = written_effect(*world({"a": 30, "b": 30, "c": 30}, {"a": 60}, wrong=True), seed=0)
    assert found.lost > found.gained and found.p < 0.05


def test_a_service_without_a_real_ticket_cannot_be_measured() -> None:
    found = written_effect(*world({"a": 20, "b": 20}, {"c": 10}), seed=0)
    assert next(one for one in found.services if one.service == "c").with_written is None


def test_one_service_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="two services"):
        written_effect(*world({"a": 20}, {"b": 5}), seed=0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_chance_of_luck_is_even_both_ways_and_whole_for_an_even_split(gained: int, lost: int) -> None:
    assert _sign_test(gained, lost) == _sign_test(lost, gained) <= 1
    if gained == lost:
        assert _sign_test(gained, lost) == 1
