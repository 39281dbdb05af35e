"""Ways to choose the next tickets to label, ours and the peers', behind one signature.

Every way gets the same round: the same embeddings, the same head fitted on the labels so far, its own random
generator. Peers run their own code; what is wrapped here is only how they are called. A peer that is not installed
raises ImportError when it is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import ml
from ml.learner import Learner
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Round:
    """What is known before a choice. `open` (m,): rows that may be chosen. `head` is None before two services."""

    points: Floats
    labelled: Ints
    names: NDArray[np.str_]
    open: Ints
    head: SoftmaxRegression | None
    rng: np.random.Generator


class Way(Protocol):
    """`pick` returns n distinct rows of `round.open`, best first (fewer when there are fewer)."""

    def pick(self, now: Round, n: int) -> Ints: ...


class Ours:
    """The learner as the product runs it: its own smoothed head, lanes, windows."""

    def __init__(self, points: Floats, groups: NDArray[np.str_], seed: int) -> None:
        self.learner = Learner(np.arange(len(points)), points, seed=seed)
        self._groups = groups

    def pick(self, now: Round, n: int) -> Ints:
        self.learner.fit(now.labelled, now.names.tolist())
        eligible = np.zeros(len(now.points), np.bool_)
        eligible[now.open] = True
        picks = self.learner.rank(eligible=eligible, n=n, rng=now.rng, groups=self._groups)
        return np.asarray([pick.row for pick in picks], np.int64)


class Random:
    """Uniformly random tickets."""

    def pick(self, now: Round, n: int) -> Ints:
        return np.asarray(now.rng.permutation(now.open)[:n], np.int64)


class _Guided:
    """A peer that needs a head: its first tickets are random, as its own examples begin."""

    def pick(self, now: Round, n: int) -> Ints:
        if now.head is None:
            return Random().pick(now, n)
        return self._choose(now, min(n, len(now.open)))

    def _choose(self, now: Round, n: int) -> Ints:
        raise NotImplementedError


@dataclass(frozen=True)
class _Fitted:
    """The fitted head in the shape modAL's functions read."""

    estimator: SoftmaxRegression
    X_training: Floats
    on_transformed: bool = False

    def predict_proba(self, X: Floats, **_: Any) -> Floats:
        return self.estimator.predict_proba(X)


class ModalMargin(_Guided):
    """modAL.uncertainty.margin_sampling: the n smallest margins."""

    def _choose(self, now: Round, n: int) -> Ints:
        from modAL.uncertainty import margin_sampling

        fitted = _Fitted(_head(now), now.points[now.labelled])
        rows, _ = margin_sampling(fitted, now.points[now.open], n_instances=n)
        return now.open[np.asarray(rows, np.int64)]


class ModalRanked(_Guided):
    """modAL.batch.uncertainty_batch_sampling (ranked batch mode, Cardoso et al.)."""

    def _choose(self, now: Round, n: int) -> Ints:
        from modAL.batch import uncertainty_batch_sampling

        fitted = _Fitted(_head(now), now.points[now.labelled])
        rows, _ = uncertainty_batch_sampling(fitted, now.points[now.open], n_instances=n)
        return now.open[np.asarray(rows, np.int64)]


class SmallTextTies(_Guided):
    """small_text.BreakingTies."""

    def __init__(self) -> None:
        from small_text.query_strategies.strategies import BreakingTies

        self._strategy = BreakingTies()

    def _choose(self, now: Round, n: int) -> Ints:
        rows = self._strategy.query(_head(now), now.points, now.open, now.labelled, now.names, n=n)
        return np.asarray(rows, np.int64)


class SmallTextKMeans:
    """small_text.EmbeddingKMeans over the open tickets; needs no head."""

    def __init__(self) -> None:
        from small_text.query_strategies.strategies import EmbeddingKMeans

        self._strategy = EmbeddingKMeans()

    def pick(self, now: Round, n: int) -> Ints:
        np.random.seed(now.rng.integers(2**31))  # its KMeans takes the global state
        both = now.points[np.concatenate([now.open, now.labelled])]
        size = min(n, len(now.open))
        rows = self._strategy.query(
            None, now.points, now.open, now.labelled, now.names, n=size, embeddings=both
        )
        return np.asarray(rows, np.int64)


