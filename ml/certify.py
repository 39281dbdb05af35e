"""From audit labels to a certificate: the threshold above which a promise of precision is certified.

Everything that shapes the tests is fixed before an audit label is looked at: the grids (from the pool), the gate, the
groups. So the chance that anything in the certificate is wrong is at most delta, whichever of the certified choices is
then taken, for each group by itself; a group of which nothing is certified is escalated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import learn_then_test as ltt
from ml.answers import Answers
from ml.certificate import OTHERS, OVERALL, Certificate, Group, Promise, State, Tested
from ml.grid import TAKEN, thresholds
from ml.metrics import wilson
from ml.score import Scoring

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Costs:
    """Minutes of people: of an escalation, and of a misroute by (true service, service it went to), else `misroute`."""

    escalation: float = 1.0
    misroute: float = 10.0
    matrix: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def of(self, truth: str, service: str) -> float:
        """Minutes that routing a ticket of `truth` to `service` costs; 0 when that is right."""
        return 0.0 if truth == service else self.matrix.get((truth, service), self.misroute)


@dataclass(frozen=True)
class _Cell:
    """What is tested by itself: all services, or a group of them, or the others.

    Of the audit tickets: `ranked` score or -inf (n,), `service` answered (n,), `is_right` (n,), `inside`: answered with
    one of these services (n,). `grid`: the thresholds to try; `held`: how many of them, from the first on, hold.
    """

    name: str
    services: tuple[str, ...]
    wanted: float
    level: float
    ranked: Floats
    service: NDArray[np.str_]
    is_right: Bools
    inside: Bools
    grid: list[float]
    held: int = 0

    def routed(self, step: int | None) -> Bools:
        """Audit tickets (n,) routed by a threshold of the grid; none without one."""
        if step is None or not self.grid:
            return np.zeros(len(self.inside), np.bool_)
        return np.asarray(self.inside & (self.ranked >= self.grid[step]), np.bool_)

    def tested(self) -> _Cell:
        """With `held` counted."""
        routed = [self.routed(step) for step in range(len(self.grid))]
        errors = [int((one & ~self.is_right).sum()) for one in routed]
        accepted = [int(one.sum()) for one in routed]
        return replace(self, held=ltt.passed(errors, accepted, self.wanted, self.level))

    def minutes(self, routed: Bools, truth: NDArray[Any], costs: Costs) -> float:
        """People's minutes for its audit tickets: misroutes, and those not routed."""
        wrong = np.flatnonzero(routed & ~self.is_right)
        lost = sum(costs.of(str(truth[at]), str(self.service[at])) for at in wrong)
        return lost + costs.escalation * float((self.inside & ~routed).sum())

    def best(self, truth: NDArray[Any], costs: Costs | None) -> int | None:
        """The cheapest of the thresholds that hold, else the one that routes most; None when none does."""

        def price(step: int) -> float:
            routed = self.routed(step)
            return -float(routed.sum()) if costs is None else self.minutes(routed, truth, costs)

        return min(range(self.held), key=price) if self.held else None

    def shown(self, step: int | None) -> Tested:
        """As the certificate tells it, at the step taken (None: none holds)."""
        mine = self.routed(step or 0)
        errors, accepted = int((mine & ~self.is_right).sum()), int(mine.sum())
        more: int | None = 0
        if step is None:
            needed = ltt.more_accepted(errors, accepted, self.wanted, self.level)
            # audit tickets come as they come: only a share of them is accepted
            share = max(accepted, 1) / max(len(mine), 1)
            more = None if needed is None or not self.grid else int(np.ceil(needed / share))
        own = step if self.name != OVERALL else None
        return Tested(
            name=self.name,
            services=self.services,
            wanted=self.wanted,
            level=self.level,
            accepted=accepted,
            errors=errors,
            certified=None if step is None else self.wanted,
            more_labels=more,
            threshold=None if own is None else self.grid[own],
            choices=() if own is None else tuple(self.grid[: self.held]),
        )


def certify(
    audit: Answers,
    truth: Sequence[str | None],
    pool: Answers,
    promise: Promise,
    *,
    known: Sequence[str] | None = None,
    use: int | None = None,
    window: tuple[str, str] | None = None,
    costs: Costs | None = None,
) -> Certificate:
    """Certify the answers of a model by the `truth` (n,) of uniformly drawn audit tickets; None: no service's.

    `pool`: the same model's answers to other tickets of the same kind, unlabelled; they fix the thresholds tested
    (`ml.grid`). `known`: the services that exist here (default: the model's labels);
    answers of others are escalated, truths of others are errors where routed. `use`: None for labels never asked
    before, else the how manyth certificate asks them. Among what is certified of each group (or of all) the cheapest is
    taken, by `costs` in minutes, else what routes most. ValueError: lengths that differ, or pool and audit answered
    with other labels.
    """
    if len(audit) != len(truth):
        raise ValueError(f"{len(audit)} answers but {len(truth)} truths")
    if audit.labels != pool.labels:
        raise ValueError("audit and pool were answered by models with other labels")
    services = frozenset(audit.labels if known is None else known)
    names = np.asarray(["" if one is None else str(one) for one in truth], dtype=object)
    right = np.asarray(audit.service == names, np.bool_) & np.isin(audit.service, sorted(services))
    level = ltt.spent(promise.delta, use)
    how = promise.scoring(pool.has_ranks or audit.has_ranks)
    base = Certificate(
        state="no_audit_labels",
        threshold=None,
        gate=promise.gate,
        precision=promise.precision,
        level=level,
        labels=audit.labels,
        known=tuple(sorted(services)),
        audit_labels=len(audit),
        fresh=use is None,
        use=use,
        window=window,
        unheard=tuple(sorted((services & set(audit.labels)) - set(names.tolist()))),
        unusable=int((~np.isfinite(audit.confidence)).sum()),
        outlier_weight=how.weight,
        surest=how.surest,
    )
    cells = _cells(base, audit, right, pool, promise)
    if (stop := _no_test(audit, cells, services)) is not None:
        more = ltt.more_accepted(0, 0, promise.precision, level) if len(audit) == 0 else None
        untested = Tested(OVERALL, base.known, promise.precision, level, 0, 0, None, more)
        return replace(base, state=stop, tests=(untested,))
    cells = [cell.tested() for cell in cells]
    if not any(cell.held for cell in cells):
        tests = _told(base, [(cell, None) for cell in cells])
        hopeless = tests[0].more_labels is None
        return replace(base, state="too_many_errors" if hopeless else "too_few_labels", tests=tests)
    return _taken(base, names, cells, costs)


