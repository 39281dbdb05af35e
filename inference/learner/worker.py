"""The resident learner: keeps pool and head in memory, refits on news, pushes queue and scores.

One turn: read the mark; if it moved, take in new vectors, refit on all labels, rank the top of the queue and
push it (this is what people wait for); when it has been quiet for a moment, or ten seconds have passed, rank
in depth, write the score table and the head, one step at a time: news that come between two steps are taken
first. Nothing is lost with this process: all of it is made again from the rows.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from inference import heads
from inference.learner import advising, composing, lanes, pool, pushing, world
from inference.models import Encoder, LearnerHead
from ml.learner import DEFAULT_STRATEGY, Learner, Pick
from ml.space import Space

log = logging.getLogger(__name__)

QUICK_DEPTH = 400
DEEP_EVERY_SECONDS = 10.0
QUIET_SECONDS = 1.5
POLL_SECONDS = 0.2
MOST_LABELS = 6000
COLD_LABELS = 50

Bools = NDArray[np.bool_]
_resident: "Resident | None" = None


def resident() -> "Resident":
    """This process's learner."""
    global _resident  # noqa: PLW0603 - one a process, by design
    if _resident is None:
        _resident = Resident()
    return _resident


@dataclass(frozen=True)
class Turn:
    """What one refit and ranking did; ``seconds`` from the mark to the queue being pushed."""

    generation: int
    labels: int
    queued: int
    fit_seconds: float
    seconds: float


