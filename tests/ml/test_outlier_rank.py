"""How strange a ticket is to a model: far from what its suggested service's tickets are like, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.artifact import ArtifactError
from ml.ordinary import affordable
from ml.outlier_rank import FEWEST_REFERENCES, OutlierRank, fit_ranks

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
DIM = 16


def clouds(count: int, services: int = 4, seed: int = 0, wide: float = 0.3) -> tuple[Floats, Ints]:
    """Unit embeddings around one direction a service."""
    rng = np.random.default_rng(seed)
    which = np.arange(count) % services
    return unit(np.eye(DIM)[which] + wide * rng.standard_normal((count, DIM)) / DIM**0.5), which


def unit(points: NDArray[np.float64]) -> Floats:
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), np.float32)


def ranks(count: int = 400) -> OutlierRank:
    points, services = clouds(count)
    found = fit_ranks(points, services, 4, 0)
    assert found is not None
    return found


def among() -> OutlierRank:
    """Ranks with unlabelled tickets for neighbours."""
    points, services = clouds(400)
    found = fit_ranks(points, services, 4, 0, clouds(200, seed=3))
    assert found is not None
    return found


def test_ordinary_tickets_are_spread_over_the_ranks_and_those_of_an_untaught_service_are_at_their_end() -> (
    None
):
    found = ranks()
    ordinary = found.of(*clouds(400, seed=1))
    assert 0.35 < ordinary.mean() < 0.65 and ordinary.min() < 0.1 and ordinary.max() > 0.9
    untaught = unit(np.eye(DIM)[np.full(50, 7)] + 0.3 * np.eye(DIM)[np.arange(50) % 4])
    assert (found.of(untaught, np.arange(50) % 4) == 1.0).all()


def test_a_ticket_of_one_service_is_strange_to_another() -> None:
    points, services = clouds(100, seed=2)
    assert (ranks().of(points, (services + 1) % 4) > ranks().of(points, services)).all()


def test_what_is_ordinary_is_told_by_tickets_the_model_did_not_learn_from_where_there_are_enough() -> None:
    points, services = clouds(400, wide=0.05)  # pulled together, as tuning does
    fresh = clouds(200, seed=3)
    alone = fit_ranks(points, services, 4, 0)
    told = fit_ranks(points, services, 4, 0, fresh)
    few = fit_ranks(points, services, 4, 0, (fresh[0][:10], fresh[1][:10]))
    assert alone is not None and told is not None and few is not None
    later = clouds(200, seed=4)
    assert alone.of(*later).mean() > 0.95 and few.of(*later).mean() > 0.95
    assert 0.35 < told.of(*later).mean() < 0.65


def test_a_ticket_among_strange_unlabelled_ones_is_stranger_than_an_odd_one_of_a_taught_service() -> None:
    points, services = clouds(400)
    untaught = unit(np.eye(DIM)[np.full(60, 7)] * 0.5 + np.eye(DIM)[np.zeros(60, int)])
    untaught = unit(untaught + 0.3 * np.random.default_rng(6).standard_normal((60, DIM)) / DIM**0.5)
    pool, suggested = clouds(300, seed=7, wide=0.4)
    among = np.concatenate([pool, untaught[:40]]), np.concatenate([suggested, np.zeros(40, np.int64)])
    told, alone = (fit_ranks(points, services, 4, 0, fresh) for fresh in (among, None))
    assert told is not None and alone is not None
    later, new = clouds(400, seed=8, wide=0.4), untaught[40:]
    distances = [alone.of(*later), alone.of(new, np.zeros(20, np.int64))]
    with_neighbours = [told.of(*later), told.of(new, np.zeros(20, np.int64))]
    assert (distances[0] >= distances[1].min()).sum() > 20, "many odd ones are as far away"
    assert (with_neighbours[0] >= with_neighbours[1].min()).sum() < 5


def test_a_new_service_that_is_not_among_the_unlabelled_is_strange_all_the_same() -> None:
    points, services = clouds(400)
    found = fit_ranks(points, services, 4, 0, clouds(300, seed=9))
    assert found is not None
    untaught = unit(np.eye(DIM)[np.full(50, 7)] + 0.3 * np.eye(DIM)[np.arange(50) % 4])
    assert (found.of(untaught, np.arange(50) % 4) > 0.9).all()


def test_too_few_tickets_tell_nothing() -> None:
    points, services = clouds(FEWEST_REFERENCES - 1)
    assert fit_ranks(points, services, 4, 0) is None
    alone, own = clouds(200)
    assert fit_ranks(alone, np.arange(200), 200, 0) is None, (
        "each service has one ticket, and nothing to compare"
    )
    assert fit_ranks(alone, own, 4, 0) is not None


def test_a_service_without_a_training_ticket_is_wholly_strange_and_one_ticket_is_enough_to_compare() -> None:
    points, services = clouds(200)
    services = np.where(services == 3, 2, services)
    services[0] = 4
    found = fit_ranks(points, services, 5, 0)
    assert found is not None
    assert found.of(points[:1], np.array([3])).tolist() == [1.0]
    assert found.of(points[:1], np.array([4])).tolist() == [0.0]


@given(st.integers(0, 1000), st.floats(0.1, 3.0))
def test_a_rank_lies_between_0_and_1_and_does_not_depend_on_the_tickets_beside_it(
    seed: int, wide: float
) -> None:
    points, services = clouds(30, seed=seed, wide=wide)
    for found in (RANKS, AMONG):
        together = found.of(points, services)
        one_by_one = [found.of(points[at : at + 1], services[at : at + 1])[0] for at in range(30)]
        assert ((together >= 0) & (together <= 1)).all()
        assert np.allclose(together, one_by_one, atol=0.01)


def test_the_same_tickets_and_seed_give_the_same_ranks_after_a_file_too(tmp_path: Path) -> None:
    later = clouds(100, seed=5)
    for made in (ranks, among):
        made().save(tmp_path / "outliers.npz")
        back = OutlierRank.load(tmp_path / "outliers.npz", 4, DIM)
        assert (back.neighbours is None) == (made is ranks)
        assert np.array_equal(made().of(*later), made().of(*later))
        assert np.array_equal(back.of(*later), made().of(*later))


def test_a_file_that_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outliers.npz"
    ranks().save(path)
    for labels, dim in ((5, DIM), (4, DIM + 1)):
        with pytest.raises(ArtifactError, match="do not fit the model"):
            OutlierRank.load(path, labels, dim)
    sound = among()
    assert sound.neighbours is not None
    strangest = replace(sound.neighbours, strangeness=sound.neighbours.strangeness + 1)
    fewer = replace(sound.neighbours, points=sound.neighbours.points[1:])
    none = replace(fewer, points=fewer.points[:0], strangeness=fewer.strangeness[:0])
    for neighbours in (strangest, fewer, none):
        replace(sound, neighbours=neighbours).save(path)
        with pytest.raises(ArtifactError, match="do not fit the model"):
            OutlierRank.load(path, 4, DIM)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ArtifactError, match="cannot be read"):
        OutlierRank.load(path, 4, DIM)


def test_embedding_again_takes_a_twentieth_of_the_time_at_most() -> None:
    assert affordable(600.0, 0.01) == 3000
    assert affordable(1e6, 0.01) == 12_000 and affordable(0.0, 0.01) == 0


RANKS = ranks()
AMONG = among()
