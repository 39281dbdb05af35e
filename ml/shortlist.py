"""Which tickets to look at at once after a new label, so that a large pool need not be scored for every answer.

The neighbours of what was just labelled, because their scores change most, and the tickets that the last look at
the whole pool found the most worth asking about. Everything else follows with the next full pass. Pure functions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.reports import Scores

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEIGHBOURS = 200
"""Tickets near each new label whose scores are made anew."""
DOUBTFUL = 5000
"""How many of the most uncertain are looked at again: a dozen times what a quick push serves."""
STRANGE = 500
"""How many of the strangest."""


def near(flat: Floats, rows: Ints, count: int = NEIGHBOURS) -> Ints:
    """The `count` rows nearest to each of `rows` in `flat` (n, p), themselves among them; sorted, each once."""
    count = min(count, len(flat))
    if len(rows) == 0 or count < 1:
        return np.zeros(0, np.int64)
    length = np.einsum("ij,ij->i", flat, flat)
    found = []
    for row in rows:
        gaps = length - 2.0 * (flat @ flat[row])
        found.append(np.argpartition(gaps, count - 1)[:count])
    return np.asarray(np.unique(np.concatenate(found)), np.int64)


def worth(scores: Scores, eligible: Bools, *, doubtful: int = DOUBTFUL, strange: int = STRANGE) -> Ints:
    """Of the `eligible` rows (n,) the most uncertain and the strangest; sorted, each once."""
    rows = np.flatnonzero(eligible)
    return np.union1d(_most(scores.uncertainty, rows, doubtful), _most(scores.outlier, rows, strange))


def patched(scores: Scores, rows: Ints, best: tuple[Ints, Floats, Ints, Floats]) -> Scores:
    """`scores` with other best services (top1, p1, top2, p2), each (m,), and so another doubt, for `rows` (m,)."""
    top1, p1, top2, p2 = best
    new = {"top1": top1, "p1": p1, "top2": top2, "p2": p2, "uncertainty": 1.0 - (p1 - p2)}
    changed = {}
    for name, values in new.items():
        whole = getattr(scores, name).copy()
        whole[rows] = values
        changed[name] = whole
    return replace(scores, **changed)


def _most(values: Floats, rows: Ints, count: int) -> Ints:
    """Of `rows` the `count` with the largest values."""
    if count >= len(rows):
        return rows
    return np.asarray(rows[np.argpartition(-values[rows], count)[:count]], np.int64)
