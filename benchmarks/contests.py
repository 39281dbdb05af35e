"""What `benchmarks.ranking` times: ours and the peers', on one made-up pool."""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from benchmarks import picking
from ml import herding, strategies
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

MODAL = "modAL ranked batch"
SMALL_TEXT = "small-text breaking ties"
PEERS = {"modAL": "modAL", "small_text": "small-text", "skactiveml": "scikit-activeml"}
CLOUDS = 4
SCATTER = 1.2
"""Length of the noise around a cloud's centre, the centre's being 1."""
MADE_AT_ONCE = 50_000


@dataclass(frozen=True)
class Pool:
    """Unit embeddings (n, d); the first are labelled. `probabilities` (m, k): of the open ones, as `open` has them."""

    points: Floats
    labelled: Ints
    open: Ints
    names: NDArray[np.str_]
    head: Any
    probabilities: Floats

    @property
    def given(self) -> Pool:
        """The same with a head that gives back the probabilities instead of reckoning them."""
        return replace(self, head=Recalled(self.head, self.probabilities))


class Recalled(SoftmaxRegression):  # type: ignore[misc]
    """The head, its probabilities of the open tickets at hand; of all tickets, zeros stand for the labelled."""

    def __init__(self, head: SoftmaxRegression, known: Floats) -> None:
        self.__dict__ |= copy.copy(head.__dict__)
        self.known = known

    def predict_proba(self, X: Floats) -> Floats:
        missing = len(X) - len(self.known)
        if missing <= 0:
            return self.known[: len(X)]
        return np.concatenate([np.zeros((missing, self.known.shape[1]), np.float32), self.known])


def make_pool(size: int, classes: int, dim: int, labelled: int, seed: int) -> Pool:
    """`size` open tickets in CLOUDS clouds a service, and `labelled` ones before them that fit the head."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes * CLOUDS, dim)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    n = size + labelled
    cloud = np.concatenate([np.arange(labelled) % len(centres), rng.integers(0, len(centres), size)])
    points = np.empty((n, dim), np.float32)
    for at in range(0, n, MADE_AT_ONCE):
        some = cloud[at : at + MADE_AT_ONCE]
        noise = rng.standard_normal((len(some), dim), np.float32) * np.float32(SCATTER / np.sqrt(dim))
        block = centres[some] + noise
        points[at : at + MADE_AT_ONCE] = block / np.linalg.norm(block, axis=1, keepdims=True)
    names = np.asarray([f"s{number % classes:03d}" for number in cloud[:labelled]])
    head = SoftmaxRegression().fit(points[:labelled], names)
    known, waiting = np.arange(labelled), np.arange(labelled, n)
    return Pool(points, known, waiting, names, head, head.predict_proba(points[waiting]))


def missing() -> list[str]:
    """Peers that are not installed here."""
    return [name for module, name in PEERS.items() if importlib.util.find_spec(module) is None]


Batch = Callable[[Pool, int, int], Any]


def batches() -> dict[str, Batch]:
    """Ways to choose a batch from a pool: (pool, n, seed)."""
    there = {module for module in PEERS if importlib.util.find_spec(module) is not None}
    ways: dict[str, Batch] = {
        "ours (default)": lambda pool, n, seed: ours(pool, n, seed, herding.uncertainty_herding),
        "ours, clustered margin": lambda pool, n, seed: ours(pool, n, seed, strategies.clustered_margin),
    }
    if "modAL" in there:
        ways[MODAL] = lambda pool, n, seed: theirs(picking.ModalRanked(), pool, n, seed)
    if "small_text" in there:
        ways[SMALL_TEXT + " (no diversity)"] = lambda pool, n, seed: theirs(
            picking.SmallTextTies(), pool, n, seed
        )
        ways["small-text embedding k-means"] = lambda pool, n, seed: theirs(
            picking.SmallTextKMeans(), pool, n, seed
        )
    if "skactiveml" in there:
        ways["scikit-activeml BADGE"] = _badge
        ways["scikit-activeml TypiClust"] = lambda pool, n, seed: theirs(
            picking.TypiClust(seed), pool, n, seed
        )
    return ways


def warm_up(batch: int) -> None:
    """Import every peer and let each work once on a small pool: neither is what is timed."""
    pool = make_pool(20 * batch, 4, 16, 4 * batch, seed=0)
    for way in batches().values():
        way(pool, batch, 0)
        way(pool.given, batch, 0)
    for scoring in scorings().values():
        scoring(pool.probabilities)


class _Shared:
    """A head that scikit-learn's clone does not copy."""

    def __init__(self, head: Any) -> None:
        self.head = head

    def __deepcopy__(self, _: Any) -> _Shared:
        return self


