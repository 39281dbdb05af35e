"""The modAL ActiveLearner over the pool's embeddings: refits in well under two seconds, ranks the queue.

Loaded by the learner worker only: importing modAL imports torch where that is installed. Not thread-safe; one
worker owns one Learner. The same calls in the same order with the same seeds give the same answers.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from modAL.models import ActiveLearner
from numpy.typing import NDArray

from ml import outliers, strategies
from ml.clusters import kmeans, medoids
from ml.softmax import SoftmaxRegression

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Lane = Literal["start", "exploit", "novelty", "triage"]

FOLDS = 3
NOVELTY_SHARE = 0.18
DEFAULT_STRATEGY = "ml.strategies.clustered_margin"


@dataclass(frozen=True)
class FitReport:
    """What a refit did. `temperature` divides the scores before the softmax; below 1 it sharpens them."""

    n_labels: int
    classes: list[str]
    seconds: float
    temperature: float


@dataclass(frozen=True)
class Pick:
    """One ranked ticket. `probability` is that of having been drawn in its lane: 1.0 where nothing was left
    to chance.
    """

    row: int
    id: int
    lane: Lane
    uncertainty: float
    outlier: float
    probability: float


@dataclass(frozen=True)
class Scores:
    """Per row of the pool. top1/top2 index `classes`; -1 and probability 0 where there is none."""

    uncertainty: Floats
    outlier: Floats
    top1: Ints
    p1: Floats
    top2: Ints
    p2: Floats
    classes: list[str]


@dataclass(frozen=True)
class Guess:
    """What the head says of one embedding: `probabilities` (k,) in the order of `classes` (both empty before
    any label).
    """

    classes: list[str]
    probabilities: Floats
    uncertainty: float
    outlier: float


class Learner:
    """A pool of n tickets, by id, with their embeddings (n, d); rows are positions in it.

    Rows whose embedding is not finite or is all zero stay in the pool but are never picked. `keywords` maps a
    service's code to the ids of tickets that hold one of its keywords: they are served first while that
    service has no label. `strategy` is the dotted path of the modAL query strategy of the exploit lane.
    """

    def __init__(
        self,
        ids: Ints,
        embeddings: Floats,
        *,
        seed: int = 0,
        keywords: Mapping[str, Sequence[int]] | None = None,
        strategy: str = DEFAULT_STRATEGY,
    ) -> None:
        self.ids = np.asarray(ids, np.int64)
        points = np.asarray(embeddings, np.float32)
        if self.ids.ndim != 1 or points.ndim != 2 or len(points) != len(self.ids):
            raise ValueError(
                f"ids must be (n,) and embeddings (n, d): got {self.ids.shape} and {points.shape}"
            )
        if len(np.unique(self.ids)) != len(self.ids):
            raise ValueError("ids must be distinct")
        length = np.linalg.norm(points, axis=1)
        self.usable: Bools = np.isfinite(length) & (length > 0)
        safe = np.where(self.usable, length, 1.0).astype(np.float32)
        self.points: Floats = np.where(self.usable[:, None], points, 0.0).astype(np.float32) / safe[:, None]
        self.seed = seed
        self._row_of = {int(ticket): row for row, ticket in enumerate(self.ids)}
        self._keywords = {code: self._rows(held) for code, held in (keywords or {}).items()}
        self._strategy = strategies.resolve_strategy(strategy)
        self.active = ActiveLearner(estimator=SoftmaxRegression(), query_strategy=self._strategy)
        self._labelled = np.zeros(len(self.ids), np.bool_)
        self._counts: dict[str, int] = {}
        self._scores: Scores | None = None
        self._outliers: outliers.OutlierModel | None = None

    @property
    def classes(self) -> list[str]:
        """Codes of the services with at least one label, sorted."""
        return sorted(self._counts)

    @property
    def outlier_model(self) -> outliers.OutlierModel | None:
        """What `scores` measured strangeness with; None before the first ranking."""
        return self._outliers

    def fit(
        self,
        ids: Sequence[int] | Ints,
        labels: Sequence[str],
        weights: Sequence[float] | None = None,
    ) -> FitReport:
        """Refit on all labels so far: ids (m,), codes (m,), weights (m,). Replaces what was known; m = 0
        forgets all.

        Raises ValueError for an id outside the pool or lengths that differ.
        """
        began = time.monotonic()
        rows = self._rows(ids)
        names = np.asarray(list(labels), dtype=np.str_)
        if len(names) != len(rows) or (weights is not None and len(weights) != len(rows)):
            raise ValueError(
                f"{len(rows)} ids, {len(names)} labels and {len(weights or [])} weights do not match"
            )
        self._scores = self._outliers = None
        self._labelled[:] = False
        self._labelled[rows] = True
        kept = self.usable[rows]
        rows, names = rows[kept], names[kept]
        weight = None if weights is None else np.asarray(weights, np.float32)[kept]
        self._counts = {str(c): int(m) for c, m in zip(*np.unique(names, return_counts=True), strict=True)}
        self._fitted_rows, self._fitted_names = rows, names
        if len(rows) == 0:
            self.active = ActiveLearner(estimator=SoftmaxRegression(), query_strategy=self._strategy)
            return FitReport(0, [], time.monotonic() - began, 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # modAL passes a keyword that scikit-learn 1.7 renames; harmless until 1.8
            self.active.fit(self.points[rows], names, sample_weight=weight, folds=self._folds(rows))
        return FitReport(
            len(rows), self.classes, time.monotonic() - began, self.active.estimator.temperature_
        )

    def probabilities(self, rows: Ints | None = None) -> Floats:
        """Calibrated (m, k) for the rows (all by default), columns as `classes`; (m, 0) before any label."""
        points = self.points if rows is None else self.points[rows]
        if not self._counts:
            return np.zeros((len(points), 0), np.float32)
        return np.asarray(self.active.predict_proba(points), np.float32)

    def scores(self) -> Scores:
        """Uncertainty (1 - margin) and outlier rank of every row, with its two best services."""
        if self._scores is None:
            n = len(self.ids)
            top1 = top2 = np.full(n, -1, np.int64)
            p1 = p2 = np.zeros(n, np.float32)
            if self._counts and n:
                top1, p1, top2, p2 = strategies.top_two(self.probabilities())
            doubt = np.ones(n, np.float32) if len(self._counts) < 2 else 1.0 - (p1 - p2)
            self._scores = Scores(doubt, self._outlier_scores(), top1, p1, top2, p2, self.classes)
        return self._scores

    def predict_one(self, embedding: Floats) -> Guess:
        """What the head says of one embedding (d,). Raises ValueError when it is not finite or all zero."""
        point = np.asarray(embedding, np.float32).reshape(1, -1)
        length = float(np.linalg.norm(point))
        if not np.isfinite(length) or length == 0 or point.shape[1] != self.points.shape[1]:
            raise ValueError(
                f"an embedding of {self.points.shape[1]} finite numbers, not all zero, is needed"
            )
        point /= length
        self.scores()
        outlier = float(self._outliers.score(point)[0]) if self._outliers else 0.0
        if not self._counts:
            return Guess([], np.zeros(0, np.float32), 1.0, outlier)
        chances = np.asarray(self.active.predict_proba(point), np.float32)
        doubt = float(strategies.margin_score(chances)[0]) if len(self._counts) > 1 else 1.0
        return Guess(self.classes, chances[0], doubt, outlier)

    def rank(
        self,
        *,
        eligible: Bools,
        n: int,
        rng: np.random.Generator,
        groups: NDArray[Any] | None = None,
        service_weights: Mapping[str, float] | None = None,
    ) -> list[Pick]:
        """The n tickets to label next, best first, lanes interleaved. Never labelled ones, never two of one
        group.
        """
        pool = self._pool(eligible, groups)
        if n < 1 or len(pool) == 0:
            return []
        scores = self.scores()
        start = self._start(pool, n, rng)
        if len(self._counts) < 2:
            return [self._pick(row, "start") for row in start]
        exploit = self._exploit(pool, n, rng, service_weights)
        novelty = pool[strategies.select_top(scores.outlier[pool], n, rng)]
        return self._interleave(exploit, novelty, n)

    def lone_outliers(self, *, eligible: Bools, n: int, groups: NDArray[Any] | None = None) -> list[Pick]:
        """Strange tickets with nothing alike in the pool, for the triage inbox, strangest first."""
        return []

    def _rows(self, ids: Sequence[int] | Ints) -> Ints:
        unknown = [int(ticket) for ticket in ids if int(ticket) not in self._row_of]
        if unknown:
            raise ValueError(f"{len(unknown)} ids are not in the pool: {unknown[:5]}")
        return np.asarray([self._row_of[int(ticket)] for ticket in ids], np.int64)

    def _folds(self, rows: Ints) -> Ints:
        """A fold by ticket id, the same at every refit."""
        mixed = self.ids[rows].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray((mixed >> np.uint64(33)) % np.uint64(FOLDS), np.int64)

    def _outlier_scores(self) -> Floats:
        score = np.zeros(len(self.ids), np.float32)
        if self.usable.any():
            pool = self.points[self.usable]
            if len(self._counts) > 1 and len(self._fitted_rows) >= outliers.FEWEST:
                found = outliers.by_services(pool, self.points[self._fitted_rows], self._fitted_names)
            else:
                found = outliers.by_neighbours(pool, np.random.default_rng(self.seed))
            self._outliers, score[self.usable] = found
        return score

    def _pool(self, eligible: Bools, groups: NDArray[Any] | None) -> Ints:
        mask = np.asarray(eligible, np.bool_)
        if mask.shape != self.ids.shape:
            raise ValueError(f"eligible must be ({len(self.ids)},), not {mask.shape}")
        rows = np.flatnonzero(mask & self.usable & ~self._labelled)
        if groups is not None:
            group = np.asarray(groups)
            rows = rows[~np.isin(group[rows], group[self._labelled])]
            rows = np.sort(rows[np.unique(group[rows], return_index=True)[1]])
        return np.asarray(rows, np.int64)

    def _start(self, pool: Ints, n: int, rng: np.random.Generator) -> Ints:
        """Typical tickets: medoids of k-means over (a sample of) the pool, heaviest cluster first."""
        sample = pool if len(pool) <= 5000 else np.sort(rng.choice(pool, 5000, replace=False))
        assigned, centres = kmeans(self.points[sample], min(n, 100), rng)
        first = medoids(self.points[sample], assigned, centres)
        mass = np.bincount(assigned, minlength=len(centres))
        ordered = sample[first[np.argsort(-mass[assigned[first]], kind="stable")]]
        rest = rng.permutation(pool[~np.isin(pool, ordered)])
        return np.asarray(np.concatenate([ordered, rest])[:n], np.int64)

    def _exploit(
        self, pool: Ints, n: int, rng: np.random.Generator, service_weights: Mapping[str, float] | None
    ) -> Ints:
        scores = self.scores()
        weight = np.asarray([(service_weights or {}).get(code, 1.0) for code in scores.classes], np.float32)
        value = (scores.uncertainty * np.maximum(weight[scores.top1], weight[scores.top2]))[pool]
        extra: dict[str, Any] = {}
        if self._strategy is strategies.clustered_margin:
            extra = {"rng": rng, "scores": value, "services": scores.top1[pool]}
        rows, _ = self.active.query(self.points[pool], n_instances=min(n, len(pool)), **extra)
        return np.asarray(pool[np.asarray(rows, np.int64)], np.int64)

    def _interleave(self, exploit: Ints, novelty: Ints, n: int) -> list[Pick]:
        seen: set[int] = set()
        lanes: list[tuple[Lane, list[int]]] = [
            ("exploit", list(exploit[::-1])),
            ("novelty", list(novelty[::-1])),
        ]
        picks: list[Pick] = []
        due = 0.0
        while len(picks) < n and (lanes[0][1] or lanes[1][1]):
            due += NOVELTY_SHARE
            turn = 1 if due >= 1.0 and lanes[1][1] else 0 if lanes[0][1] else 1
            due -= turn
            lane, waiting = lanes[turn]
            row = int(waiting.pop())
            if row not in seen:
                seen.add(row)
                picks.append(self._pick(row, lane))
        return picks

    def _pick(self, row: int | np.int64, lane: Lane) -> Pick:
        scores, at = self.scores(), int(row)
        return Pick(
            at, int(self.ids[at]), lane, float(scores.uncertainty[at]), float(scores.outlier[at]), 1.0
        )
