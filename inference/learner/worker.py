"""The resident learner: keeps pool and head in memory, refits on news, pushes queue and scores.

One turn: read the mark; if it moved, take in new vectors, refit on all labels, rank the top of the queue and
push it (this is what people wait for). In a large pool a turn looks at the neighbours of the new labels and at the
tickets most worth asking about; all others follow behind. When it has been quiet for a moment, or ten seconds have
passed, the depth: score the whole pool, write the score table and the head, rank in depth. Its steps run in a thread
beside the turns, on a frozen view of the learner. Nothing is lost with this process: all is made again from the rows.
"""

import logging
import time
from dataclasses import replace

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from inference.learner import advising, composing, news, ordering, pool, pushing, world
from inference.learner.behind import Behind, Step
from inference.learner.depth import Turn, View, save_head, write_lone, write_scores
from inference.models import Encoder, LearnerHead
from ml import shortlist
from ml.learner import DEFAULT_STRATEGY, Learner
from ml.space import Space

log = logging.getLogger(__name__)

QUICK_DEPTH = 250
"""What a turn pushes: a minute's work of ten quick people, and the next turn comes within seconds."""
DEEP_EVERY_SECONDS = 10.0
QUIET_SECONDS = 1.5
POLL_SECONDS = 0.2
MOST_LABELS = 6000
COLD_LABELS = 50
LARGE_POOL = 20_000
"""From this size on a turn looks at some of the pool; a smaller one is looked at whole in no more time."""
MOST_NEWS = 1000
"""More labels than this at once, an import or an undo of many, change too much for a look at some."""
NEWS_WITH_NEIGHBOURS = 40
"""Of the new labels, the neighbours of so many, the newest, are looked at."""

Ints = NDArray[np.int64]
_resident: "Resident | None" = None


def resident() -> "Resident":
    """This process's learner."""
    global _resident  # noqa: PLW0603 - one a process, by design
    if _resident is None:
        _resident = Resident()
    return _resident


