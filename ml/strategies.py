"""Which tickets teach the most: pure functions over probabilities and embeddings.

Scoring is apart from selecting. A score is (n,) float32 in [0, 1], higher = more informative; NaN means
"never pick". A selection returns distinct row numbers, best first, at most as many as there are pickable
rows; all randomness comes from an explicit generator. `clustered_margin` plugs them into modAL.

Source of the method: margin sampling with diversity by k-means over the smallest margins (Citovsky et al.
2021, "Batch active learning at scale"; weighted k-means medoids as in Zhdanov 2019, "Diverse mini-batch
active learning").
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.clusters import kmeans, medoids

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Strategy = Callable[..., tuple[Ints, Floats]]

WINDOW = 25
"""Rows of one diverse window: about what people label while the head refits once or twice."""
REACH = 10
"""A window is drawn from the REACH x WINDOW most informative rows left."""
BLOCK = 8192
"""Rows whose probabilities are held at once."""
LARGEST_SHARE = 0.3
"""No predicted service takes more than this share of a window, if others are there to take its place."""


def top_two(probabilities: Floats) -> tuple[Ints, Floats, Ints, Floats]:
    """Best and second class of each row: (top1, p1, top2, p2), each (n,). With one class top2 is -1 and p2 is
    0.
    """
    return best_two(lambda block: block, probabilities)


def best_two(predict: Callable[[Any], Any], points: Any) -> tuple[Ints, Floats, Ints, Floats]:
    """`top_two` of `predict(points)`, which maps (m, d) to probabilities (m, k) row by row.

    In blocks that stay in the cache, so that a million rows of probabilities are never held at once.
    """
    n = len(points)
    top1, top2 = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    p1, p2 = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for at in range(0, n, BLOCK):
        here = slice(at, min(at + BLOCK, n))
        block = np.array(predict(points[here]), np.float32)  # a copy: the best is struck out below
        rows = np.arange(len(block))
        top1[here] = block.argmax(axis=1)
        p1[here] = block[rows, top1[here]]
        if block.shape[1] > 1:
            block[rows, top1[here]] = -1.0
            top2[here] = block.argmax(axis=1)
            p2[here] = block[rows, top2[here]]
    return top1, p1, top2, p2


def by_block(predict: Callable[[Any], Any], points: Any, rows: Ints) -> Floats:
    """`predict` of the points of these rows, (m, s), in blocks that stay in the cache."""
    found = [predict(points[rows[at : at + BLOCK]]) for at in range(0, len(rows), BLOCK)]
    return np.asarray(np.concatenate(found), np.float32)


def margin_score(probabilities: Floats) -> Floats:
    """1 - (best - second) of probabilities (n, k): 1 when two services tie. A NaN row scores NaN."""
    _, p1, _, p2 = top_two(probabilities)
    return np.asarray(1.0 - (p1 - p2), np.float32)


def doubt_score(probabilities: Floats) -> Floats:
    """1 - best probability, (n,)."""
    return np.asarray(1.0 - probabilities.max(axis=1), np.float32)


def entropy_score(probabilities: Floats) -> Floats:
    """Shannon entropy over log k, (n,); 0 with one class."""
    k = probabilities.shape[1]
    if k < 2:
        return np.where(np.isnan(probabilities[:, 0]), np.nan, 0.0).astype(np.float32)
    logs = np.log(np.maximum(probabilities, 1e-12))
    return np.asarray(-(probabilities * logs).sum(axis=1) / np.log(k), np.float32)


def select_random(scores: Floats, n: int, rng: np.random.Generator) -> Ints:
    """Uniformly random rows among those whose score is not NaN."""
    return np.asarray(rng.permutation(_pickable(scores))[: max(n, 0)], np.int64)


def select_top(scores: Floats, n: int, rng: np.random.Generator) -> Ints:
    """The best rows; ties in random order. Only the rows that are asked for are sorted."""
    rows = _pickable(scores)
    n = min(max(n, 0), len(rows))
    if n == 0:
        return rows[:0]
    if n < len(rows):
        values = scores[rows]
        edge = np.partition(values, len(rows) - n)[len(rows) - n]
        above, tied = rows[values > edge], rows[values == edge]
        rows = np.concatenate([above, rng.permutation(tied)[: n - len(above)]])
    rows = rng.permutation(rows)
    return np.asarray(rows[np.argsort(-scores[rows], kind="stable")], np.int64)


def select_clustered(
    scores: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    embeddings: Floats,
    services: Ints | None = None,
    window: int = WINDOW,
    reach: int = REACH,
    largest_share: float = LARGEST_SHARE,
) -> Ints:
    """Windows of `window` rows, each the medoids of a score-weighted k-means over the best rows left.

    `embeddings` (n, d) float32; `services` (n,) the predicted class of each row, on which the share cap
    works. Inside a window the heaviest cluster comes first, so that any prefix is worth labelling.
    """
    wanted = max(n, 0)
    left = select_top(scores, wanted + reach * window if wanted else 0, rng)  # no window reaches further
    chosen: list[Ints] = []
    wanted = min(wanted, len(left))
    while wanted > 0:
        near = left[: reach * window]
        size = min(window, wanted, len(near))
        picked = _window(near, scores[near], embeddings[near], size, rng)
        if services is not None:
            picked = _capped(picked, services, near, size, largest_share)
        chosen.append(picked)
        wanted -= len(picked)
        left = left[~np.isin(left, picked)]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


def clustered_margin(
    classifier: Any,
    X_pool: Floats,
    n_instances: int = 1,
    *,
    rng: np.random.Generator | None = None,
    probabilities: Floats | None = None,
    scores: Floats | None = None,
    services: Ints | None = None,
    **predict_kwargs: Any,
) -> tuple[Ints, Floats]:
    """modAL query strategy: rows of `X_pool` (n, d) to label next, best first, and their margin scores.

    `probabilities` or `scores` spare a second prediction; `scores` may carry weights (rare services). Both
    are returned in a tuple, as modAL 0.4.2's own strategies do: given a bare array of two, its `query` would
    unpack it as a pair.
    """
    if len(X_pool) == 0 or n_instances < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if scores is None or services is None:
        if probabilities is not None:
            best, p1, _, p2 = top_two(np.asarray(probabilities, np.float32))
        else:
            best, p1, _, p2 = best_two(
                lambda block: classifier.predict_proba(block, **predict_kwargs), X_pool
            )
        scores = np.asarray(1.0 - (p1 - p2), np.float32) if scores is None else scores
        services = best if services is None else services
    draw = rng if rng is not None else np.random.default_rng(0)
    rows = select_clustered(
        scores, n_instances, draw, embeddings=np.asarray(X_pool, np.float32), services=services
    )
    return rows, scores[rows]


def resolve_strategy(dotted: str) -> Strategy:
    """The modAL query strategy at a dotted path such as `modAL.uncertainty.entropy_sampling`.

    Raises ValueError with the path when it is not importable or not callable.
    """
    module, _, name = dotted.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"no query strategy at {dotted!r}: {error}") from error
    if not callable(found):
        raise ValueError(f"{dotted!r} is not callable, so it is no query strategy")
    return found  # type: ignore[no-any-return]


def _pickable(scores: Floats) -> Ints:
    return np.asarray(np.flatnonzero(~np.isnan(scores)), np.int64)


def _window(near: Ints, scores: Floats, points: Floats, size: int, rng: np.random.Generator) -> Ints:
    if size >= len(near):
        return near
    weights = np.maximum(scores, 1e-6).astype(np.float32)
    assigned, centres = kmeans(points, size, rng, weights=weights)
    centre_rows = medoids(points, assigned, centres)
    mass = np.bincount(assigned, weights=weights, minlength=len(centres))
    heaviest = np.argsort(-mass[assigned[centre_rows]], kind="stable")
    picked = near[centre_rows[heaviest]]
    if len(picked) < size:
        picked = np.concatenate([picked, near[~np.isin(near, picked)][: size - len(picked)]])
    return np.asarray(picked, np.int64)


def _capped(picked: Ints, services: Ints, near: Ints, size: int, largest_share: float) -> Ints:
    """Replace what a service has beyond its share by the next best rows of other services, if there are
    any.
    """
    kinds = len(np.unique(services[near]))
    limit = max(1, int(np.ceil(size * max(largest_share, 1.0 / kinds))))
    taken: dict[int, int] = {}
    kept: list[int] = []
    for row in np.concatenate([picked, near[~np.isin(near, picked)]]):
        service = int(services[row])
        if len(kept) < size and taken.get(service, 0) < limit:
            taken[service] = taken.get(service, 0) + 1
            kept.append(int(row))
    for row in picked:
        if len(kept) < size and int(row) not in kept:
            kept.append(int(row))
    return np.asarray(kept, np.int64)
