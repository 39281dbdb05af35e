"""The learner: cold start, refits, lanes, order, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.learner import Learner, Pick

Floats = NDArray[np.float32]
SERVICES = ["billing", "delivery", "returns", "account"]


def shop_pool(
    per_service: int = 60, dim: int = 24, seed: int = 7
) -> tuple[NDArray[np.int64], Floats, NDArray[np.str_]]:
    """Four overlapping clouds, one a service; ids are not row numbers."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(SERVICES), dim))
    points = np.repeat(centres, per_service, axis=0) + rng.normal(
        scale=0.9, size=(per_service * len(SERVICES), dim)
    )
    names = np.repeat(np.asarray(SERVICES), per_service)
    mix = rng.permutation(len(names))
    return np.arange(len(names)) * 7 + 1000, points[mix].astype(np.float32), names[mix]


def everything(learner: Learner) -> NDArray[np.bool_]:
    return np.ones(len(learner.ids), np.bool_)


def ranked(learner: Learner, n: int = 40, seed: int = 1) -> list[Pick]:
    return learner.rank(eligible=everything(learner), n=n, rng=np.random.default_rng(seed))


def test_before_any_label_it_serves_typical_tickets_and_claims_nothing() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    picks = ranked(learner, 8)
    assert {pick.lane for pick in picks} == {"start"}
    assert len({names[pick.row] for pick in picks}) == len(SERVICES)
    assert learner.probabilities().shape == (len(ids), 0)
    scores = learner.scores()
    assert (scores.top1 == -1).all() and (scores.uncertainty == 1).all() and scores.classes == []


def test_with_one_service_alone_probabilities_have_one_column() -> None:
    ids, points, _ = shop_pool()
    learner = Learner(ids, points)
    report = learner.fit(ids[:5], ["billing"] * 5)
    assert report.classes == ["billing"] and report.n_labels == 5
    assert learner.probabilities().shape == (len(ids), 1)
    assert (learner.probabilities() == 1).all()
    assert len(ranked(learner)) == 40


def test_it_learns_the_services_from_forty_labels() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:40], names[:40].tolist())
    guessed = np.asarray(learner.classes)[learner.probabilities().argmax(axis=1)]
    assert (guessed[40:] == names[40:]).mean() > 0.9
    guess = learner.predict_one(points[50] * 3)
    assert guess.classes[int(guess.probabilities.argmax())] == guessed[50]


def test_the_same_labels_and_seeds_give_the_same_order() -> None:
    ids, points, names = shop_pool()
    orders = []
    for _ in range(2):
        learner = Learner(ids, points, seed=3)
        learner.fit(ids[:20], names[:20].tolist())
        learner.fit(ids[:30], names[:30].tolist())
        orders.append([(pick.id, pick.lane) for pick in ranked(learner, 100)])
    assert orders[0] == orders[1]


def test_it_never_ranks_a_labelled_an_ineligible_or_a_repeated_ticket() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:30], names[:30].tolist())
    eligible = everything(learner)
    eligible[30:60] = False
    picks = learner.rank(eligible=eligible, n=10_000, rng=np.random.default_rng(0))
    rows = [pick.row for pick in picks]
    assert len(set(rows)) == len(rows) == len(ids) - 60
    assert min(rows) >= 60
    assert all(pick.id == ids[pick.row] for pick in picks)


def test_near_duplicates_are_never_both_ranked_nor_one_of_a_labelled_group() -> None:
    ids, points, names = shop_pool()
    groups = np.arange(len(ids)) // 3
    learner = Learner(ids, points)
    for labelled in (0, 30):
        learner.fit(ids[:labelled], names[:labelled].tolist())
        picks = learner.rank(eligible=everything(learner), n=500, rng=np.random.default_rng(0), groups=groups)
        served = [int(groups[pick.row]) for pick in picks]
        assert len(served) == len(set(served)) == (len(ids) - labelled) // 3
        assert labelled == 0 or min(served) >= labelled // 3


def test_broken_embeddings_are_never_ranked() -> None:
    ids, points, names = shop_pool()
    points[10] = np.nan
    points[11] = 0.0
    learner = Learner(ids, points)
    learner.fit(ids[:20], names[:20].tolist())
    assert not {10, 11} & {pick.row for pick in ranked(learner, 1000)}
    assert np.isfinite(learner.probabilities()).all()
    with pytest.raises(ValueError, match="finite"):
        learner.predict_one(points[10])


def test_unknown_ids_and_uneven_lists_are_refused_and_change_nothing() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:20], names[:20].tolist())
    with pytest.raises(ValueError, match="not in the pool"):
        learner.fit([1], ["billing"])
    with pytest.raises(ValueError, match="do not match"):
        learner.fit(ids[:3], ["billing"])
    with pytest.raises(ValueError, match="eligible"):
        learner.rank(eligible=np.ones(3, np.bool_), n=1, rng=np.random.default_rng(0))
    assert len(ranked(learner)) == 40 and learner.classes == sorted(SERVICES)


def test_an_empty_pool_ranks_nothing() -> None:
    learner = Learner(np.zeros(0, np.int64), np.zeros((0, 8), np.float32))
    assert learner.rank(eligible=np.zeros(0, np.bool_), n=5, rng=np.random.default_rng(0)) == []
    assert len(learner.scores().uncertainty) == 0


def test_any_modal_strategy_can_take_the_exploit_lane() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points, strategy="modAL.uncertainty.entropy_sampling")
    learner.fit(ids[:20], names[:20].tolist())
    assert len({pick.row for pick in ranked(learner, 30)}) == 30
