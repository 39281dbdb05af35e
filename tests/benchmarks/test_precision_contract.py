"""What the benchmark of the precision contract measures with."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import precision_contract as bench
from benchmarks.history import History
from ml.answers import answers
from ml.certificate import Promise


def world(n: int = 3000, seed: int = 0) -> bench.World:
    """Two services, probabilities that are honest, and every fortieth ticket of neither."""
    rng = np.random.default_rng(seed)
    top = 0.5 + 0.5 * rng.beta(3, 1, n)
    best = rng.integers(0, 2, n)
    chances = np.where(np.arange(2) == best[:, None], top[:, None], 1 - top[:, None])
    right = rng.random(n) < top
    truth = np.where(right, best, 1 - best).astype(str)
    return bench.world_of(
        answers(["0", "1"], chances), np.where(np.arange(n) % 40 == 0, "", truth), Promise()
    )


def test_the_loosest_threshold_keeps_the_precision_and_the_next_one_would_not() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.7, 0.6]), np.array([True, True, False, True, False])
    assert bench.loosest(confidence, right, 0.75) == 0.7
    assert bench.loosest(confidence, right, 1.0) == 0.8
    assert bench.loosest(confidence, ~right, 1.0) is None


def test_tickets_of_no_service_count_against_the_precision_and_not_in_the_coverage() -> None:
    one = world()
    figures = one.figures(np.ones(len(one.truth), np.bool_))
    assert figures["coverage"] == 1.0
    assert figures["precision"] == pytest.approx(0.975 * figures["recall"], abs=0.01)


def test_certificates_break_their_promise_less_often_than_a_look_at_the_curve() -> None:
    one, promise, rng = world(), Promise(precision=0.86, delta=0.05), np.random.default_rng(1)
    found = [bench.one_resplit(one, 500, promise, rng) for _ in range(40)]
    certified, naive = (bench.summary(one, found, way, promise) for way in ("certified", "naive"))
    assert certified["promise broken"] <= 5 < naive["promise broken"]
    assert certified["uncertified"] < 20


def test_draws_are_joined_by_adding_counts_and_averaging_shares() -> None:
    row = {"way": "certified", "resplits": 4, "uncertified": 1, "promise broken": 0, "precision": 0.9}
    other = {**row, "uncertified": 4, "precision": None}
    assert bench.joined([row, other]) == {**row, "resplits": 8, "uncertified": 5, "precision": 0.9}


def test_groups_are_held_each_to_its_own_threshold_and_cost_coverage() -> None:
    one, promise = world(6000), Promise(precision=0.86, delta=0.05)
    plain, grouped = (
        [bench.one_resplit(one, 1500, promise, np.random.default_rng(5), groups) for _ in range(3)]
        for groups in (0, 2)
    )
    for resplit in grouped:
        certificate = resplit["certificate"]
        assert len(certificate.groups) == 2
        routed = one.routed(certificate)
        for name in one.said.labels:
            mine, limit = one.said.service == name, certificate.threshold_for(name)
            assert not routed[mine & (one.scores < limit)].any()
    assert sum(r["certificate"].coverage or 0 for r in grouped) < sum(
        r["certificate"].coverage or 0 for r in plain
    )


def test_what_is_taught_is_in_scope_and_what_is_given_without_labels_is_of_every_service() -> None:
    labels = np.array(["a", "b", "c", "d"] * 300)
    points, groups = np.zeros((1200, 2), np.float32), np.arange(1200).astype(str)
    train = History([f"text {n}" for n in range(1200)], labels, points, groups)
    taught, pool = bench.Lesson(unlabelled=1 / 3).split(train, np.array(["d"]), 0)
    assert set(labels[taught]) == {"a", "b", "c"} and set(labels[pool]) == {"a", "b", "c", "d"}
    assert not set(taught) & set(pool) and 350 < len(pool) < 450
    everything, none = bench.Lesson().split(train, np.array([], np.str_), 0)
    assert len(everything) == 1200 and len(none) == 0