def _no_test(audit: Answers, cells: list[_Cell], services: frozenset[str]) -> State | None:
    if len(services & set(audit.labels)) < 2:
        return "one_service"
    if len(audit) == 0:
        return "no_audit_labels"
    if not np.isfinite(audit.confidence).any():
        return "unusable_probabilities"
    return None if any(cell.grid for cell in cells) else "nothing_routable"


def _cells(base: Certificate, audit: Answers, right: Bools, pool: Answers, promise: Promise) -> list[_Cell]:
    """All services as one; or every group and the others, each at an equal part of the level (Bonferroni): they then
    hold all at once, and with them what is promised overall, since no part is promised less.
    """
    routable = tuple(service for service in base.known if service in base.labels)
    parts = [(OVERALL, routable, promise.precision)]
    if promise.groups:
        grouped = {service for group in promise.groups for service in group.services}
        others = tuple(service for service in routable if service not in grouped)
        parts = [(group.name, group.services, promise.of(group)) for group in promise.groups]
        parts += [(OTHERS, others, promise.precision)] if others else []
    level, known = base.level / len(parts), frozenset(base.known)
    pooled, ranked = (some.ranked(known, promise.gate, base.scoring) for some in (pool, audit))
    # Without the limit: how often the model is wrong is guessed from all that its probabilities say.
    guesses = [pool.scores(Scoring(taken * base.outlier_weight)) for taken in TAKEN]
    found = []
    for name, services, wanted in parts:
        mine = np.where(np.isin(pool.service, services), pooled, -np.inf)
        grid = thresholds(mine, guesses, len(audit), wanted, level)
        inside = np.asarray(np.isin(audit.service, services), np.bool_)
        found.append(_Cell(name, services, wanted, level, ranked, audit.service, right, inside, grid))
    return found


def _taken(base: Certificate, truth: NDArray[Any], cells: list[_Cell], costs: Costs | None) -> Certificate:
    """With the best of what holds, cell by cell; where nothing does, its services are escalated."""
    taken = [(cell, cell.best(truth, costs)) for cell in cells]
    routed = [cell.routed(step) for cell, step in taken]
    mine = np.logical_or.reduce(routed)
    in_scope = np.isin(truth.astype(str), sorted(set(base.known)))
    found = int((mine & cells[0].is_right).sum())
    cover, recall = wilson(int(mine.sum()), len(mine)), wilson(found, int(in_scope.sum()))
    minutes = [cell.minutes(one, truth, costs) for cell, one in zip(cells, routed, strict=True) if costs]
    return replace(
        base,
        state="certified",
        threshold=min(cell.grid[step] for cell, step in taken if step is not None),
        tests=_told(base, taken),
        escalated=tuple(one for cell, step in taken if step is None for one in cell.services),
        coverage=float(mine.mean()),
        coverage_interval=(cover[0], cover[1]) if cover else None,
        recall=found / int(in_scope.sum()) if in_scope.any() else None,
        recall_interval=(recall[0], recall[1]) if recall else None,
        minutes=sum(minutes) / len(mine) if costs else None,
        choices=tuple(cells[0].grid[: cells[0].held]) if cells[0].name == OVERALL else (),
    )


def _told(base: Certificate, taken: list[tuple[_Cell, int | None]]) -> tuple[Tested, ...]:
    """Every test, that of all services first; with groups, that is what follows from theirs."""
    parts = tuple(cell.shown(step) for cell, step in taken)
    if parts[0].name == OVERALL:
        return parts
    held = [part for part in parts if part.certified is not None]
    more = [part.more_labels for part in parts if part.more_labels]
    overall = Tested(
        name=OVERALL,
        services=tuple(service for part in held or parts for service in part.services),
        wanted=base.precision,
        level=base.level,
        accepted=sum(part.accepted for part in held or parts),
        errors=sum(part.errors for part in held or parts),
        certified=base.precision if held else None,
        more_labels=0 if held else min(more, default=None),
    )
    return (overall, *parts)


def groups_by_size(answered: Answers, most: int = 5) -> tuple[Group, ...]:
    """At most `most` groups of services of about equal numbers of answers, the frequent ones together, the rare ones
    together. From unlabelled tickets, so that the groups do not depend on audit labels.
    """
    services, counts = np.unique(answered.service, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    share = np.cumsum(counts[order]) - counts[order] / 2.0
    place = np.minimum((share / max(int(counts.sum()), 1) * most).astype(int), most - 1)
    return tuple(
        Group(f"group {number + 1}", tuple(sorted(str(services[at]) for at in order[place == one])))
        for number, one in enumerate(np.unique(place))
    )
