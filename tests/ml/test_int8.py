"""Rounding to bytes: better than plain where inputs are known, plain where they say nothing."""

from __future__ import annotations

import numpy as np

from ml.int8 import MOST_IN_16, observe, rounded


def test_weights_rounded_in_turn_serve_their_inputs_better_than_plain_rounding() -> None:
    rng = np.random.default_rng(0)
    inputs = (rng.normal(size=(4000, 48)) @ rng.normal(size=(48, 48))).astype(np.float32)
    weight = rng.normal(size=(20, 48)).astype(np.float32)
    rows, scale = rounded(weight, inputs.T.astype(np.float64) @ inputs)
    plain = np.clip(np.rint(weight / scale[:, None]), -127, 127)
    errors = [float(np.square(inputs @ (made * scale[:, None] - weight).T).mean()) for made in (rows, plain)]
    assert errors[0] < 0.7 * errors[1]
    assert np.abs(rows.astype(np.float32) - plain).max() <= 40 and rows.dtype == np.int8


def test_inputs_that_say_nothing_leave_plain_rounding() -> None:
    weight = np.random.default_rng(1).normal(size=(5, 9)).astype(np.float32)
    rows, scale = rounded(weight, np.zeros((9, 9)))
    assert np.array_equal(rows, np.rint(weight / scale[:, None]).astype(np.int8))


def test_moved_moments_are_those_of_the_moved_inputs() -> None:
    rng = np.random.default_rng(2)
    parts = [rng.normal(2, 1, size=(n, 6)).astype(np.float32) for n in (5, 40, 7)]
    seen = observe([{"x": part} for part in parts])["x"]
    middle, stretch = (seen.most + seen.least) / 2, np.linspace(0.5, 2, 6).astype(np.float32)
    moved = (np.concatenate(parts) - middle) / stretch
    assert np.allclose(seen.moments_of(middle, stretch), moved.T @ moved, rtol=1e-4, atol=1e-3)


def test_weights_of_seven_bits_never_overflow_sixteen_bits_in_twos() -> None:
    weight = np.random.default_rng(3).normal(size=(30, 64)).astype(np.float32)
    rows, scale = rounded(weight, np.eye(64), MOST_IN_16)
    assert np.abs(rows).max() == MOST_IN_16 and 2 * 255 * MOST_IN_16 < 2**15
    assert np.abs(rows * scale[:, None] - weight).max() <= scale.max() / 2 + 1e-6
