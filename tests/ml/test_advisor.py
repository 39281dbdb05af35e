"""Verdicts: none without evidence, each for its reason, and none that flaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ml.advisor import (
    JUDGE_CONTROLS,
    ROUND,
    Advice,
    Former,
    Situation,
    advise,
    agreements,
    coverage_gain,
    kappa,
    scarce,
)
from ml.marks import NONE, Mark, grown, mark, rows_of
from ml.reports import Scores

SERVICES = 6
answers = st.lists(st.integers(0, 4), min_size=1, max_size=40)


# Kappa


@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn_where_it_has_one(pairs):
    one, two = (np.asarray(side, np.int64) for side in zip(*pairs, strict=True))
    found = kappa(one, two)
    assert found is not None and -1 <= found <= 1
    assert found == kappa(two, one)
    if len(set(one.tolist()) | set(two.tolist())) > 1:
        assert found == pytest.approx(cohen_kappa_score(one, two))


@given(told=answers)
def test_who_always_agrees_has_a_kappa_of_one(told):
    assert kappa(np.asarray(told), np.asarray(told)) == pytest.approx(1.0)


def test_kappa_of_nothing_is_not_known_and_of_unequal_lengths_refused():
    nothing = np.zeros(0, np.int64)
    assert kappa(nothing, nothing) is None
    with pytest.raises(ValueError, match="compared"):
        kappa(nothing, np.zeros(1, np.int64))


# A house that learns


class House:
    """Heads at every round of labels; ticket j of the panel is learned at `learned[j]` labels. The first tickets of
    the panel are audit ones.
    """

    def __init__(
        self, audit: int = 400, watched: int = 600, *, ceiling: float = 0.95, pace: float = 150
    ) -> None:
        rng = np.random.default_rng(3)
        self.audit, size = audit, audit + watched
        self.truth = rng.integers(0, SERVICES, size)
        when = rng.exponential(pace, size)
        self.learned = np.where(rng.random(size) < ceiling, when, np.inf)

    def mark(self, labels: int, *, uncertain: float = 0.3, coverage: float | None = None) -> Mark:
        known = self.learned <= labels
        guesses = np.where(known, self.truth, (self.truth + 1) % SERVICES)
        sure = float(known[: self.audit].mean()) if coverage is None else coverage
        return Mark(labels, guesses, uncertain, int(uncertain * 5000), sure)

    def marks(self, labels: int, **figures: float) -> list[Mark]:
        return [self.mark(at, **figures) for at in range(ROUND, labels + 1, ROUND)]

    def advise(
        self,
        labels: int,
        *,
        controls: int | None = None,
        before: int | None = None,
        scarce: tuple[str, ...] = (),
        former: Former | None = None,
        marks: list[Mark] | None = None,
    ) -> Advice:
        truths = np.full(len(self.truth), NONE)
        asked = self.audit if controls is None else controls
        truths[:asked] = self.truth[:asked]
        watched = np.arange(len(self.truth)) >= self.audit
        return advise(
            self.marks(labels) if marks is None else marks,
            Situation(labels, scarce, before),
            truths=truths,
            watched=watched,
            former=former,
        )


def test_before_there_is_any_evidence_people_label_on_and_nothing_is_made_up():
    for labels, controls in ((0, 0), (25, 3), (100, 49)):
        advice = House().advise(labels, controls=controls, before=25)
        assert advice.code == "label_on"
        assert advice.gain is None and advice.accuracy is None and advice.training is None
    assert advice.controls_missing == 1
    assert House().advise(0, controls=0).rounds_missing > 0


def test_while_it_learns_people_label_on_and_hear_what_the_next_labels_are_worth():
    advice = House().advise(200)
    assert advice.code == "label_on" and not advice.is_stable
    assert advice.gain is not None and advice.gain.value > 0.02
    assert advice.controls_missing == 0 and advice.rounds_missing == 0


def test_when_nothing_moves_any_more_people_may_stop():
    advice = House().advise(1800)
    assert advice.is_stable and advice.code == "stop"
    assert advice.gain is not None and advice.noise is not None and advice.gain.value < advice.noise
    assert min(advice.kappas) >= 0.99


def test_nobody_is_told_to_stop_on_too_few_controls():
    advice = House().advise(1800, controls=JUDGE_CONTROLS - 60)
    assert advice.is_stable and advice.code == "label_on"
    assert advice.controls_missing == 60


def test_a_stable_house_that_lacks_tickets_of_a_service_asks_for_some_rather_than_stop():
    advice = House().advise(1800, scarce=("warranty",))
    assert advice.code == "ask_for_tickets" and advice.scarce == ("warranty",)
    assert House().advise(200, scarce=("warranty",)).code == "label_on"


def test_a_pool_with_little_left_that_is_uncertain_asks_for_new_tickets():
    house = House()
    assert house.advise(300, marks=house.marks(300, uncertain=0.02)).code == "ask_for_tickets"


def test_stop_is_not_taken_back_for_a_little_but_is_for_a_lot():
    house = House()
    marks = house.marks(1800)
    assert house.advise(1800, marks=marks).code == "stop"
    shaken = replace(marks[-1], guesses=marks[-1].guesses.copy())
    shaken.guesses[400:409] = (shaken.guesses[400:409] + 1) % SERVICES
    marks[-1] = shaken
    assert house.advise(1800, marks=marks).code == "label_on"
    assert house.advise(1800, marks=marks, former=Former("stop")).code == "stop"
    shaken.guesses[400:440] = (house.truth[400:440] + 2) % SERVICES
    assert house.advise(1800, marks=marks, former=Former("stop")).code == "label_on"


def test_a_training_that_gains_less_than_the_noise_is_vetoed_until_labels_make_it_worth_it():
    house = House()
    advice = house.advise(1000, before=950)
    assert advice.training is not None and advice.training.vetoed and advice.training.new == 50
    assert advice.training.gain.value < advice.training.noise
    worth = house.advise(150, before=75).training
    assert worth is not None and not worth.vetoed and worth.gain.value > worth.noise
    assert worth.worth_from is not None and worth.worth_from <= 75


@given(labels=st.integers(2, 60), before=st.integers(1, 1500), vetoed=st.booleans())
def test_a_veto_never_outlasts_a_doubling_of_labels_nor_comes_from_few_controls(labels, before, vetoed):
    house = House(audit=240, watched=60)
    labels *= ROUND
    former = Former("label_on", vetoed)
    few = house.advise(labels, before=before, controls=JUDGE_CONTROLS - 1, former=former)
    assert few.training is None or not few.training.vetoed
    advice = house.advise(labels, before=before, former=former)
    if advice.training is not None and labels >= 2 * before:
        assert not advice.training.vetoed


def test_walking_on_label_by_label_the_verdict_changes_once_and_the_veto_comes_and_goes_once_a_training():
    house = House()
    codes, vetoes, former, before = [], [], None, 100
    for labels in range(100, 2001, ROUND):
        advice = house.advise(labels, before=before, former=former)
        training = advice.training
        vetoed = bool(training and training.vetoed)
        codes.append(advice.code)
        vetoes.append(vetoed)
        former = Former(advice.code, vetoed)
        if labels - before >= 50 and not vetoed:
            before, former = labels, Former(advice.code)
    assert [a for a, b in zip(codes, ["", *codes], strict=False) if a != b] == ["label_on", "stop"]
    assert vetoes[-1] and sum(vetoes) > 20


@given(
    sizes=st.lists(st.integers(0, 30), min_size=0, max_size=9),
    controls=st.integers(0, 30),
    before=st.none() | st.integers(0, 400),
)
def test_marks_of_any_size_give_advice_without_a_nan(sizes, controls, before):
    rng = np.random.default_rng(len(sizes))
    marks = [
        Mark(25 * (at + 1), rng.integers(NONE, 3, size), 0.5, size, 0.5) for at, size in enumerate(sizes)
    ]
    truths = np.concatenate([rng.integers(0, 3, controls), np.full(30 - controls, NONE)])
    advice = advise(marks, Situation(25 * len(sizes), (), before), truths=truths, watched=truths == NONE)
    figures = [*advice.kappas, advice.accuracy, advice.noise, advice.coverage_gain]
    assert all(value is None or np.isfinite(value) for value in figures)
    assert advice.coverage_gain is None or advice.coverage_gain >= 0


# Marks and the panel


def scores(top1: list[int], p1: list[float], classes: list[str]) -> Scores:
    n = len(top1)
    second = np.asarray([1.0 - value for value in p1], np.float32) / 2
    return Scores(
        np.zeros(n, np.float32), np.zeros(n, np.float32), np.asarray(top1), np.asarray(p1, np.float32),
        np.zeros(n, np.int64), second, classes,
    )  # fmt: skip


def test_a_mark_keeps_the_guesses_of_the_panel_and_counts_who_is_unsure():
    found = mark(
        scores([0, 1, 1, 0], [0.95, 0.5, 0.9, 0.4], ["card", "parcel"]),
        30,
        numbers=np.asarray([7, 8]),
        panel=np.asarray([12, 99, 10]),
        ids=np.asarray([10, 11, 12, 13]),
        unlabelled=np.asarray([True, True, False, True]),
        audit=np.asarray([False, False, True, False]),
    )
    assert found.guesses.tolist() == [8, NONE, 7]
    assert (found.uncertain, found.uncertain_tickets, found.coverage) == (pytest.approx(2 / 3), 2, 1.0)


@given(ids=st.lists(st.integers(0, 50), unique=True), wanted=st.lists(st.integers(0, 60)))
def test_places_of_ids_are_found_in_any_order(ids, wanted):
    found = rows_of(np.asarray(wanted, np.int64), np.asarray(ids, np.int64))
    assert found.tolist() == [ids.index(one) if one in ids else -1 for one in wanted]


def test_the_panel_only_grows_and_takes_in_audit_tickets_in_hash_order():
    ids = np.arange(100, 160)
    audit = ids < 110
    rank = -ids
    pool = {"audit": audit, "audit_rank": rank, "unlabelled": ~audit, "judged": np.asarray([104, 999])}
    first = grown(np.zeros(0, np.int64), ids, **pool, rng=np.random.default_rng(0))
    assert first[:10].tolist() == list(range(109, 99, -1))
    assert sorted(first.tolist()) == ids.tolist()
    more = np.arange(100, 170)
    pool = {"audit": more < 110, "audit_rank": -more, "unlabelled": more >= 110, "judged": more[:0]}
    second = grown(first, more, **pool, rng=np.random.default_rng(0))
    assert second[: len(first)].tolist() == first.tolist()
    assert len(set(second.tolist())) == len(second)


def test_heads_are_compared_on_what_nobody_has_labelled_and_both_have_seen():
    one = Mark(25, np.asarray([0, 1, 2]), 0, 0, 0)
    two = Mark(50, np.asarray([0, 1, 0, 1]), 0, 0, 0)
    watched = np.asarray([True, True, False, True])
    assert agreements([one, two], watched) == [1.0]
    assert agreements([one, two], ~watched) == [pytest.approx(kappa(np.asarray([2]), np.asarray([0])))]


def test_coverage_that_has_stopped_growing_promises_nothing():
    house = House()
    flat = [house.mark(at, coverage=0.7) for at in range(25, 400, 25)]
    assert coverage_gain(flat) == pytest.approx(0.0, abs=1e-6)
    assert (coverage_gain(house.marks(200)) or 0) > 0.05
    assert coverage_gain(house.marks(50)) is None


def test_a_service_is_scarce_when_it_lacks_labels_and_nothing_unlabelled_looks_like_it():
    found = scores([0] * 8 + [2], [0.9] * 9, ["card", "parcel", "refund"])
    everything = np.ones(9, np.bool_)
    counts = {"card": 1, "parcel": 2, "refund": 40, "warranty": 0}
    assert scarce(found, counts, everything) == ("parcel", "warranty")
    assert scarce(found, counts, ~everything) == ("card", "parcel", "warranty")