class Resident:
    """The state between turns. Not thread-safe; the learner worker runs one task at a time."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.turns = 0
        self.last: Turn | None = None
        self._mark: world.Mark | None = None
        self._deep_mark: world.Mark | None = None
        self._behind_since: float | None = None
        self._deep_steps: list[Callable[[], object]] = []
        self._turned_at = float("-inf")
        self._encoder: Encoder | None = None
        self._rows: pool.Rows | None = None
        self._learner: Learner | None = None
        self._labels: world.Labels | None = None
        self._suspects: list[composing.Suspicion] = []

    # One task

    def seconds_to_rest(self, debounce: float) -> float:
        """How long to wait before looking for news: nothing after a quiet time, else until ``debounce`` has passed
        since the last refit, so that a burst of labels shares one.
        """
        return min(debounce, max(0.0, self._turned_at + debounce - time.monotonic()))

    def refresh(self) -> int:
        """Bring queue and scores up to date; returns how many turns it took. Nothing to do costs one query."""
        before = self.turns
        while True:
            mark = world.mark()
            if mark != self._mark:
                self.turn(mark)
                if self._deep_steps or self._is_overdue():
                    self._step()  # answers that never stop must not stop the depth
            elif self._deep_steps:
                self._step()
            elif self._deep_mark == self._mark:
                return self.turns - before
            elif self._is_quiet():
                self._step()

    def _step(self) -> None:
        """One step of the depth; one that fails is taken again."""
        self._deep_steps = self._deep_steps or self._plan_depth()
        if self._deep_steps:
            self._deep_steps[0]()
            self._deep_steps.pop(0)

    def _is_overdue(self) -> bool:
        """Whether people have been answering without a pause for so long that the score table has fallen behind."""
        return self._behind_since is not None and time.monotonic() > self._behind_since + DEEP_EVERY_SECONDS

    def _is_quiet(self) -> bool:
        """Wait for a moment without news; False as soon as there are some and the score table can wait."""
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until and not self._is_overdue():
            time.sleep(POLL_SECONDS)
            if world.mark() != self._mark:
                return False
        return True

    # The two depths

    def turn(self, mark: world.Mark | None = None, *, depth: int = QUICK_DEPTH) -> Turn | None:
        """Refit on all labels and push the top of the queue; None while there is no space to rank in."""
        began = time.monotonic()
        mark = mark or world.mark()
        if not self._take_in(mark):
            self._mark = self._deep_mark = mark
            self._deep_steps, self._behind_since = [], None
            return None
        assert self._learner is not None and self._rows is not None and self._encoder is not None
        self._labels = self._fitting(world.labels())
        audit_ids, audit_codes = world.audit_answers()
        known = np.isin(audit_ids, self._rows.ids)
        report = self._learner.fit(
            self._labels.ids,
            self._labels.codes.tolist(),
            self._labels.weights,
            audit=(audit_ids[known], audit_codes[known].tolist()),
        )
        queued = self._push(mark, depth)
        self.turns += 1
        self._turned_at = time.monotonic()
        self._behind_since = self._behind_since or self._turned_at
        self.last = Turn(
            mark.newest_annotation, report.n_labels, queued, report.seconds, time.monotonic() - began
        )
        self._note(mark)
        advising.mark(
            self._learner, self._rows, self._encoder, labels=report.n_labels, newest=mark.newest_annotation
        )
        self._mark = replace(mark, is_queued=queued > 0 or mark.is_queued)
        log.info("ranked on %d labels: %d queued in %.2f s", report.n_labels, queued, self.last.seconds)
        return self.last

    def deepen(self) -> None:
        """Rank in depth, write the score table and the head of the last turn."""
        for step in self._plan_depth():
            step()

    def _plan_depth(self) -> list[Callable[[], object]]:
        """The steps of the depth; each works on the last turn before it, so that turns may come in between."""
        if self._learner is None or self._rows is None or self._mark is None or self.last is None:
            return []
        began, mark = time.monotonic(), self._mark

        def done() -> None:
            self._deep_mark = mark
            self._behind_since = None if mark == self._mark else time.monotonic()
            log.info("ranked in depth in %.2f s", time.monotonic() - began)

        return [
            self._write_scores,
            self._save_head,
            self._find_suspects,
            self._push_depth,
            self._advise,
            done,
        ]

    def _find_suspects(self) -> None:
        assert self._labels is not None and self._rows is not None
        self._suspects = composing.suspicions(self._labels, self._rows)

    def _advise(self) -> None:
        assert self._learner is not None and self._rows is not None and self._labels is not None
        advising.push(self._learner, self._rows, self._labels)

    def _push_depth(self) -> None:
        assert self._mark is not None
        self._push(self._mark, settings.QUEUE_DEPTH)

    def _write_scores(self) -> None:
        assert self._learner is not None and self._rows is not None and self._encoder is not None
        assert self._mark is not None and self.last is not None
        pushing.scores(
            self._learner.scores(),
            self._rows.ids,
            services=world.services(),
            labels_used=self.last.labels,
            newest_annotation=self._mark.newest_annotation,
            encoder=self._encoder.fingerprint,
            seconds=self.last.seconds,
        )

    @property
    def space(self) -> Space | None:
        """The pool as the learner sees it; None before the first turn."""
        return self._learner.space if self._learner is not None else None

    def predict(self, vectors: NDArray[np.float32]) -> tuple[list[str], NDArray[np.float32]]:
        """The head of the last turn on other vectors (m, d): its classes and probabilities (m, k)."""
        if self._learner is None or not self._learner.classes:
            return [], np.zeros((len(vectors), 0), np.float32)
        return self._learner.classes, self._learner.probabilities_of(vectors)

    # Parts of a turn

    def _take_in(self, mark: world.Mark) -> bool:
        """Bring the pool in step with the current space; False while there is none with a vector."""
        if mark.encoder is None:
            self._rows = self._learner = None
            return False
        if self._encoder is None or self._encoder.pk != mark.encoder:
            self._encoder, self._rows = Encoder.objects.get(pk=mark.encoder), None
        if self._rows is None or self._mark is None or self._mark.vectors != mark.vectors:
            rows = self._read(mark)
            points = rows.vectors
            keywords = world.keyword_tickets(rows.ids) if self._is_cold() else None
            self._learner = Learner(
                rows.ids,
                points,
                seed=self.seed,
                keywords=keywords,
                strategy=settings.LEARNER_STRATEGY or DEFAULT_STRATEGY,
                previous=self._learner,
            )
            self._rows = replace(rows, vectors=self._learner.points)  # one copy in memory, not two
        return len(self._rows) > 0

    def _read(self, mark: world.Mark) -> pool.Rows:
        assert self._encoder is not None
        if self._rows is not None and len(self._rows):
            rows = self._rows.joined(pool.read(self._encoder, after=int(self._rows.feed.max())))
            refused = self._encoder.embeddings.filter(vector__isnull=True).count()
            if len(rows) + refused == mark.vectors[0]:
                return rows
        return pool.read(self._encoder)

    def _is_cold(self) -> bool:
        return self._labels is None or len(self._labels) < COLD_LABELS

    def _fitting(self, labels: world.Labels) -> world.Labels:
        """The labels whose tickets are in the space, at most MOST_LABELS: people's first, then the newest."""
        assert self._rows is not None
        labels = labels.of(np.isin(labels.ids, self._rows.ids))
        if len(labels) > MOST_LABELS:
            order = np.lexsort((-np.arange(len(labels)), labels.is_import))[:MOST_LABELS]
            labels = labels.of(np.sort(order))
        return labels

    def _push(self, mark: world.Mark, depth: int) -> int:
        assert self._learner is not None and self._rows is not None and self._encoder is not None
        rows, learner = self._rows, self._learner
        rng = np.random.default_rng([self.seed, mark.newest_annotation])
        is_open = ~np.isin(rows.ids, world.closed_tickets())
        picks = learner.rank(eligible=is_open & ~rows.is_audit, n=depth, rng=rng, groups=rows.group)
        composer = composing.Composer(learner, rows, self._encoder)
        checks = composer.checks(picks, is_open, self._suspects, rng)
        taken = {item.ticket_id for item in checks}
        teach = composer.teach(self._in_lanes([p for p in picks if p.id not in taken], is_open, depth))
        pushing.queue(teach=teach, check=checks, generation=mark.newest_annotation)
        return len(teach)

    def _in_lanes(self, picks: list[Pick], is_open: Bools, depth: int) -> list[tuple[str, int, Pick | None]]:
        """(lane, row, pick) in the order of serving; audit tickets come in hash order until there are enough."""
        assert self._rows is not None
        rows = self._rows
        audit = np.flatnonzero(is_open & rows.is_audit)
        audit = audit[np.argsort(rows.audit_rank[audit], kind="stable")]
        share = settings.AUDIT_LANE_SHARE if world.audit_labels() < world.audit_target() else 0.0
        waiting: dict[str, list[tuple[int, Pick | None]]] = {"exploit": [], "novelty": [], "audit": []}
        for pick in picks:
            waiting["novelty" if pick.lane == "novelty" else "exploit"].append((pick.row, pick))
        waiting["audit"] = [(int(row), None) for row in audit[:depth]]
        shares = {
            "audit": share,
            "novelty": settings.NOVELTY_LANE_SHARE,
            "exploit": 1.0 - share - settings.NOVELTY_LANE_SHARE,
        }
        ordered = lanes.interleave(waiting, shares, world.served_lately(), depth)
        return [(pick.lane if pick else lane, row, pick) for lane, (row, pick) in ordered]

    def _note(self, mark: world.Mark) -> None:
        assert self._encoder is not None and self.last is not None
        LearnerHead.objects.filter(encoder=self._encoder).update(
            labels_used=self.last.labels,
            last_annotation_id=mark.newest_annotation,
            seconds=self.last.seconds,
            updated_at=timezone.now(),
        )

    def _save_head(self) -> None:
        """Keep the head for processes without modAL."""
        assert self._learner is not None and self._encoder is not None and self.last is not None
        head = self._learner.linear_head()
        LearnerHead.objects.update_or_create(
            encoder=self._encoder,
            defaults={
                "classes": head.classes,
                "weights": heads.pack(
                    head.coef, head.intercept, head.temperature, self._learner.outlier_model
                ),
                "labels_used": self.last.labels,
                "last_annotation_id": self.last.generation,
                "seconds": self.last.seconds,
            },
        )