class _Ready(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The fitted head as an estimator whose fit does nothing, since scikit-activeml fits what it is given."""

    def __init__(self, shared: _Shared | None = None) -> None:
        self.shared = shared

    def fit(self, X: Floats, y: NDArray[Any], **_: Any) -> _Ready:
        assert self.shared is not None
        self.classes_ = np.arange(len(self.shared.head.classes_))
        return self

    def predict_proba(self, X: Floats) -> Floats:
        assert self.shared is not None
        found: Floats = self.shared.head.predict_proba(X)
        return found


def _badge(pool: Pool, n: int, seed: int) -> Ints:
    """skactiveml.pool.Badge as published."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge

    coded = np.full(len(pool.points), np.nan)
    coded[pool.labelled] = np.searchsorted(pool.head.classes_, pool.names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classes = np.arange(len(pool.head.classes_)).astype(float)
        head = SklearnClassifier(_Ready(_Shared(pool.head)), classes=classes)
        head.fit(pool.points[pool.labelled], coded[pool.labelled])
        rows = Badge(random_state=seed).query(
            pool.points, coded, head, fit_clf=False, candidates=pool.open, batch_size=n
        )
    return np.asarray(rows, np.int64)


@dataclass(frozen=True)
class _Fitted:
    """The fitted head in the shape a modAL query strategy reads."""

    estimator: Any
    X_training: Floats

    def predict_proba(self, X: Floats, **_: Any) -> Floats:
        found: Floats = self.estimator.predict_proba(X)
        return found


def ours(pool: Pool, n: int, seed: int, strategy: Callable[..., tuple[Ints, Floats]]) -> Ints:
    """Our strategy, called as modAL calls it; probabilities at hand are handed over as its interface has it."""
    fitted = _Fitted(pool.head, pool.points[pool.labelled])
    extra: dict[str, Any] = {"rng": np.random.default_rng(seed)}
    if isinstance(pool.head, Recalled):
        best, p1, _, p2 = strategies.top_two(pool.probabilities)
        extra |= {"scores": np.asarray(1.0 - (p1 - p2), np.float32), "services": best}
    points = pool.points[len(pool.labelled) :]
    return pool.open[strategy(fitted, points, n, **extra)[0]]


def theirs(way: picking.Way, pool: Pool, n: int, seed: int) -> Ints:
    """A peer's own code, called as in `benchmarks.label_efficiency`."""
    now = picking.Round(
        pool.points, pool.labelled, pool.names, pool.open, pool.head, np.random.default_rng(seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return way.pick(now, n)


def scorings() -> dict[str, Callable[[Floats], Any]]:
    """Ways to score probabilities (n, k) by their margin."""
    ways: dict[str, Callable[[Floats], Any]] = {
        "ours (default)": strategies.margin_score,
        "numpy: partition, subtract": plain_margin,
    }
    if importlib.util.find_spec("small_text") is not None:
        ways[SMALL_TEXT] = _breaking_ties
    if importlib.util.find_spec("modAL") is not None:
        ways["modAL margin"] = _modal_margin
    return ways


def plain_margin(probabilities: Floats) -> Floats:
    """The floor: what anybody writes who vectorises."""
    best = np.partition(probabilities, probabilities.shape[1] - 2, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0], np.float32)


@dataclass(frozen=True)
class _Given:
    """A head that has reckoned already."""

    probabilities: Floats

    def predict_proba(self, _: Any, **__: Any) -> Floats:
        return self.probabilities


def _breaking_ties(probabilities: Floats) -> Any:
    from small_text.query_strategies.strategies import BreakingTies

    return BreakingTies().get_confidence(_Given(probabilities), None, None, None, None)


def _modal_margin(probabilities: Floats) -> Any:
    from modAL.uncertainty import classifier_margin

    return classifier_margin(_Given(probabilities), probabilities)
