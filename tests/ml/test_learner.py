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


# Lanes


def test_the_start_goes_first_and_gives_way_to_hesitation_and_novelty() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:6], names[:6].tolist())
    assert {pick.lane for pick in ranked(learner)} == {"start"}
    learner.fit(ids[:60], names[:60].tolist())
    lanes = [pick.lane for pick in ranked(learner, 50)]
    assert lanes[0] == "exploit" and set(lanes) == {"exploit", "novelty"}
    assert lanes.count("novelty") <= 10


def test_the_first_of_the_order_are_doubtful_ones() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:60], names[:60].tolist())
    doubt = learner.scores().uncertainty
    first = [pick.uncertainty for pick in ranked(learner, 20) if pick.lane == "exploit"]
    assert np.mean(first) > np.quantile(doubt[60:], 0.8)


def test_tickets_with_a_services_keyword_come_first_until_it_has_a_label() -> None:
    ids, points, names = shop_pool()
    returns = ids[names == "returns"]
    learner = Learner(ids, points, keywords={"returns": returns[:5].tolist()})
    assert ranked(learner)[0].id in returns[:5]
    labelled = np.flatnonzero(names != "returns")[:60]
    learner.fit(ids[labelled], names[labelled].tolist())
    served = ranked(learner, 12)
    assert sum(pick.lane == "start" and names[pick.row] == "returns" for pick in served) == 3
    everyone = np.concatenate([labelled, np.flatnonzero(names == "returns")[10:20]])
    learner.fit(ids[everyone], names[everyone].tolist())
    assert "start" not in {pick.lane for pick in ranked(learner, 12)}


def test_a_weight_on_a_service_brings_up_more_of_it() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:60], names[:60].tolist())
    shares = []
    for weights in ({}, {"returns": 5.0}):
        picks = learner.rank(
            eligible=everything(learner), n=20, rng=np.random.default_rng(0), service_weights=weights
        )
        top = learner.scores()
        code = learner.classes.index("returns")
        shares.append(sum(code in (top.top1[pick.row], top.top2[pick.row]) for pick in picks))
    assert shares[1] > shares[0]


def test_lone_outliers_are_reported_apart() -> None:
    ids, points, names = shop_pool()
    points[200] = -points.mean(axis=0) * 50
    learner = Learner(ids, points)
    learner.fit(ids[:60], names[:60].tolist())
    lone = learner.lone_outliers(eligible=everything(learner), n=5)
    assert lone[0].row == 200 and lone[0].lane == "triage"
    assert 200 not in {pick.row for pick in ranked(learner, 240) if pick.lane == "novelty"}


# Probabilities


def test_audit_labels_set_the_temperature_and_never_train() -> None:
    ids, points, names = shop_pool()
    with_audit, without = Learner(ids, points), Learner(ids, points)
    audit = (ids[100:200], names[100:200].tolist())
    with_audit.fit(ids[:40], names[:40].tolist(), audit=audit)
    without.fit(ids[:40], names[:40].tolist())
    assert (with_audit.active.estimator.coef_ == without.active.estimator.coef_).all()
    assert with_audit.active.estimator.temperature_ != without.active.estimator.temperature_
    few = with_audit.fit(ids[:40], names[:40].tolist(), audit=(ids[100:110], names[100:110].tolist()))
    assert few.temperature == pytest.approx(without.active.estimator.temperature_, rel=0.05)


def test_an_audit_label_of_an_unknown_service_is_no_obstacle() -> None:
    ids, points, names = shop_pool()
    report = Learner(ids, points).fit(
        ids[:40], names[:40].tolist(), audit=(ids[100:200], ["warranty"] * 50 + names[150:200].tolist())
    )
    assert np.isfinite(report.temperature) and "warranty" not in report.classes


def test_the_lent_head_agrees_with_the_learner_on_new_tickets() -> None:
    ids, points, names = shop_pool(per_service=200)
    learner = Learner(ids[:600], points[:600])
    assert learner.linear_head().classes == []
    learner.fit(ids[:60], names[:60].tolist())
    head = learner.linear_head()
    units = points[600:] / np.linalg.norm(points[600:], axis=1, keepdims=True)
    logits = units @ head.coef.T + head.intercept
    assert (logits.argmax(axis=1) == learner.probabilities_of(points[600:]).argmax(axis=1)).mean() > 0.93
    assert learner.outlier_model is not None
    strange = learner.outlier_model.score(units)
    assert strange.min() >= 0 and strange.max() <= 1


def test_every_probability_row_sums_to_one() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:30], names[:30].tolist(), weights=np.linspace(0.5, 1, 30))
    assert np.allclose(learner.probabilities().sum(axis=1), 1, atol=1e-5)
    assert learner.probabilities_of(points[:7]).shape == (7, 4)
    assert learner.probabilities(np.asarray([3, 4])).shape == (2, 4)


# A pool that grows


def test_a_grown_pool_keeps_what_was_computed_for_the_old_tickets() -> None:
    ids, points, _ = shop_pool()
    old = Learner(ids[:220], points[:220])
    grown = Learner(ids, points, previous=old)
    assert grown.space.smoother is old.space.smoother
    assert (grown.space.smooth[:220] == old.space.smooth).all()
    assert np.isfinite(grown.space.smooth).all() and np.abs(grown.space.smooth[220:]).sum() > 0


def test_changed_embeddings_borrow_nothing() -> None:
    ids, points, names = shop_pool()
    old = Learner(ids, points)
    old.fit(ids[:30], names[:30].tolist())
    for other in (points[:, ::-1].copy(), points[:, :10].copy()):
        fresh = Learner(ids, other, previous=old)
        assert fresh.space.smoother is not old.space.smoother
        assert fresh.classes == [] and fresh.probabilities().shape == (len(ids), 0)
        fresh.fit(ids[:30], names[:30].tolist())
        assert np.isfinite(fresh.probabilities()).all()


def test_smoothing_can_be_switched_off() -> None:
    ids, points, _ = shop_pool()
    plain = Learner(ids, points, smoothing=False)
    assert (plain.space.smooth == plain.points).all()
    smooth = Learner(ids, points, previous=plain)
    assert (smooth.space.smooth != smooth.points).any()


def test_forgetting_all_labels_goes_back_to_the_start() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    learner.fit(ids[:30], names[:30].tolist())
    assert learner.fit([], []).n_labels == 0
    assert learner.classes == [] and {pick.lane for pick in ranked(learner, 5)} == {"start"}


def test_a_near_duplicate_labelled_twice_and_two_labels_on_one_ticket_are_no_obstacle() -> None:
    ids, points, names = shop_pool()
    learner = Learner(ids, points)
    twice = [*ids[:30].tolist(), int(ids[0])]
    report = learner.fit(twice, [*names[:30].tolist(), "billing"])
    assert report.n_labels == 31 and len(ranked(learner)) == 40


def test_three_hundred_services_are_ranked() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1200, 16)).astype(np.float32)
    ids = np.arange(1200)
    learner = Learner(ids, points)
    report = learner.fit(ids[:600], [f"s{row % 300:03d}" for row in range(600)])
    assert len(report.classes) == 300 and learner.probabilities().shape == (1200, 300)
    assert len(ranked(learner, 100)) == 100
