"""The case's own table."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import case
from benchmarks.precision_contract import World, world_of
from ml.answers import answers
from ml.certificate import Promise


def world(truth: list[str], said: list[str], confidence: list[float]) -> World:
    best = np.asarray([["a", "b"].index(one) for one in said])
    sure = np.asarray(confidence)
    chances = np.where(np.arange(2) == best[:, None], sure[:, None], 1 - sure[:, None])
    return world_of(answers(["a", "b"], chances), np.asarray(truth), Promise())


def test_the_figures_are_those_of_their_definitions() -> None:
    tickets = world(
        ["a", "a", "a", "b", "b", ""], ["a", "a", "a", "b", "a", "b"], [0.9, 0.9, 0.6, 0.9, 0.9, 0.95]
    )
    found = case.figures(tickets, 0.8)
    assert found["routed"] == pytest.approx(5 / 6)
    assert found["accuracy"] == found["micro precision"] == pytest.approx(3 / 5)
    assert found["macro precision"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["recall"] == pytest.approx(3 / 5), "of the five that belong to a service"


def test_without_a_certificate_nothing_is_routed_and_no_precision_is_claimed() -> None:
    rng = np.random.default_rng(0)
    guesses = world(rng.choice(["a", "b"], 400).tolist(), ["a"] * 400, rng.uniform(0.5, 1, 400).tolist())
    found = case.table(guesses, 200, 3, Promise())
    assert found["certified"] == found["recall"] == found["routed"] == 0.0
    assert found["accuracy"] is None and found["macro precision"] is None


def test_more_audit_labels_than_tickets_are_refused() -> None:
    with pytest.raises(SystemExit, match="the test file has 2"):
        case.table(world(["a", "b"], ["a", "b"], [0.9, 0.9]), 2, 1, Promise())