class Resident:
    """The state between turns. Not thread-safe; the learner worker runs one task at a time."""

    def __init__(self, seed: int = 0, audit_share: float | None = None) -> None:
        self.seed = seed
        self.audit_share = audit_share
        self.turns = 0
        self.last: Turn | None = None
        self._mark: world.Mark | None = None
        self._deep_mark: world.Mark | None = None
        self._behind_since: float | None = None
        self._deep_steps: list[Step] = []
        self._behind = Behind()
        self._view: View | None = None
        self._deep: tuple[world.Mark, ordering.Order] | None = None
        self._turned_at = self._took_in_at = float("-inf")
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
            if self._is_due(mark):
                self.turn(mark)
                if self._deep_steps or self._is_overdue():
                    self._step(0.0)  # answers that never stop must not stop the depth
            elif self._deep_steps:
                self._step()
            elif self._deep_mark == self._mark:
                return self.turns - before  # new tickets that are not due yet: beat asks again
            elif self._is_quiet():
                self._step()

    def _is_due(self, mark: world.Mark) -> bool:
        cost = self.last.seconds if self.last else 0.0
        return news.is_due(self._mark, mark, since=time.monotonic() - self._took_in_at, cost=cost)

    def _step(self, seconds: float = POLL_SECONDS) -> None:
        """One step of the depth, or ``seconds`` of waiting for it; one that fails is taken again."""
        self._deep_steps = self._deep_steps or self._plan_depth()
        if not self._deep_steps:
            return
        if not self._behind.is_busy:
            self._view = self._look()
        if self._behind.run(self._deep_steps[0], seconds):
            self._deep_steps.pop(0)

    def _is_overdue(self) -> bool:
        """Whether people have been answering without a pause for so long that the score table has fallen behind."""
        return self._behind_since is not None and time.monotonic() > self._behind_since + DEEP_EVERY_SECONDS

    def _is_quiet(self) -> bool:
        """Wait for a moment without news; False as soon as there are some and the score table can wait."""
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until and not self._is_overdue():
            time.sleep(POLL_SECONDS)
            if self._is_due(world.mark()):
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
        before, self._labels = self._labels, self._fitting(world.labels())
        audit_ids, audit_codes = world.audit_answers()
        known = np.isin(audit_ids, self._rows.ids)
        report = self._learner.fit(
            self._labels.ids,
            self._labels.codes.tolist(),
            self._labels.weights,
            audit=(audit_ids[known], audit_codes[known].tolist()),
        )
        among = self._near_the_news(before, self._labels)
        found = self._order(self._learner, self._rows, self._encoder, mark, depth, among)
        pushing.queue(found)
        queued = len(found.teach)
        self.turns += 1
        self._turned_at = time.monotonic()
        self._behind_since = self._behind_since or self._turned_at
        self.last = Turn(
            mark.newest_annotation, report.n_labels, queued, report.seconds, time.monotonic() - began
        )
        self._note(mark)
        if among is None:
            self._mark_round(self._learner, self._rows, self._encoder, self.last)
        self._mark = replace(mark, is_queued=queued > 0 or mark.is_queued)
        log.info("ranked on %d labels: %d queued in %.2f s", report.n_labels, queued, self.last.seconds)
        return self.last

    def deepen(self) -> None:
        """Rank in depth, write the score table and the head of the last turn."""
        for step in self._plan_depth():
            self._view = self._look()
            step.work()

    def _plan_depth(self) -> list[Step]:
        """The steps of the depth; each works on the last turn before it, so that turns may come in between."""
        if self._look() is None:
            return []
        began, mark = time.monotonic(), self._mark

        def done() -> None:
            self._deep_mark = mark
            self._behind_since = None if mark == self._mark else time.monotonic()
            log.info("ranked in depth in %.2f s", time.monotonic() - began)

        return [
            Step(self._write_scores),
            Step(self._write_lone),
            Step(self._save_head),
            Step(self._find_suspects),
            Step(self._rank_depth),
            Step(self._push_depth, is_apart=False),
            Step(self._advise),
            Step(done, is_apart=False),
        ]

    def _look(self) -> View | None:
        """The last turn, frozen; None before the first."""
        parts = (self._rows, self._labels, self._encoder, self._mark, self.last)
        if self._learner is None or any(part is None for part in parts):
            return None
        return View(self._learner.frozen(), *parts)  # type: ignore[arg-type]

    # The steps of the depth, each on a view of its own

    @property
    def _seen(self) -> View:
        assert self._view is not None
        return self._view

    def _write_scores(self) -> None:
        """The next turns go on from what this look at the whole pool found."""
        view = self._seen
        write_scores(view)
        if self._learner is not None:
            self._learner.take_pass(view.learner)
        self._mark_round(view.learner, view.rows, view.encoder, view.last)

    def _mark_round(self, learner: Learner, rows: pool.Rows, encoder: Encoder, last: Turn) -> None:
        """Keep the head for the advisor if a round of labels is full; wants the scores of the whole pool."""
        advising.mark(learner, rows, encoder, labels=last.labels, newest=last.generation)

    def _write_lone(self) -> None:
        write_lone(self._seen)

    def _save_head(self) -> None:
        save_head(self._seen)

    def _find_suspects(self) -> None:
        self._suspects = composing.suspicions(self._seen.labels, self._seen.rows)

    def _rank_depth(self) -> None:
        view = self._seen
        found = self._order(view.learner, view.rows, view.encoder, view.mark, settings.QUEUE_DEPTH)
        self._deep = (view.mark, found)

    def _push_depth(self) -> None:
        """Push what was ranked in depth, unless a turn has pushed a newer order meanwhile."""
        if self._deep is not None and self._deep[0] == self._mark:
            pushing.queue(self._deep[1])
        self._deep = None

    def _advise(self) -> None:
        advising.push(self._seen.learner, self._seen.rows, self._seen.labels)

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
            self._took_in_at = time.monotonic()
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

    def _near_the_news(self, before: world.Labels | None, now: world.Labels) -> Ints | None:
        """In a large pool the rows to look at for a few new labels, scored anew; None = look at all of it."""
        assert self._learner is not None and self._rows is not None
        learner, full = self._learner, self._learner.last_pass
        if full is None or before is None or len(self._rows) < LARGE_POOL or learner.needs_whole_pool:
            return None
        fresh = np.setxor1d(before.ids, now.ids)
        if len(fresh) > MOST_NEWS:
            return None
        newest = now.ids[np.isin(now.ids, fresh)][-NEWS_WITH_NEIGHBOURS:]
        near = shortlist.near(learner.space.flat, learner.space.rows(newest))
        rows = np.union1d(shortlist.worth(full, ~self._rows.is_audit), near)
        return rows if learner.rescore(rows) else None

    def _order(
        self,
        learner: Learner,
        rows: pool.Rows,
        encoder: Encoder,
        mark: world.Mark,
        depth: int,
        among: Ints | None = None,
    ) -> ordering.Order:
        return ordering.order(
            learner,
            rows,
            encoder,
            generation=mark.newest_annotation,
            depth=depth,
            suspects=self._suspects,
            seed=self.seed,
            among=among,
            audit_share=self.audit_share,
        )

    def _note(self, mark: world.Mark) -> None:
        assert self._encoder is not None and self.last is not None
        LearnerHead.objects.filter(encoder=self._encoder).update(
            labels_used=self.last.labels,
            last_annotation_id=mark.newest_annotation,
            seconds=self.last.seconds,
            updated_at=timezone.now(),
        )
