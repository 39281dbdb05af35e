"""The lanes of the queue: where to start, what is novel, and how lanes share the order.

Lanes instead of one weighted sum: an outlier score added to the uncertainty fetches noise and costs labels. Pure
functions over arrays; rows are positions in the pool, randomness comes from an explicit generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from ml import strategies
from ml.clusters import kmeans, medoids

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

START_SAMPLE = 4000
START_CLUSTERS = 100
MOST_CLUSTERS = 400
FEWEST_BEFORE_EXPLOIT = 12
SUPPORT = 3
"""How many similar unlabelled tickets make a strange one worth a label."""
SUPPORT_SAMPLE = 1000
SUPPORT_REFERENCES = 10_000
LEAST_SUPPORT = 0.5
"""A ticket is alone when its SUPPORT-th neighbour is less similar than this way from any two tickets' usual similarity
(0) to that of a ticket and its SUPPORT-th neighbour (1)."""
KEYWORD_TICKETS = 3
MOST_NOVELTY, LEAST_NOVELTY = 0.18, 0.06
SETTLED = 3
NOVEL_FROM = 0.90
MOST_NOVEL = 1000


def typical(
    points: Floats, pool: Ints, labelled: Ints, n: int, rng: np.random.Generator, *, fill: bool = True
) -> Ints:
    """Rows of `pool` that stand for the most tickets: medoids of k-means, in the order in which they best cover
    what no labelled ticket is like yet (facility location; typical points first, as in Hacohen et al. 2022, "Active
    learning on a budget"). After the medoids come random rows, if `fill`.
    """
    if len(pool) == 0 or n < 1:
        return np.zeros(0, np.int64)
    sample = pool if len(pool) <= START_SAMPLE else np.sort(rng.choice(pool, START_SAMPLE, replace=False))
    assigned, centres = kmeans(points[sample], min(START_CLUSTERS + len(labelled), MOST_CLUSTERS), rng)
    middle = medoids(points[sample], assigned, centres)
    mass = np.bincount(assigned, minlength=len(centres))[assigned[middle]].astype(np.float32)
    first = sample[middle]
    first = first[_covering(points[first], mass, points[labelled])]
    rest = rng.permutation(pool[~np.isin(pool, first)]) if fill else first[:0]
    return np.asarray(np.concatenate([first, rest])[:n], np.int64)


def start_share(counts: Mapping[str, int]) -> float:
    """Share of the order that still goes to typical tickets: all of it until there are FEWEST_BEFORE_EXPLOIT labels
    of two services, then twice the chance that the next label names a service not met yet (Good-Turing).
    """
    total = sum(counts.values())
    if total < FEWEST_BEFORE_EXPLOIT or len(counts) < 2:
        return 1.0
    unseen = sum(1 for count in counts.values() if count == 1) / total
    return min(1.0, 2.0 * unseen) if unseen >= 0.05 else 0.0


def novelty_share(counts: Mapping[str, int]) -> float:
    """Share of the order for tickets unlike anything labelled: MOST_NOVELTY while some service was hardly met, for then
    others may wait to be found; LEAST_NOVELTY once each has SETTLED labels, so that looking goes on at a small price.
    """
    return MOST_NOVELTY if any(count < SETTLED for count in counts.values()) else LEAST_NOVELTY


def rarity(counts: Sequence[int]) -> Floats:
    """Weight per service, 1 at the median number of labels, up to 2 for the rare and down to 0.7 for the common."""
    held = np.asarray(counts, np.float32)
    if len(held) == 0:
        return held
    weight = np.sqrt(np.median(held) / np.maximum(held, 1.0))
    return np.asarray(np.clip(weight, 0.7, 2.0), np.float32)


def novel(
    points: Floats,
    pool: Ints,
    strange: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    support: Floats | None = None,
) -> tuple[Ints, Ints]:
    """(rows of the novelty lane, lone rows), the strangest first; `strange` (n,) is the outlier score by row.

    Only rows from NOVEL_FROM on count. A row is lone where fewer than SUPPORT tickets of the pool are like it: a
    label there would teach nothing about any other ticket. The lane's rows are spread over clusters. `support` (n,), as
    in `lone`, tells company in the whole pool where `pool` is only some of it.
    """
    nothing = np.zeros(0, np.int64)
    if len(pool) <= SUPPORT + 1 or n < 1:
        return nothing, nothing
    far = pool[strange[pool] >= NOVEL_FROM]
    far = far[np.argsort(-strange[far], kind="stable")][: min(MOST_NOVEL, 2 * n + 50)]
    if len(far) == 0:
        return nothing, nothing
    if support is not None and support.any():
        alone = np.isin(far, lone(points, support, np.arange(len(support))))
    else:
        alone = _is_alone(points, far, pool, rng)
    shared = far[~alone]
    spread = strategies.select_clustered(
        strange[shared], n, rng, embeddings=points[shared], window=10, reach=5
    )
    return np.asarray(shared[spread], np.int64), np.asarray(far[alone], np.int64)


def _is_alone(points: Floats, far: Ints, pool: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of the rows `far` have fewer than SUPPORT rows of `pool` like them."""
    others = pool
    if len(pool) > SUPPORT_REFERENCES:
        others = np.sort(rng.choice(pool, SUPPORT_REFERENCES, replace=False))
    usual = rng.choice(pool, min(len(pool), SUPPORT_SAMPLE), replace=False)
    apart = float(np.median(np.einsum("ij,ij->i", points[usual], points[rng.permutation(usual)])))
    close = float(np.median(_support(points, usual, others)))
    return np.asarray(_support(points, far, others) < apart + LEAST_SUPPORT * (close - apart), np.bool_)


def lone(points: Floats, support: Floats, pool: Ints) -> Ints:
    """Rows of `pool` that no other ticket is like, the most alone first, whatever their labels say of them.

    `points` (n, d) of unit length; `support` (n,): cosine with the nearest few others (`smoothing.Surroundings`).
    """
    if len(pool) <= SUPPORT + 1 or not support.any():
        return np.zeros(0, np.int64)
    close = float(np.median(support[pool]))
    spread = np.random.default_rng(0).choice(pool, min(len(pool), SUPPORT_SAMPLE), replace=False)
    apart = float(np.median(np.einsum("ij,ij->i", points[spread], points[np.roll(spread, 1)])))
    alone = pool[support[pool] < apart + LEAST_SUPPORT * (close - apart)]
    return np.asarray(alone[np.argsort(support[alone], kind="stable")], np.int64)


def interleave(lanes: Mapping[str, tuple[Ints, float]], n: int) -> list[tuple[int, str]]:
    """The first n distinct rows of lanes {name: (rows, share)}, each lane served in proportion to its share.

    The lane furthest behind its share goes next, so any prefix holds the shares within one. What an empty lane leaves
    goes to the others, also to lanes whose share is 0.
    """
    waiting = {name: [int(row) for row in rows[::-1]] for name, (rows, _) in lanes.items()}
    credit = dict.fromkeys(lanes, 0.0)
    taken: set[int] = set()
    order: list[tuple[int, str]] = []
    while len(order) < n:
        for name, rows in waiting.items():
            while rows and rows[-1] in taken:
                rows.pop()
            credit[name] += lanes[name][1]
        open_lanes = [name for name, rows in waiting.items() if rows]
        if not open_lanes:
            break
        turn = max(open_lanes, key=lambda name: (credit[name], lanes[name][1]))
        credit[turn] -= 1.0
        row = waiting[turn].pop()
        taken.add(row)
        order.append((row, turn))
    return order


def by_keyword(points: Floats, pool: Ints, keywords: Mapping[str, Ints], known: Iterable[str]) -> Ints:
    """For each service not `known`, the KEYWORD_TICKETS most typical tickets that hold its keywords, taking turns.

    `keywords` maps a service's code to rows.
    """
    best: list[list[int]] = []
    for code in sorted(set(keywords) - set(known)):
        free = np.intersect1d(keywords[code], pool)
        if len(free):
            nearness = points[free] @ points[free].mean(axis=0)
            best.append(free[np.argsort(-nearness, kind="stable")][:KEYWORD_TICKETS].tolist())
    turns = [row for turn in zip_longest(*best) for row in turn if row is not None]
    return np.asarray(list(dict.fromkeys(turns)), np.int64)


def _covering(points: Floats, mass: Floats, labelled: Floats) -> Ints:
    """Greedy order of points (k, d): each adds the most similarity, by mass, that the earlier and the labelled lack."""
    alike = np.maximum(points @ points.T, 0.0)
    covered = np.zeros(len(points), np.float32)
    if len(labelled):
        covered = np.maximum((points @ labelled.T).max(axis=1), 0.0)
    order: list[int] = []
    open_rows = np.ones(len(points), np.bool_)
    for _ in range(len(points)):
        gain = np.maximum(alike - covered[None, :], 0.0) @ mass
        gain[~open_rows] = -1.0
        best = int(np.argmax(gain))
        order.append(best)
        open_rows[best] = False
        covered = np.maximum(covered, alike[best])
    return np.asarray(order, np.int64)


def _support(points: Floats, rows: Ints, others: Ints) -> Floats:
    """Cosine of each of `rows` with its SUPPORT-th most similar other ticket among `others`."""
    out = np.empty(len(rows), np.float32)
    around = points[others]
    for at in range(0, len(rows), 512):
        block = rows[at : at + 512]
        alike = points[block] @ around.T
        alike[block[:, None] == others[None, :]] = -2.0
        place = min(SUPPORT, len(others)) - 1
        out[at : at + 512] = -np.partition(-alike, place, axis=1)[:, place]
    return out
