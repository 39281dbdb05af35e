"""The comparison's verdict: sufficient, insufficient, or so many more judgements, and always an end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.certify import Costs
from ml.paired import Judged, Pair, cost_difference, coverage, coverage_difference, precision
from ml.verdict import Terms, Verdict, verdict

COSTS = Costs(escalation=1.0, misroute=10.0)
TERMS = Terms()
AGREE = Pair("card", "card", 0.1)
CANDIDATE_RIGHT = Pair("card", "parcel", 1.0, Judged(True, False, "card"))
BASELINE_RIGHT = Pair("card", "parcel", 1.0, Judged(False, True, "parcel"))
NEITHER = Pair("card", "parcel", 1.0, Judged(False, False, "refund"))
ROUTES_MORE = Pair("card", None, 1.0, Judged(True, False, "card"))
ROUTES_LESS = Pair(None, "card", 1.0, Judged(False, True, "card"))
EVERY = (AGREE, CANDIDATE_RIGHT, BASELINE_RIGHT, NEITHER, ROUTES_MORE, ROUTES_LESS)


def of(*counted: tuple[Pair, int]) -> list[Pair]:
    return [Pair(one.candidate, one.baseline, one.probability, one.judged, many) for one, many in counted]


def judge(pairs: list[Pair], certified: float | None = 0.95, terms: Terms = TERMS) -> Verdict:
    return verdict(pairs, pairs, COSTS, certified, terms)


def codes(found: Verdict) -> list[str]:
    return [one.code for one in found.reasons]


# What a pair costs


@pytest.mark.parametrize(
    ("pair", "minutes"),
    [
        (AGREE, 0.0),
        (CANDIDATE_RIGHT, -10.0),
        (BASELINE_RIGHT, 10.0),
        (NEITHER, 0.0),
        (ROUTES_MORE, -1.0),
        (ROUTES_LESS, 1.0),
        (Pair("card", None, 1.0, Judged(False, False)), 9.0),
    ],
)
def test_a_pair_costs_what_the_two_answers_cost_people(pair: Pair, minutes: float) -> None:
    assert pair.difference(COSTS) == minutes


def test_a_misroute_that_the_matrix_prices_costs_that() -> None:
    costs = Costs(matrix={("parcel", "card"): 40.0})
    assert BASELINE_RIGHT.difference(costs) == 40.0
    assert cost_difference([BASELINE_RIGHT], costs, 0.05).interval.high == 40.0


def test_an_unjudged_disagreement_has_no_difference() -> None:
    with pytest.raises(ValueError, match="judged"):
        Pair("card", "parcel", 1.0).difference(COSTS)


@settings(deadline=None)  # a busy machine is no error
@given(st.lists(st.integers(0, 30), min_size=len(EVERY), max_size=len(EVERY)))
def test_swapping_the_models_turns_the_difference_round(counts: list[int]) -> None:
    pairs = of(*zip(EVERY, counts, strict=True))
    swapped = [
        Pair(
            one.baseline,
            one.candidate,
            one.probability,
            one.judged
            and Judged(one.judged.baseline_is_right, one.judged.candidate_is_right, one.judged.truth),
            one.count,
        )
        for one in pairs
    ]
    for compare in (
        lambda some: cost_difference(some, COSTS, 0.05),
        lambda some: coverage_difference(some, 0.05),
    ):
        here, there = compare(pairs), compare(swapped)
        if here.value is not None:
            assert there.value == pytest.approx(-here.value)
        assert there.interval.low == pytest.approx(-here.interval.high, abs=1e-6)


# Precision and coverage beside it


def test_precision_weighs_a_drawn_agreement_by_its_probability() -> None:
    drawn = Pair("card", "card", 0.1, Judged(True, True, "card"))
    pairs = of((AGREE, 900), (drawn, 100), (BASELINE_RIGHT, 100))
    found = precision(pairs, True, 0.1, 0.05)
    assert found.value == pytest.approx(1000 / 1100)
    assert found.interval.holds(1000 / 1100)
    assert (found.tickets, found.judged) == (1100, 200)
    assert precision(pairs, False, 0.1, 0.05).value == pytest.approx(1.0)


def test_tickets_that_a_model_escalates_say_nothing_about_its_precision() -> None:
    found = precision(of((ROUTES_LESS, 50)), True, 0.1, 0.05)
    assert (found.value, found.tickets, found.interval.width) == (None, 0, 1.0)


def test_the_coverage_of_both_needs_no_judgement() -> None:
    pairs = of((AGREE, 80), (Pair("card", None, 1.0), 20))
    assert coverage(pairs, True, 0.05).value == 1.0
    assert coverage(pairs, False, 0.05).value == 0.8
    assert coverage_difference(pairs, 0.05).value == pytest.approx(0.2)


# The verdict


def test_before_the_first_judgement_nothing_is_known() -> None:
    found = judge([])
    assert (found.state, found.more) == ("undecided", None)


def test_a_candidate_that_is_right_more_often_and_certified_is_sufficient() -> None:
    found = judge(of((AGREE, 820), (CANDIDATE_RIGHT, 130), (BASELINE_RIGHT, 50)))
    assert found.state == "sufficient"
    assert codes(found) == ["precision_certified", "cost_better", "coverage_kept"]
    assert found.more is None


def test_the_same_candidate_without_a_certificate_is_insufficient() -> None:
    pairs = of((AGREE, 820), (CANDIDATE_RIGHT, 130), (BASELINE_RIGHT, 50))
    for certified in (None, 0.90):
        found = judge(pairs, certified)
        assert found.state == "insufficient"
        assert codes(found)[0] == "precision_not_certified"


def test_a_missing_certificate_does_not_end_a_comparison_that_is_open() -> None:
    assert judge(of((AGREE, 82), (CANDIDATE_RIGHT, 8)), None).state == "undecided"


def test_a_candidate_that_costs_more_is_insufficient_even_if_certified() -> None:
    found = judge(of((AGREE, 820), (BASELINE_RIGHT, 130), (CANDIDATE_RIGHT, 50)))
    assert found.state == "insufficient"
    assert "cost_worse" in codes(found)


def test_a_candidate_that_routes_much_less_is_insufficient_however_cheap() -> None:
    terms = Terms(cost_margin=1.0)
    found = judge(of((AGREE, 800), (ROUTES_LESS, 200)), terms=terms)
    assert found.state == "insufficient"
    assert codes(found)[1:] == ["cost_not_worse", "coverage_lower"]


def test_two_equally_good_models_come_to_an_end_as_not_worse() -> None:
    found = judge(of((AGREE, 4000), (CANDIDATE_RIGHT, 250), (BASELINE_RIGHT, 250)))
    assert found.state == "sufficient"
    assert codes(found)[1] == "cost_not_worse"


def test_a_candidate_just_at_the_margin_comes_to_an_end_by_the_width_or_by_what_was_judged() -> None:
    at_margin = of((AGREE, 775), (BASELINE_RIGHT, 125), (CANDIDATE_RIGHT, 100))
    assert judge(at_margin, terms=Terms(most_judgements=1000)).state == "undecided"
    spent = judge(at_margin, terms=Terms(most_judgements=200))
    assert (spent.state, codes(spent)[-1]) == ("insufficient", "judgements_spent")
    close = judge(at_margin, terms=Terms(resolution=2.0))
    assert (close.state, codes(close)[1]) == ("insufficient", "cost_too_close")


@settings(deadline=None)  # a busy machine is no error
@given(
    st.lists(st.integers(0, 200), min_size=len(EVERY), max_size=len(EVERY)),
    st.sampled_from([None, 0.9, 0.95]),
)
def test_a_verdict_is_sufficient_only_if_all_three_conditions_are_shown(
    counts: list[int], certified: float | None
) -> None:
    found = judge(of(*zip(EVERY, counts, strict=True)), certified)
    if found.state == "sufficient":
        assert certified == 0.95
        assert found.cost.interval.high <= TERMS.cost_margin
        assert found.coverage.interval.low >= -TERMS.coverage_margin
    assert (found.more is None) or found.state == "undecided"
    assert found.more is None or 1 <= found.more <= TERMS.most_judgements


def test_the_number_of_judgements_still_needed_is_about_right() -> None:
    """From 60 judgements on; the median of the numbers said lies within a factor of 2 of the median of those needed."""
    rng, said, needed = np.random.default_rng(3), [], []
    kinds, shares = (AGREE, CANDIDATE_RIGHT, BASELINE_RIGHT), [0.85, 0.075, 0.075]
    for _ in range(10):
        drawn = rng.choice(3, 8000, p=shares)
        counts = [np.cumsum(drawn == kind) for kind in range(3)]
        judged = counts[1] + counts[2]

        def at(judgements: int, counts: list[np.ndarray] = counts, judged: np.ndarray = judged) -> Verdict:
            place = int(np.searchsorted(judged, judgements))
            return judge(of(*((kind, int(counts[n][place])) for n, kind in enumerate(kinds))))

        first = at(60)
        if first.more is None:
            continue
        said.append(first.more)
        needed.append(next((n for n in range(85, 1000, 25) if at(n).more is None), 1000) - 60)
    assert 0.5 < np.median(said) / np.median(needed) < 2.0


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": 0.0}, {"precision": 1.0}, {"cost_margin": -1.0}, {"coverage_margin": 2.0}, {"resolution": 0.0},
     {"most_judgements": 0}],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|allowed"):
        Terms(**wrong)  # type: ignore[arg-type]
