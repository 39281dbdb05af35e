"""What the benchmarks of noise and of drift are measured by."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import drift, noise
from benchmarks.history import History
from ml.drift import input_moved


def tickets(count: int = 30) -> History:
    texts = [f"my parcel from shop number{n} never arrived at home" for n in range(count)]
    points = np.eye(4, dtype=np.float32)[np.arange(count) % 4]
    return History(texts, np.asarray([f"s{n % 4}" for n in range(count)]), points, np.asarray(texts))


def test_each_test_is_spoilt_in_its_own_way_and_the_same_for_a_seed() -> None:
    world = tickets()
    found = noise.spoilt(world, 1)
    assert found["clean"] == world.texts and noise.spoilt(world, 1) == found
    for name in ("1 word in 10", "1 word in 5", "other writer"):
        changed = sum(one != text for one, text in zip(found[name], world.texts, strict=True))
        assert changed > 3, name
    assert found["1 word in 5"] != noise.spoilt(world, 2)["1 word in 5"]


def test_a_cost_on_clean_tickets_past_the_limit_misses_the_target() -> None:
    rows = [
        {"part": "typos", "copies": "none", "clean": 90.0, "1 word in 5": 70.0},
        {"part": "typos", "copies": "share 1", "clean": 89.7, "1 word in 5": 72.0},
    ]
    lost, gained = noise.typo_targets(rows)
    assert (lost["value"], lost["met"], gained["value"], gained["met"]) == (0.3, False, 2.0, True)
    assert not noise.rare_target([{"rare recall": 80.0}, {"rare recall": 79.0}])["met"]


def test_the_discrepancy_measured_is_the_one_that_is_used() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 6)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    found = drift.statistics(points[:20], points[20:35], points[35:])
    assert found["kernel test"] == pytest.approx(input_moved(points[:20], points[20:35], rng).value, abs=1e-5)


def test_draws_hold_what_their_case_says() -> None:
    rng = np.random.default_rng(1)
    names = np.repeat([f"s{n}" for n in range(10)], 40)
    points = (
        rng.normal(size=(400, 6)).astype(np.float32)
        + 4 * np.eye(10, 6, dtype=np.float32)[np.repeat(np.arange(10), 40)]
    )
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    world = History([str(n) for n in range(400)], names, points, names)
    same = drift.drawn(world, "same", (2, 100, 80, 60), 0)
    moved = drift.drawn(world, "one .2", (2, 100, 80, 60), 0)
    assert same == drift.drawn(world, "same", (2, 100, 80, 60), 0)
    assert moved["kernel test"] > same["kernel test"]
