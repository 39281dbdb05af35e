"""What is held against a threshold: the same for one ticket and for many."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.score import routing_score
from tests.ml.test_certify import pool


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1) | st.just(math.nan), st.floats(-0.1, 1.1) | st.just(math.nan)), max_size=9
    ),
    st.just(0.0) | st.floats(0, 40),
)
def test_many_tickets_score_what_each_scores_alone_to_the_last_bit(
    tickets: list[tuple[float, float]], weight: float
) -> None:
    sure, strange = (np.asarray([one[at] for one in tickets], np.float64) for at in (0, 1))
    many = replace(pool().of(np.arange(len(tickets))), confidence=sure, outlier=strange)
    alone = [routing_score(float(one), float(rank), weight) for one, rank in tickets]
    wanted = [math.nan if one is None else one for one in alone]
    assert np.array_equal(many.scores(weight), np.asarray(wanted, np.float64), equal_nan=True)
