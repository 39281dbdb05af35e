"""Has what comes in, or what is made of it, changed? Two-sample tests over plain arrays; pure, random only by ``rng``.

- ``input_moved``: the tickets' vectors, by maximum mean discrepancy with a Gaussian kernel and a permutation test
  (Gretton, Borgwardt, Rasch, Schölkopf, Smola 2012, "A kernel two-sample test").
- ``farther``: how far tickets lie from the training snapshot, which notices what no label speaks of.
- ``mix_moved``: how often each service is predicted, by total variation.
- ``rate_moved``: a share before and now, by Fisher's exact test.
- ``below``: a precision under its promise, by the exact binomial tail.

Energy distance and a nearest-neighbour test were measured beside these and noticed less: ``benchmarks.drift``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln

Floats = NDArray[np.float32]

BANDWIDTH = 0.2
"""Of the kernel, as a share of the median squared distance in the reference: a wider one sees only what moves whole."""
PERMUTATIONS = 999


@dataclass(frozen=True)
class Change:
    """``value`` now and ``reference`` before, in the measure's own unit; ``p``: the chance of a difference as large by
    luck alone.
    """

    value: float
    reference: float
    p: float


def input_moved(reference: Floats, recent: Floats, rng: np.random.Generator) -> Change:
    """Unit vectors (n, d) and (m, d), two or more each. The value is the squared discrepancy, about 0 where nothing
    moved (its unbiased estimate may lie below), the reference is 0.
    """
    together = np.concatenate([reference, recent]).astype(np.float32)
    squared = np.maximum(2.0 - 2.0 * together @ together.T, 0.0)
    n = len(reference)
    width = BANDWIDTH * max(float(np.median(squared[:n, :n])), 1e-6)
    kernel = np.exp(-squared / np.float32(width))
    np.fill_diagonal(kernel, 0.0)
    is_recent = np.zeros((PERMUTATIONS + 1, len(together)), np.float32)
    is_recent[0, n:] = 1.0
    for row in is_recent[1:]:
        row[rng.permutation(len(together))[n:]] = 1.0
    found = _discrepancies(kernel.astype(np.float32), is_recent)
    return Change(float(found[0]), 0.0, _share_as_large(found))


def _discrepancies(kernel: Floats, is_recent: Floats) -> NDArray[np.float64]:
    """Of each division (rows of 0 and 1) of the points: the unbiased squared discrepancy. The diagonal is 0."""
    m = float(is_recent[0].sum())
    n = is_recent.shape[1] - m
    toward = is_recent @ kernel
    inside = (toward * is_recent).sum(axis=1, dtype=np.float64)
    across = toward.sum(axis=1, dtype=np.float64) - inside
    outside = float(kernel.sum(dtype=np.float64)) - inside - 2 * across
    return np.asarray(inside / (m * (m - 1)) + outside / (n * (n - 1)) - 2 * across / (n * m), np.float64)


def farther(snapshot: Floats, reference: Floats, recent: Floats, rng: np.random.Generator) -> Change:
    """The mean cosine distance to the nearest ticket of the snapshot (s, d), of unit vectors (n, d) from before and
    (m, d) of now. One-sided: only farther is a change.
    """
    before, now = (1.0 - (points @ snapshot.T).max(axis=1) for points in (reference, recent))
    together = np.concatenate([before, now]).astype(np.float64)
    found = [float(now.mean() - before.mean())]
    for _ in range(PERMUTATIONS):
        order = together[rng.permutation(len(together))]
        found.append(float(order[len(before) :].mean() - order[: len(before)].mean()))
    return Change(float(now.mean()), float(before.mean()), _share_as_large(np.asarray(found)))


def _share_as_large(found: NDArray[np.float64]) -> float:
    """Of a statistic and its permutations, the statistic first: how many are as large, itself included."""
    return float((found >= found[0] - 1e-12).mean())


def mix_moved(before: Mapping[str, int], now: Mapping[str, int], rng: np.random.Generator) -> Change:
    """How often each name was counted. The value is the total variation distance of the shares, 0..1; the reference is
    what luck alone gives on average.
    """
    names = sorted({*before, *now})
    counts = np.asarray([[side.get(name, 0) for name in names] for side in (before, now)], np.int64)
    totals = counts.sum(axis=1)
    if not totals.all():
        raise ValueError("both sides need something counted")
    pooled = counts.sum(axis=0) / counts.sum()
    drawn = [rng.multinomial(total, pooled, size=PERMUTATIONS) / total for total in totals]
    luck = np.abs(drawn[0] - drawn[1]).sum(axis=1) / 2
    value = float(np.abs(counts[0] / totals[0] - counts[1] / totals[1]).sum() / 2)
    return Change(value, float(luck.mean()), _share_as_large(np.concatenate([[value], luck])))


def rate_moved(before: tuple[int, int], now: tuple[int, int]) -> Change:
    """(how many, of how many) before and now, each of one or more; Fisher's exact test, two-sided."""
    (a, n), (b, m) = before, now
    if not (0 <= a <= n and 0 <= b <= m and n and m):
        raise ValueError(f"{a} of {n}, and {b} of {m}")
    hits = np.arange(max(0, a + b - n), min(a + b, m) + 1)
    logs = _log_choose(m, hits) + _log_choose(n, a + b - hits)
    chances = np.exp(logs - logs.max())
    own = chances[hits == b][0]
    return Change(b / m, a / n, float(min(1.0, chances[chances <= own * (1 + 1e-7)].sum() / chances.sum())))


def _log_choose(total: int, some: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(gammaln(total + 1) - gammaln(some + 1) - gammaln(total - some + 1), np.float64)


def below(right: int, total: int, promised: float) -> Change:
    """How likely so few right ones are if the promise (0..1) were just kept; ``total`` is one or more."""
    if not 0 <= right <= total or not total or not 0.0 < promised < 1.0:
        raise ValueError(f"{right} of {total} right, {promised} promised")
    return Change(right / total, promised, float(bdtr(right, total, promised)))