class TypiClust:
    """skactiveml.pool.TypiClust; needs no head."""

    def __init__(self, seed: int) -> None:
        from skactiveml.pool import TypiClust as Theirs

        self._strategy = Theirs(random_state=seed, cluster_algo_dict={"random_state": seed, "n_init": 1})

    def pick(self, now: Round, n: int) -> Ints:
        size = min(n, len(now.open))
        rows = self._strategy.query(now.points, _coded(now), candidates=now.open, batch_size=size)
        return np.asarray(rows, np.int64)


class Badge(_Guided):
    """skactiveml.pool.Badge's algorithm, its gradient vectors (n x services x d) kept as two factors.

    Their class takes 2.4 GB and ten minutes a run at 10,000 tickets of 77 services. A gradient is an outer product, so
    distances come from two small matrix products. Given the seed that theirs derives, the picks are the same ones.
    """

    def __init__(self, seed: int) -> None:
        self._draw = np.random.RandomState(seed)

    def _choose(self, now: Round, n: int) -> Ints:
        chances = _head(now).predict_proba(now.points[now.open]).astype(np.float64)
        return now.open[badge(chances, now.points[now.open].astype(np.float64), n, self._draw)]


def badge(chances: NDArray[Any], points: NDArray[Any], n: int, draw: np.random.RandomState) -> Ints:
    """k-means++ over the gradients (chances - onehot(best)) x points, the longest first, as scikit-activeml draws."""
    factor = chances - np.eye(chances.shape[1])[chances.argmax(axis=1)]
    length = np.einsum("ij,ij->i", factor, factor) * np.einsum("ij,ij->i", points, points)
    chosen = [int(length.argmax())]
    gap = length
    for _ in range(1, n):
        last = chosen[-1]
        apart = length + length[last] - 2.0 * (factor @ factor[last]) * (points @ points[last])
        apart = np.maximum(apart, 0.0)
        apart[last] = 0.0
        gap = np.minimum(gap, apart)
        total = gap.sum()
        if total <= 0:
            rest = np.setdiff1d(np.arange(len(points)), chosen)
            return np.asarray([*chosen, *draw.permutation(rest)[: n - len(chosen)]], np.int64)
        chosen.append(int(draw.choice(len(gap), 1, replace=False, p=gap / total)[0]))
    return np.asarray(chosen[:n], np.int64)


def _head(now: Round) -> SoftmaxRegression:
    assert now.head is not None
    return now.head


def _coded(now: Round) -> NDArray[np.float64]:
    """Labels as scikit-activeml reads them: a number for each ticket, NaN where there is none."""
    coded = np.full(len(now.points), np.nan)
    coded[now.labelled] = np.unique(now.names, return_inverse=True)[1]
    return coded


WAYS: dict[str, Callable[[Floats, NDArray[np.str_], int], Way]] = {
    "ours": Ours,
    "random": lambda points, groups, seed: Random(),
    "modAL margin": lambda points, groups, seed: ModalMargin(),
    "modAL ranked batch": lambda points, groups, seed: ModalRanked(),
    "small-text breaking ties": lambda points, groups, seed: SmallTextTies(),
    "small-text embedding k-means": lambda points, groups, seed: SmallTextKMeans(),
    "scikit-activeml TypiClust": lambda points, groups, seed: TypiClust(seed),
    "scikit-activeml BADGE": lambda points, groups, seed: Badge(seed),
}
"""Name -> maker of a way from (points, near-duplicate groups, seed)."""
LENT = ", our points"
"""A peer with this ending is lent our smoothed embeddings and our head on them: what is left is the choice alone."""
WAYS |= {name + LENT: WAYS[name] for name in ("modAL margin", "scikit-activeml BADGE")}


CHOOSING = (
    "learner", "lanes", "strategies", "herding", "clusters", "smoothing", "softmax", "space", "outliers", "strangeness"
)  # fmt: skip


def version(way: str) -> str:
    """What names results of a way: for ours a digest of the code that chooses, so that old results are not reused."""
    short = way.replace(",", "").replace(" ", "-")
    if way != "ours":
        return short
    code = hashlib.sha256()
    for name in CHOOSING:
        code.update((Path(ml.__file__).parent / f"{name}.py").read_bytes())
    return f"{short}-{code.hexdigest()[:8]}"
