"""The lane of scarce services: tickets most likely of a service with few labels, whatever else they may be.

A rare service is rarely predicted, so rarely doubted between, so the other lanes hardly ask about it. While most
services have few labels, rare ones are not to be told from those whose turn has not come, and looking for them cost a
seventh more labels to 94 % of the full accuracy on balanced services: so it waits for ENOUGH labels of the usual one.
Measured on parts of BANKING77's training set; figures in docs/benchmarks.md. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import strategies

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FEW = 5
"""A service with fewer labels is scarce, once the usual one (the median) has ENOUGH."""
ENOUGH = 8
SHARE = 0.12
"""Of the order, while there is a scarce service."""
SPARE = 2
"""Tickets offered beyond those that a service still lacks: not every one that is likely of it is."""
LEAST_CHANCE = 0.02
"""A ticket less likely of a service is no candidate for it: perhaps it has no other tickets."""


def services(counts: Mapping[str, int]) -> list[str]:
    """The scarce ones among the services with any label, the scarcest first, then by name."""
    if not counts or np.median(list(counts.values())) < ENOUGH:
        return []
    return sorted(
        (code for code, held in counts.items() if 0 < held < FEW), key=lambda code: (counts[code], code)
    )


def share(counts: Mapping[str, int]) -> float:
    """Of the order; 0 without a scarce service."""
    return SHARE if services(counts) else 0.0


def rows(predict: Callable[[Any], Any], points: Floats, pool: Ints, counts: Mapping[str, int]) -> Ints:
    """Rows of `pool` that are most likely of the scarce services, best first, each once.

    `predict` maps points (m, d) to chances (m, k), columns by the names of `counts`, sorted.
    """
    few = services(counts)
    if not share(counts) or len(pool) == 0:
        return pool[:0]
    known = sorted(counts)
    columns = [known.index(code) for code in few]
    chances = strategies.by_block(lambda some: predict(some)[:, columns], points, pool)
    return np.asarray(pool[likely(chances, [FEW - counts[code] for code in few])], np.int64)


def likely(chances: Floats, lacking: Sequence[int]) -> Ints:
    """Places of the tickets most likely of each service, the services taking turns, each place once.

    `chances` (m, s): of each of m tickets to be of each of s services; `lacking` (s,): labels each still lacks.
    """
    best: list[list[int]] = []
    for column, missing in zip(chances.T, lacking, strict=True):
        count = min(len(column), missing + SPARE)
        first = np.argpartition(-column, count - 1)[:count] if count else np.zeros(0, np.int64)
        first = first[np.argsort(-column[first], kind="stable")]
        best.append(first[column[first] >= LEAST_CHANCE].tolist())
    turns = [place for turn in zip_longest(*best) for place in turn if place is not None]
    return np.asarray(list(dict.fromkeys(turns)), np.int64)
