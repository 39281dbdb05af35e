"""The simulation of the comparison measures what it says."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import comparison as bench


@pytest.mark.parametrize("scenario", bench.SCENARIOS, ids=lambda one: one.name)
def test_a_scenarios_true_difference_has_the_sign_it_claims(scenario: bench.Scenario) -> None:
    truth = bench.world(scenario).truth
    assert np.sign(round(truth, 9)) == scenario.differs
    assert scenario.differs < 1 or truth > 0.25


def test_a_difference_is_found_more_often_with_more_judgements_and_none_is_not_found() -> None:
    rng = np.random.default_rng(0)
    differs = bench.world(bench.SCENARIOS[4])
    few = [bench.one_run(differs, 30, 0.1, 0.25, rng).better for _ in range(20)]
    many = [bench.one_run(differs, 300, 0.1, 0.25, rng).better for _ in range(20)]
    assert sum(one is not None for one in many) > sum(one is not None for one in few)
    equal = [bench.one_run(bench.world(bench.SCENARIOS[0]), 200, 0.1, 0.25, rng).better for _ in range(20)]
    assert sum(one is not None for one in equal) <= 3
