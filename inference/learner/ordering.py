"""The order of one push: what Teach and Check serve next, by the lanes' shares, from one ranking."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from inference.learner import composing, lanes, pool, world
from inference.models import Encoder
from ml.learner import Learner, Pick

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FAILURE_SHARE = 0.5
"""Of what Teach asks beside controls, while there are tickets like those a candidate got wrong."""


@dataclass(frozen=True)
class Order:
    """What to push, in the order of serving, and the newest answer it knows of."""

    teach: list[composing.Item]
    check: list[composing.Item]
    generation: int


def order(
    learner: Learner,
    rows: pool.Rows,
    encoder: Encoder,
    *,
    generation: int,
    depth: int,
    suspects: list[composing.Suspicion],
    seed: int,
    among: Ints | None = None,
    audit_share: float | None = None,
) -> Order:
    """Rank the open tickets, or those of them whose row is ``among`` these, and compose the best ``depth``.

    ``audit_share``: of Teach, while control labels are wanted; the installation's, unless said.
    """
    rng = np.random.default_rng([seed, generation])
    is_open = ~np.isin(rows.ids, world.closed_tickets())
    eligible = is_open & ~rows.is_audit
    picks = learner.rank(eligible=eligible, n=depth, rng=rng, groups=rows.group, among=among)
    composer = composing.Composer(learner, rows, encoder)
    checks = composer.checks(picks, is_open, suspects, rng)
    taken = {item.ticket_id for item in checks}
    shares = {
        "novelty": min(settings.NOVELTY_LANE_SHARE, learner.novelty_share),
        "scarce": learner.scarce_share,
    }
    failures = [row for row in world.look_alikes(rows.ids) if eligible[row] and rows.ids[row] not in taken]
    taken |= {int(ticket) for ticket in rows.ids[failures]}
    left = [pick for pick in picks if pick.id not in taken]
    teach = composer.teach(_in_lanes(rows, left, failures, is_open, depth, shares, audit_share))
    return Order(teach, checks, generation)


def _in_lanes(
    rows: pool.Rows,
    picks: list[Pick],
    failures: list[int],
    is_open: Bools,
    depth: int,
    special: dict[str, float],
    audit_share: float | None,
) -> list[tuple[str, int, Pick | None]]:
    """(lane, row, pick) in the order of serving; audit tickets come in hash order until there are enough.

    ``special``: the shares of the learner's lanes but for the main one. ``failures``: rows like those a candidate got
    wrong; while there are some they have half of what is not audit.
    """
    audit = np.flatnonzero(is_open & rows.is_audit)
    audit = audit[np.argsort(rows.audit_rank[audit], kind="stable")]
    usual_share = settings.AUDIT_LANE_SHARE if audit_share is None else audit_share
    share = usual_share if world.audit_labels() < world.audit_target() else 0.0
    waiting: dict[str, list[tuple[int, Pick | None]]] = {"exploit": [], "audit": []} | {
        one: [] for one in special
    }
    waiting["failure"] = [(row, None) for row in failures]
    for pick in picks:
        waiting[pick.lane if pick.lane in special else "exploit"].append((pick.row, pick))
    waiting["audit"] = [(int(row), None) for row in audit[:depth]]
    usual = 1.0 - FAILURE_SHARE if failures else 1.0
    shares = {
        "audit": share,
        "failure": (1.0 - share) * (1.0 - usual),
        "exploit": (1.0 - share - sum(special.values())) * usual,
    } | {lane: own * usual for lane, own in special.items()}
    ordered = lanes.interleave(waiting, shares, world.served_lately(), depth)
    return [(pick.lane if pick else lane, row, pick) for lane, (row, pick) in ordered]
