"""How long the peers of a training may train."""

from __future__ import annotations

import time

import pytest

from benchmarks import tuners


def test_steps_fill_what_is_left_after_two_short_runs_and_the_start_of_the_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def run(steps: int) -> None:
        clock[0] += 3.0 + 0.5 * steps

    steps = tuners.steps_within(100.0, run)
    run(steps)
    assert 99.0 <= clock[0] <= 100.0


def test_too_little_time_is_one_step() -> None:
    assert tuners.steps_within(0.0, lambda steps: None) == 1
