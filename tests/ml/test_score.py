"""What is held against a threshold: the same for one ticket and for many."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.certificate import from_dict
from ml.certify import certify
from ml.policy import decide
from ml.score import OUTLIER_WEIGHT, Scoring, surest_for
from tests.ml.test_certify import PROMISE, asked, pool


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1) | st.just(math.nan), st.floats(-0.1, 1.1) | st.just(math.nan)), max_size=9
    ),
    st.just(0.0) | st.floats(0, 40),
    st.just(1.0) | st.floats(0.01, 1.0),
)
def test_many_tickets_score_what_each_scores_alone_to_the_last_bit(
    tickets: list[tuple[float, float]], weight: float, surest: float
) -> None:
    sure, strange = (np.asarray([one[at] for one in tickets], np.float64) for at in (0, 1))
    many = replace(pool().of(np.arange(len(tickets))), confidence=sure, outlier=strange)
    how = Scoring(weight, surest)
    alone = [how.of(float(one), float(rank)) for one, rank in tickets]
    wanted = [math.nan if one is None else one for one in alone]
    assert np.array_equal(many.scores(how), np.asarray(wanted, np.float64), equal_nan=True)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_what_is_sure_enough_lies_above_the_promise_and_rises_with_it(promised: float, other: float) -> None:
    low, high = sorted((promised, other))
    assert low < surest_for(low) <= surest_for(high) < 1


def test_a_strange_ticket_is_not_saved_by_how_sure_a_model_is_of_it() -> None:
    """One that shares a phrase with a service: by its log-odds alone it would stand above an ordinary ticket."""
    unlimited, limited = Scoring(10.0), Scoring(10.0, surest_for(0.95))
    ordinary, strange = (0.99, 0.1), (0.999_995, 0.5)
    assert unlimited.of(*strange) > unlimited.of(*ordinary)  # type: ignore[operator]
    assert limited.of(*strange) < limited.of(*ordinary)  # type: ignore[operator]


def test_a_certificate_from_before_there_was_a_limit_to_being_sure_scores_as_it_did() -> None:
    audit, truth = asked(1000, 1, honesty=3.0, strange=0.3)
    record = certify(audit, truth, pool(strange=0.3), PROMISE).to_dict()
    del record["surest"]
    older = from_dict(record)
    assert older.surest == 1.0
    found = decide(older.labels, [0.9999, 0.00005, 0.00005], 0.2, older)
    assert found.score == Scoring(OUTLIER_WEIGHT).of(0.9999, 0.2)
    assert found.score != Scoring(OUTLIER_WEIGHT, PROMISE.surest).of(0.9999, 0.2)
