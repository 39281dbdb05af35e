"""A head as it was at so many labels, kept to be judged and compared later: what `ml.advisor` works on.

Each head's guesses are kept for the same tickets, the *panel*: audit tickets, so that any earlier head can be judged on
all audit labels of today, and tickets nobody has labelled, on which successive heads are compared. The panel only
grows, and a mark covers its first tickets, as many as there were. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.policy import CLEAR_LEAD, SURE_FROM
from ml.reports import Scores

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WATCHED = 2000
"""Unlabelled tickets in the panel. On 2,000 a kappa of .99 is known within .003."""
MOST_AUDIT = 3000
NONE = -1


@dataclass(frozen=True)
class Mark:
    """A head as it was at `labels` labels: its `guesses` for the first tickets of the panel (numbers that stand for
    services, the same in all marks; NONE where it had none), the share of unlabelled tickets it was not sure of, how
    many those were, and the share of audit tickets it was sure of.
    """

    labels: int
    guesses: Ints
    uncertain: float
    uncertain_tickets: int
    coverage: float


def is_sure(scores: Scores) -> Bools:
    """Per row of the pool, the word "sure" of `ml.policy.band`."""
    return np.asarray((scores.p1 >= SURE_FROM) & (scores.p1 - scores.p2 >= CLEAR_LEAD), np.bool_)


def mark(
    scores: Scores, labels: int, *, numbers: Ints, panel: Ints, ids: Ints, unlabelled: Bools, audit: Bools
) -> Mark:
    """The mark of a head by its scores of the pool: `ids` (n,), `unlabelled` (n,) open tickets that are no audit ones,
    `audit` (n,). `numbers` (k,) stand for the services of `scores.classes`. Tickets of the panel that are not in
    the pool have no guess.
    """
    sure = is_sure(scores)
    rows = rows_of(panel, ids)
    named = np.append(np.asarray(numbers, np.int64), NONE)  # [-1]: no guess
    guesses = named[np.where(rows >= 0, scores.top1[rows], -1)] if len(ids) else np.full(len(panel), NONE)
    hesitating = int((unlabelled & ~sure).sum())
    return Mark(
        labels,
        np.asarray(guesses, np.int64),
        hesitating / max(1, int(unlabelled.sum())),
        hesitating,
        float(sure[audit].mean()) if audit.any() else float(sure.mean()) if len(sure) else 0.0,
    )


def rows_of(wanted: Ints, ids: Ints) -> Ints:
    """Places of `wanted` ids among `ids` (any order, no doubles); -1 where one is not there."""
    if len(ids) == 0:
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    found = order[at]
    return np.asarray(np.where(ids[found] == wanted, found, -1), np.int64)


def grown(
    panel: Ints,
    ids: Ints,
    *,
    audit: Bools,
    audit_rank: Ints,
    unlabelled: Bools,
    judged: Ints,
    rng: np.random.Generator,
) -> Ints:
    """The panel with what it lacks appended: audit tickets in hash order up to MOST_AUDIT and those that have a label
    (`judged`, ids), and WATCHED unlabelled ones when fewer than half as many of its own are left.
    """
    ranked = np.flatnonzero(audit)
    ranked = ranked[np.argsort(audit_rank[ranked], kind="stable")][:MOST_AUDIT]
    wanted = [ids[ranked], judged[np.isin(judged, ids)]]
    open_ids = ids[unlabelled]
    left = int(np.isin(panel, open_ids).sum())
    if left < WATCHED // 2:
        fresh = np.setdiff1d(open_ids, panel)
        wanted.append(rng.choice(fresh, min(WATCHED - left, len(fresh)), replace=False))
    more = np.concatenate(wanted).astype(np.int64)
    more = more[~np.isin(more, panel)]
    first = np.unique(more, return_index=True)[1]
    return np.concatenate([panel, more[np.sort(first)]]).astype(np.int64)
