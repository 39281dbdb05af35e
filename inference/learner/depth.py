"""The steps of the depth: what is made of the whole pool behind the turns, each from a frozen view of the last turn."""

from dataclasses import dataclass

import numpy as np

from inference import actions, heads
from inference.learner import pool, pushing, world
from inference.models import Encoder, LearnerHead
from ml.learner import Learner

MOST_LONE = 200


@dataclass(frozen=True)
class Turn:
    """What one refit and ranking did; ``seconds`` from the mark to the queue being pushed."""

    generation: int
    labels: int
    queued: int
    fit_seconds: float
    seconds: float


@dataclass(frozen=True)
class View:
    """The last turn as it was when a step began. ``learner`` is a frozen copy, so later turns leave it alone."""

    learner: Learner
    rows: pool.Rows
    labels: world.Labels
    encoder: Encoder
    mark: world.Mark
    last: Turn


def write_scores(view: View) -> None:
    """Score the whole pool and swap the score table."""
    pushing.scores(
        view.learner.scores(),
        view.rows.ids,
        services=world.services(),
        labels_used=view.last.labels,
        newest_annotation=view.mark.newest_annotation,
        encoder=view.encoder.fingerprint,
        seconds=view.last.seconds,
    )


def save_head(view: View) -> None:
    """Keep the head for processes without modAL."""
    head = view.learner.linear_head()
    LearnerHead.objects.update_or_create(
        encoder=view.encoder,
        defaults={
            "classes": head.classes,
            "weights": heads.pack(head.coef, head.intercept, head.temperature, view.learner.outlier_model),
            "labels_used": view.last.labels,
            "last_annotation_id": view.last.generation,
            "seconds": view.last.seconds,
        },
    )


def write_lone(view: View) -> None:
    """Put the tickets no other is like into the triage inbox."""
    rows = view.rows
    is_open = ~np.isin(rows.ids, world.closed_tickets())
    picks = view.learner.lone_outliers(eligible=is_open & ~rows.is_audit, n=MOST_LONE, groups=rows.group)
    actions.lone_replace(found=[actions.Lone(pick.id, pick.outlier, pick.uncertainty) for pick in picks])
