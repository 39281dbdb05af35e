"""The gate: nothing that was not measured passes, and asking for more never lets more through."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.gate import Figures, Limits, may, verdict
from ml.mcnemar import Paired

PATIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GOOD = Figures(
    n=500,
    accuracy=0.9,
    calibration=0.03,
    state="certified",
    certified=0.95,
    recall=0.85,
    coverage=0.9,
    latency_ms=80.0,
)

share = st.one_of(st.none(), st.floats(0.0, 1.0))
figures = st.builds(
    Figures,
    n=st.integers(0, 1000),
    unusable=st.integers(0, 2),
    accuracy=share,
    calibration=share,
    certified=share,
    recall=share,
    coverage=share,
    latency_ms=st.one_of(st.none(), st.floats(0.0, 2000.0)),
    services=st.dictionaries(
        st.sampled_from(["billing", "delivery"]),
        st.builds(Paired, *[st.integers(0, 60)] * 4),
    ),
)
limits = st.builds(
    Limits,
    accuracy=share,
    precision=share,
    recall=share,
    coverage=share,
    calibration=share,
    worse_by=share,
    latency_ms=st.one_of(st.none(), st.floats(0.0, 2000.0)),
)
FLOORS = ("accuracy", "precision", "recall", "coverage")


def test_a_good_version_passes_without_a_word() -> None:
    assert verdict(GOOD, Limits()).reasons == ()


def test_each_figure_that_misses_its_limit_is_named_with_both_numbers() -> None:
    bad = dataclasses.replace(GOOD, accuracy=0.7, calibration=0.2, latency_ms=900.0)
    said = verdict(bad, Limits())
    assert said.stopping == ("low_accuracy", "badly_calibrated", "slow")
    assert said.reasons[0].params == {"value": 0.7, "limit": 0.8}


def test_a_version_that_is_not_certified_is_stopped_with_what_it_takes() -> None:
    bad = dataclasses.replace(GOOD, certified=None, state="too_few_labels", more_labels=120)
    assert verdict(bad, Limits()).reasons[0].params["more_labels"] == 120


def test_without_a_label_nothing_else_is_said() -> None:
    assert [reason.code for reason in verdict(Figures(), Limits()).reasons] == ["no_labels"]


def test_answers_that_are_no_probabilities_stop_a_version_however_good_the_others() -> None:
    assert verdict(dataclasses.replace(GOOD, unusable=1), Limits()).stopping == ("unusable_answers",)


def test_a_service_loses_only_by_evidence_not_by_chance() -> None:
    lost = Paired(both=20, only_first=0, only_second=8, neither=2)
    unlucky = Paired(both=20, only_first=1, only_second=3, neither=6)
    few = Paired(both=0, only_first=0, only_second=9, neither=0)
    said = verdict(
        dataclasses.replace(GOOD, services={"a": lost, "b": unlucky, "c": few}), Limits(worse_by=0.05)
    )
    assert [(reason.code, reason.stops) for reason in said.reasons] == [
        ("worse_for_service", True),
        ("maybe_worse_for_service", False),
        ("too_few_to_compare", False),
    ]
    assert said.reasons[0].params["service"] == "a"


def test_a_service_that_production_knows_and_the_version_does_not_stops_it() -> None:
    assert verdict(dataclasses.replace(GOOD, lost=("warranty",)), Limits()).stopping == ("service_lost",)


def test_a_latency_nobody_measured_is_said_but_does_not_stop() -> None:
    said = verdict(dataclasses.replace(GOOD, latency_ms=None), Limits())
    assert said.passed and said.reasons[0].code == "latency_unknown"


@PATIENT
@given(figures, limits)
def test_it_passes_if_and_only_if_nothing_stops(seen: Figures, asked: Limits) -> None:
    said = verdict(seen, asked)
    assert said.passed == (said.stopping == ())


@PATIENT
@given(figures, limits, st.sampled_from(FLOORS), st.floats(0.0, 1.0))
def test_asking_for_more_never_lets_more_through(
    seen: Figures, asked: Limits, name: str, more: float
) -> None:
    stricter = dataclasses.replace(asked, **{name: max(more, getattr(asked, name) or 0.0)})
    assert verdict(seen, asked).passed or not verdict(seen, stricter).passed


@PATIENT
@given(figures, limits, st.sampled_from(["accuracy", "recall", "coverage", "certified", "calibration"]))
def test_a_figure_that_was_not_measured_never_helps(seen: Figures, asked: Limits, name: str) -> None:
    less = dataclasses.replace(seen, **{name: None})
    assert verdict(seen, asked).passed or not verdict(less, asked).passed


@PATIENT
@given(figures)
def test_without_limits_only_broken_things_stop(seen: Figures) -> None:
    nothing = Limits(*[None] * len(dataclasses.fields(Limits)))
    assert set(verdict(seen, nothing).stopping) <= {"no_labels", "unusable_answers"}


@pytest.mark.parametrize(
    ("passed", "stopping", "overridden", "expected"),
    [
        (True, [], [], True),
        (False, ["slow"], [], False),
        (False, ["slow"], ["slow", "low_recall"], True),
        (False, ["slow", "low_accuracy"], ["slow"], False),
        (False, [], [], False),
    ],
)
def test_an_override_covers_only_what_its_author_saw(
    passed: bool, stopping: list[str], overridden: list[str], expected: bool
) -> None:
    assert may(passed, stopping, overridden) is expected
