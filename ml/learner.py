"""The modAL ActiveLearner over the pool's embeddings: refits in well under two seconds, ranks the queue.

Loaded by the learner worker only: importing modAL imports torch where that is installed. Not thread-safe; one
worker owns one Learner. The same calls in the same order with the same seeds give the same answers.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from modAL.models import ActiveLearner
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ml import herding, lanes, outliers, scarce, shortlist, strangeness, strategies
from ml.distil import distilled
from ml.reports import FitReport, Guess, LinearHead, Pick, Scores
from ml.smoothing import NEIGHBOURS
from ml.softmax import SoftmaxRegression, stable_folds
from ml.space import Space

__all__ = ["DEFAULT_STRATEGY", "FitReport", "Guess", "Learner", "LinearHead", "Pick", "Scores"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KEYWORD_SHARE = 0.25
FEWEST_AUDIT = 50
TAUGHT = 2500
DEFAULT_STRATEGY = "ml.herding.uncertainty_herding"
_BLAS = ThreadpoolController()


class Learner:
    """A pool of n tickets, by id, with their embeddings (n, d); rows are positions in it.

    Rows whose embedding is not finite or is all zero stay in the pool but are never picked. `keywords` maps a
    service's code to the ids of tickets that hold one of its keywords: they are served first while that service has
    no label. `strategy` is the dotted path of the modAL query strategy of the exploit lane. `previous` lends what it
    computed for tickets whose embeddings have not changed, when the pool grew by a few. `threads` bounds the BLAS
    threads: more than the free cores make a refit slower, not faster. `smoothing` False learns on plain embeddings.
    """

    def __init__(
        self,
        ids: Ints,
        embeddings: Floats,
        *,
        seed: int = 0,
        keywords: Mapping[str, Sequence[int]] | None = None,
        strategy: str = DEFAULT_STRATEGY,
        previous: Learner | None = None,
        threads: int = 1,
        smoothing: bool = True,
    ) -> None:
        self.seed = seed
        self.threads = threads
        with _BLAS.limit(limits=threads):
            self.space: Space = Space(
                ids,
                embeddings,
                seed=seed,
                neighbours=NEIGHBOURS if smoothing else 0,
                previous=previous.space if previous else None,
            )
        self.ids, self.points = self.space.ids, self.space.points
        self._keywords = {code: self.space.rows(held) for code, held in (keywords or {}).items()}
        self._strategy = strategies.resolve_strategy(strategy)
        estimator: Any = previous.active.estimator if previous is not None else SoftmaxRegression()
        self.active: Any = ActiveLearner(estimator=estimator, query_strategy=self._strategy)
        self._labelled = np.zeros(len(self.ids), np.bool_)
        self._rows_fitted, self._names_fitted = np.zeros(0, np.int64), np.zeros(0, np.str_)
        self._counts: dict[str, int] = {}
        self._scores: Scores | None = None
        self._outliers: strangeness.Judge | None = None
        self._pass: tuple[Scores, strangeness.Judge | None] | None = None

    @property
    def classes(self) -> list[str]:
        """Codes of the services with at least one label, sorted."""
        return sorted(self._counts)

    @property
    def outlier_model(self) -> outliers.OutlierModel | None:
        """Strangeness of plain unit embeddings (d,), for processes that hold no pool; None for an empty pool.

        From a sample of the pool and without smoothing, so coarser than `scores`.
        """
        return strangeness.lent(self.space, self._rows_fitted, self._names_fitted, self.seed)

    def fit(
        self,
        ids: Sequence[int] | Ints,
        labels: Sequence[str],
        weights: Sequence[float] | Floats | None = None,
        *,
        audit: tuple[Sequence[int] | Ints, Sequence[str]] | None = None,
    ) -> FitReport:
        """Refit on all labels so far: ids (m,), codes (m,), weights (m,). Replaces what was known; m = 0 forgets all.

        `audit` (ids, codes): labels of a uniform sample. They never train; from FEWEST_AUDIT on the temperature is
        fitted on them, and on held-out folds before. Labels picked for being hard understate the head's confidence.
        Raises ValueError for an id outside the pool or lengths that differ; what was known then stays.
        """
        began = time.monotonic()
        rows, names = self._checked(ids, labels)
        weight = None if weights is None else np.asarray(weights, np.float32)
        if weight is not None and len(weight) != len(rows):
            raise ValueError(f"{len(rows)} ids and {len(weight)} weights do not match")
        judged, truths = self._checked(*audit) if audit is not None else (rows[:0], names[:0])
        self._scores = self._outliers = None
        self._labelled[:] = False
        self._labelled[rows] = True
        kept = self.space.usable[rows]
        self._rows_fitted, self._names_fitted = rows[kept], names[kept]
        found, counts = np.unique(self._names_fitted, return_counts=True)
        self._counts = {str(name): int(count) for name, count in zip(found, counts, strict=True)}
        if not self._counts:
            return FitReport(0, [], time.monotonic() - began, 1.0)
        apart = self.space.usable[judged] & np.isin(truths, found) & ~self._labelled[judged]
        with warnings.catch_warnings(), _BLAS.limit(limits=self.threads):
            warnings.simplefilter("ignore")  # modAL 0.4 passes a keyword that scikit-learn 1.7 is renaming
            folds = stable_folds(self.ids[self._rows_fitted]) if apart.sum() < FEWEST_AUDIT else None
            self.active.fit(
                self.space.smooth[self._rows_fitted],
                self._names_fitted,
                sample_weight=None if weight is None else weight[kept],
                folds=folds,
            )
            if folds is None:
                self.active.estimator.calibrate(self.space.smooth[judged[apart]], truths[apart])
        temperature = float(self.active.estimator.temperature_)
        return FitReport(len(self._rows_fitted), self.classes, time.monotonic() - began, temperature)

    def probabilities(self, rows: Ints | None = None) -> Floats:
        """Calibrated (m, k) for the rows (all by default), columns as `classes`; (m, 0) before any label."""
        return self._chances(self.space.smooth if rows is None else self.space.smooth[rows])

    def probabilities_of(self, embeddings: Floats) -> Floats:
        """Calibrated (m, k) for embeddings (m, d) from outside the pool, such as a test set."""
        with _BLAS.limit(limits=self.threads):
            return self._chances(self.space.smoother.apply(self.space.units(embeddings)))

    def outliers_of(self, embeddings: Floats) -> Floats:
        """Outlier rank in the pool (m,) of embeddings (m, d) from outside it; 0 for an empty pool."""
        self.scores()
        with _BLAS.limit(limits=self.threads):
            seen = self.space.look(self.space.units(embeddings))
        return self._outliers.score(seen) if self._outliers else np.zeros(len(seen), np.float32)

    def predict_one(self, embedding: Floats) -> Guess:
        """What the head says of one embedding (d,). Raises ValueError when it is not finite or all zero."""
        one = np.asarray(embedding, np.float32).reshape(1, -1)
        chances, outlier = self.probabilities_of(one), float(self.outliers_of(one)[0])
        doubt = float(strategies.margin_score(chances)[0]) if len(self._counts) > 1 else 1.0
        return Guess(self.classes, chances[0], doubt, outlier)

    def scores(self) -> Scores:
        """Uncertainty (1 - margin) and outlier rank of every row, with its two best services."""
        if self._scores is None:
            n = len(self.ids)
            top1 = top2 = np.full(n, -1, np.int64)
            p1 = p2 = np.zeros(n, np.float32)
            with _BLAS.limit(limits=self.threads):
                if self._counts and n:
                    top1, p1, top2, p2 = strategies.best_two(self._chances, self.space.smooth)
                self._outliers, strange = strangeness.of_pool(
                    self.space, self._rows_fitted, self._names_fitted, self.seed
                )
            doubt = (
                np.ones(n, np.float32) if len(self._counts) < 2 else np.asarray(1.0 - (p1 - p2), np.float32)
            )
            self._scores = Scores(doubt, strange, top1, p1, top2, p2, self.classes)
            self._pass = (self._scores, self._outliers)
        return self._scores

    @property
    def last_pass(self) -> Scores | None:
        """Scores of the last look at the whole pool; None before the first, or if the services changed since."""
        known = self._pass is not None and len(self._counts) > 1 and self._pass[0].classes == self.classes
        return self._pass[0] if self._pass is not None and known else None

    @property
    def needs_whole_pool(self) -> bool:
        """Whether `rank` looks for tickets that no score tells of: typical ones, or a new service's keywords."""
        return lanes.start_share(self._counts) > 0 or bool(set(self._keywords) - set(self._counts))

    @property
    def novelty_share(self) -> float:
        """Share of the order, where it is not for typical tickets, that goes to tickets unlike anything labelled."""
        return lanes.novelty_share(self._counts)

    @property
    def scarce_share(self) -> float:
        """The same of tickets that are likely of a service with few labels."""
        return scarce.share(self._counts)

    def rescore(self, rows: Ints) -> bool:
        """After a fit, look at these rows alone: all but their best services and doubt stays as in the last pass.
        False, with nothing done, where `last_pass` is None.
        """
        before = self.last_pass
        if before is None or self._pass is None:
            return False
        with _BLAS.limit(limits=self.threads):
            best = strategies.top_two(self.probabilities(rows))
        self._scores, self._outliers = shortlist.patched(before, rows, best), self._pass[1]
        return True

    def frozen(self) -> Learner:
        """This learner as it is now, for another thread: later fits leave it alone. It scores the whole pool."""
        other = copy.copy(self)
        other.active = copy.copy(self.active)
        other.active.estimator = copy.copy(self.active.estimator)
        other._labelled = self._labelled.copy()
        if self._pass is None or self._scores is not self._pass[0]:
            other._scores = other._outliers = None
        return other

    def take_pass(self, other: Learner) -> None:
        """What a frozen copy found when it looked at the whole pool, as the ground for `rescore`."""
        if other.space is self.space and other._pass is not None:
            self._pass = other._pass

    def rank(
        self,
        *,
        eligible: Bools,
        n: int,
        rng: np.random.Generator,
        groups: NDArray[Any] | None = None,
        service_weights: Mapping[str, float] | None = None,
        among: Ints | None = None,
    ) -> list[Pick]:
        """The n tickets to label next, best first, lanes interleaved. Never labelled ones, never two of one group.

        The order is a sequence of windows, each diverse, so that people may label from the top while the head refits.
        `service_weights` (code -> factor) asks for more of a service. `among` (rows): look at no others than these.
        """
        pool = self._pool(eligible, groups)
        if among is not None:
            pool = pool[np.isin(pool, among)]
        if n < 1 or len(pool) == 0:
            return []
        scores = self.scores()
        asked = lanes.by_keyword(self.space.smooth, pool, self._keywords, self._counts)
        exploring = lanes.start_share(self._counts)
        share = max(exploring, KEYWORD_SHARE if len(asked) else 0.0)
        empty = np.zeros(0, np.int64)
        start = exploit = novelty = rare = empty
        with _BLAS.limit(limits=self.threads):
            if exploring > 0:
                labelled = np.flatnonzero(self._labelled)
                start = lanes.typical(self.space.smooth, pool, labelled, n, rng, fill=share >= 1.0)
            start = np.concatenate([asked, start[~np.isin(start, asked)]])
            if share < 1:
                exploit = self._exploit(pool, n, rng, service_weights or {})
                rare = scarce.rows(self._chances, self.space.smooth, pool, self._counts)
                size, support = int(self.novelty_share * n) + 1, self.space.view.support
                novelty, _ = lanes.novel(
                    self.points, pool, scores.outlier, size, rng, support=None if among is None else support
                )
        left, strange, few = 1.0 - share, self.novelty_share, self.scarce_share
        order = lanes.interleave(
            {
                "start": (start, share),
                "exploit": (exploit, left * (1 - strange - few)),
                "novelty": (novelty, left * strange),
                "scarce": (rare, left * few),
            },
            n,
        )
        return [self._pick(row, lane) for row, lane in order]

    def lone_outliers(self, *, eligible: Bools, n: int, groups: NDArray[Any] | None = None) -> list[Pick]:
        """Tickets with nothing alike in the pool, for the triage inbox, the most alone first."""
        lone = lanes.lone(self.points, self.space.view.support, self._pool(eligible, groups))
        return [self._pick(int(row), "triage") for row in lone[: max(n, 0)]]

    def linear_head(self) -> LinearHead:
        """A head for plain embeddings, for processes that hold no pool; about a refit's time."""
        d, classes = self.points.shape[1], self.classes
        if len(classes) < 2:
            return LinearHead(classes, np.zeros((len(classes), d)), np.zeros(len(classes)), 1.0)
        head = self.active.estimator
        start = np.hstack([head.coef_, head.intercept_[:, None]]).astype(np.float32)
        if not self.space.smoother.is_active:
            return LinearHead(classes, start[:, :-1], start[:, -1], float(head.temperature_))
        rng = np.random.default_rng(self.seed)
        free = np.flatnonzero(self.space.usable & ~self._labelled)
        sample = rng.choice(free, min(TAUGHT, len(free)), replace=False)
        targets = np.searchsorted(np.asarray(classes), self._names_fitted)
        with _BLAS.limit(limits=self.threads):
            found, temperature = distilled(
                self.points[self._rows_fitted],
                targets,
                self.points[sample],
                self.probabilities(sample),
                start,
            )
        return LinearHead(classes, found[:, :-1], found[:, -1], temperature)

    def _checked(self, ids: Sequence[int] | Ints, labels: Sequence[str]) -> tuple[Ints, NDArray[np.str_]]:
        rows, names = self.space.rows(ids), np.asarray(list(labels), dtype=np.str_)
        if len(names) != len(rows):
            raise ValueError(f"{len(rows)} ids and {len(names)} labels do not match")
        return rows, names

    def _chances(self, points: Floats) -> Floats:
        if not self._counts:
            return np.zeros((len(points), 0), np.float32)
        return np.asarray(self.active.predict_proba(points), np.float32)

    def _pool(self, eligible: Bools, groups: NDArray[Any] | None) -> Ints:
        mask = np.asarray(eligible, np.bool_)
        if mask.shape != self.ids.shape:
            raise ValueError(f"eligible must be ({len(self.ids)},), not {mask.shape}")
        rows = np.flatnonzero(mask & self.space.usable & ~self._labelled)
        if groups is not None:
            group = np.asarray(groups)
            rows = rows[~np.isin(group[rows], group[self._labelled])]
            rows = np.sort(rows[np.unique(group[rows], return_index=True)[1]])
        return np.asarray(rows, np.int64)

    def _exploit(
        self, pool: Ints, n: int, rng: np.random.Generator, service_weights: Mapping[str, float]
    ) -> Ints:
        scores = self.scores()
        factor = lanes.rarity([self._counts[code] for code in scores.classes])
        factor = factor * np.asarray([service_weights.get(code, 1.0) for code in scores.classes], np.float32)
        value = scores.uncertainty[pool] * np.maximum(factor[scores.top1[pool]], factor[scores.top2[pool]])
        extra: dict[str, Any] = {}
        if self._strategy in (strategies.clustered_margin, herding.uncertainty_herding):
            extra = {"rng": rng, "scores": value, "services": scores.top1[pool]}
        if self._strategy is herding.uncertainty_herding:
            extra["known"] = self.space.smooth[self._rows_fitted]
        rows, _ = self.active.query(self.space.smooth[pool], n_instances=min(n, len(pool)), **extra)
        return np.asarray(pool[np.asarray(rows, np.int64)], np.int64)

    def _pick(self, row: int, lane: str) -> Pick:
        scores = self.scores()
        return Pick(
            row, int(self.ids[row]), lane, float(scores.uncertainty[row]), float(scores.outlier[row]), 1.0
        )
