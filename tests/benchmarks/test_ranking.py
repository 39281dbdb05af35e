"""What the benchmark of ranking times, and how."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import contests, ranking
from benchmarks.clocks import Took, timed

OURS = ["ours (default)", "ours, clustered margin"]


def test_work_is_timed_and_work_that_never_ends_is_stopped() -> None:
    def forever() -> None:
        while True:
            pass

    done = timed(lambda: sum(range(200_000)), patience=5)
    assert done.seconds is not None and done.seconds > 0 and done.wall > 0
    stopped = timed(forever, patience=1)
    assert stopped.seconds is None and "not finished" in stopped.why


def test_work_that_wants_too_much_memory_is_stopped() -> None:
    greedy = timed(lambda: np.ones(1_000_000_000, np.uint8), patience=5, memory_gb=0.5)
    assert greedy.seconds is None and "0.5 GB" in greedy.why


def test_work_that_fails_says_so() -> None:
    failed = timed(lambda: 1 / 0, patience=5)
    assert failed.seconds is None and "ZeroDivisionError" in failed.why


@pytest.mark.parametrize("name", OURS)
def test_ours_chooses_the_same_open_tickets_from_recalled_probabilities_as_from_embeddings(name: str) -> None:
    pool = contests.make_pool(300, 5, 16, 50, seed=1)
    way = contests.batches()[name]
    whole, alone = way(pool, 25, 0), way(pool.given, 25, 0)
    assert whole.tolist() == alone.tolist()
    assert len(set(whole.tolist())) == 25 and whole.min() >= 50 and whole.max() < 350


def test_the_recalled_head_says_what_the_head_says_of_the_open_tickets() -> None:
    pool = contests.make_pool(120, 4, 16, 40, seed=2)
    opened = pool.points[pool.open]
    assert (pool.given.head.predict_proba(opened) == pool.head.predict_proba(opened)).all()
    everything = pool.given.head.predict_proba(pool.points)
    assert (everything[pool.open] == pool.probabilities).all() and len(everything) == 160


def test_a_pool_has_unit_vectors_and_its_services_can_be_learned() -> None:
    pool = contests.make_pool(500, 6, 32, 120, seed=3)
    assert np.allclose(np.linalg.norm(pool.points, axis=1), 1, atol=1e-4)
    guessed = pool.head.classes_[pool.probabilities.argmax(axis=1)]
    assert len(np.unique(guessed)) == 6


def test_every_scoring_ranks_by_the_same_margin() -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(7), 60).astype(np.float32)
    ways = contests.scorings()
    ours, plain = ways["ours (default)"](chances), ways["numpy: partition, subtract"](chances)
    assert np.allclose(1 - ours, plain, atol=1e-6)


def test_a_target_is_judged_at_the_largest_size_the_peer_finishes() -> None:
    found: dict[ranking.Key, list[Took]] = {}
    for size, modal in ((1000, 2.0), (10_000, 30.0)):
        found[size, ranking.BATCHES, ranking.OURS] = [Took(0.1, 0.1)] * 2
        found[size, ranking.BATCHES, contests.MODAL] = [Took(modal, modal)] * 2
    found[100_000, ranking.BATCHES, ranking.OURS] = [Took(0.1, 0.1)] * 2
    found[100_000, ranking.BATCHES, contests.MODAL] = [Took(None, 9.0, "not finished in 120 s")]
    (target,) = ranking.targets_of(found)
    assert "10,000 tickets" in target["name"] and target["value"] == pytest.approx(300) and target["met"]
    rows = {(row["tickets"], row["method"]): row for row in ranking.rows_of(found)}
    assert rows[100_000, contests.MODAL]["finished"] == "not finished in 120 s"
    assert rows[1000, contests.MODAL]["x ours"] == 20.0


def test_a_million_must_be_ranked_within_three_seconds() -> None:
    found = {
        (ranking.MILLION, ranking.WHOLE, ranking.OURS): [Took(seconds, 4.0) for seconds in (2.0, 2.5, 4.0)]
    }
    (target,) = ranking.targets_of(found)
    assert (target["value"], target["met"]) == (2.5, True)
