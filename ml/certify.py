"""From audit labels to a certificate: the threshold above which a promise of precision is certified.

Everything that shapes the tests is fixed before an audit label is looked at: the grid (from the pool), the gate, the
groups, and which groups may be left out. So the chance that anything in the certificate is wrong is at most delta,
whichever of the certified choices is then taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import learn_then_test as ltt
from ml.answers import Answers
from ml.certificate import OVERALL, Certificate, Group, Promise, State, Tested
from ml.grid import TAKEN, thresholds
from ml.metrics import wilson

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
class _Audit:
    """The audit tickets: score or -inf (n,), service (n,), right (n,), and the thresholds to try."""

    ranked: Floats
    service: NDArray[np.str_]
    is_right: Bools
    grid: list[float]

    def counts(self, among: Bools) -> tuple[list[int], list[int]]:
        """(errors, accepted) at each threshold of the grid, of the tickets `among` (n,)."""
        accepted = [among & (self.ranked >= threshold) for threshold in self.grid]
        return [int((one & ~self.is_right).sum()) for one in accepted], [int(one.sum()) for one in accepted]


@dataclass(frozen=True)
class _Choice:
    """Groups left out, and how many thresholds of the grid hold for all others and overall."""

    left_out: tuple[Group, ...]
    held: int
    level: float


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
    before, else the how manyth certificate asks them. Among what is certified the cheapest is taken, by `costs` in
    minutes, else what routes most. ValueError: lengths that differ, or pool and audit answered with other labels.
    """
    if len(audit) != len(truth):
        raise ValueError(f"{len(audit)} answers but {len(truth)} truths")
    if audit.labels != pool.labels:
        raise ValueError("audit and pool were answered by models with other labels")
    services = frozenset(audit.labels if known is None else known)
    names = np.asarray(["" if one is None else str(one) for one in truth], dtype=object)
    right = np.asarray(audit.service == names, np.bool_) & np.isin(audit.service, sorted(services))
    level = ltt.spent(promise.delta, use)
    # Without a rank for any ticket, of the pool or the audit, the model cannot tell: its confidence is all there is.
    weight = promise.outlier_weight if pool.has_ranks or audit.has_ranks else 0.0
    pooled, chances = pool.ranked(services, promise.gate, weight), pool.scores(TAKEN * weight)
    tried = thresholds(pooled, chances, len(audit), promise.precision, _overall_level(promise, level, 0))
    held = _Audit(audit.ranked(services, promise.gate, weight), audit.service, right, tried)
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
        outlier_weight=weight,
    )
    if (stop := _no_test(audit, held, services)) is not None:
        return replace(base, state=stop, tests=_untested(promise, base, level))
    choices = _choices(held, promise, level)
    if not choices:
        return _refused(base, held, promise, level)
    return _taken(base, audit, names, held, promise, choices, costs)


def _no_test(audit: Answers, held: _Audit, services: frozenset[str]) -> State | None:
    if len(services & set(audit.labels)) < 2:
        return "one_service"
    if len(audit) == 0:
        return "no_audit_labels"
    if not np.isfinite(audit.confidence).any():
        return "unusable_probabilities"
    return None if held.grid else "nothing_routable"


def _untested(promise: Promise, base: Certificate, level: float) -> tuple[Tested, ...]:
    more = ltt.more_accepted(0, 0, promise.precision, level) if base.audit_labels == 0 else None
    return (Tested(OVERALL, base.known, promise.precision, level, 0, 0, None, more),)


def _share(promise: Promise, level: float) -> float:
    """The level of each of: overall, and every group."""
    return level / (len(promise.groups) + 1)


def _overall_level(promise: Promise, level: float, left_out: int) -> float:
    """Half of the share for leaving no group out, the rest spread over the other ways: they hold all at once, so that
    which groups are left out may be chosen by looking."""
    share, ways = _share(promise, level), 2 ** len(promise.groups) - 1
    if not ways:
        return share
    return share / 2 if left_out == 0 else share / 2 / ways


def _choices(held: _Audit, promise: Promise, level: float) -> list[_Choice]:
    """Every way of leaving groups out that certifies a threshold, the fewest left out first."""
    inside = [np.isin(held.service, group.services) for group in promise.groups]
    passes = [ltt.passed(*held.counts(mine), promise.of_a_group, _share(promise, level)) for mine in inside]
    found = []
    for size in range(len(promise.groups) + 1):
        at = _overall_level(promise, level, size)
        for out in combinations(range(len(promise.groups)), size):
            among = np.ones(len(held.service), np.bool_)
            for one in out:
                among &= ~inside[one]
            overall = ltt.passed(*held.counts(among), promise.precision, at)
            steps = min([overall, *(passes[one] for one in range(len(inside)) if one not in out)])
            if steps:
                found.append(_Choice(tuple(promise.groups[one] for one in out), steps, at))
    return found


def _taken(
    base: Certificate,
    audit: Answers,
    names: NDArray[Any],
    held: _Audit,
    promise: Promise,
    choices: list[_Choice],
    costs: Costs | None,
) -> Certificate:
    """The cheapest of the certified choices, else the one that routes most audit tickets."""

    def routed(choice: _Choice, step: int) -> Bools:
        barred = [service for group in choice.left_out for service in group.services]
        return np.asarray((held.ranked >= held.grid[step]) & ~np.isin(held.service, barred), np.bool_)

    def price(choice: _Choice, step: int) -> float:
        mine = routed(choice, step)
        if costs is None:
            return -float(mine.sum())
        wrong = sum(
            costs.of(str(names[at]), str(held.service[at])) for at in np.flatnonzero(mine & ~held.is_right)
        )
        return (wrong + costs.escalation * float((~mine).sum())) / len(mine)

    every = [(choice, step) for choice in choices for step in range(choice.held)]
    choice, step = min(every, key=lambda one: price(*one))
    mine = routed(choice, step)
    in_scope = np.isin(names.astype(str), sorted(set(base.known)))
    found = int((mine & held.is_right).sum())
    cover, recall = wilson(int(mine.sum()), len(mine)), wilson(found, int(in_scope.sum()))
    barred = tuple(service for group in choice.left_out for service in group.services)
    tests = [_tested(held, OVERALL, _routable(base, barred), promise.precision, choice.level, step, True)]
    for group in promise.groups:
        share, is_kept = _share(promise, base.level), group not in choice.left_out
        place = step if is_kept else 0
        tests.append(_tested(held, group.name, group.services, promise.of_a_group, share, place, is_kept))
    return replace(
        base,
        state="certified",
        threshold=held.grid[step],
        tests=tuple(tests),
        escalated=barred,
        coverage=float(mine.mean()),
        coverage_interval=(cover[0], cover[1]) if cover else None,
        recall=found / int(in_scope.sum()) if in_scope.any() else None,
        recall_interval=(recall[0], recall[1]) if recall else None,
        minutes=price(choice, step) if costs is not None else None,
        choices=tuple(held.grid[at] for at in range(choice.held)),
    )


def _routable(base: Certificate, barred: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(service for service in base.known if service in base.labels and service not in barred)


def _refused(base: Certificate, held: _Audit, promise: Promise, level: float) -> Certificate:
    overall = _overall_level(promise, level, 0)
    tests = [_tested(held, OVERALL, _routable(base, ()), promise.precision, overall, 0, False)]
    for group in promise.groups:
        share = _share(promise, level)
        tests.append(_tested(held, group.name, group.services, promise.of_a_group, share, 0, False))
    hopeless = tests[0].more_labels is None
    return replace(base, state="too_many_errors" if hopeless else "too_few_labels", tests=tuple(tests))


def _tested(
    held: _Audit,
    name: str,
    services: tuple[str, ...],
    wanted: float,
    level: float,
    step: int,
    is_certified: bool,
) -> Tested:
    among = np.isin(held.service, services)
    errors, accepted = (counts[step] for counts in held.counts(among))
    more: int | None = 0
    if not is_certified:
        needed = ltt.more_accepted(errors, accepted, wanted, level)
        # audit tickets come as they come: only a share of them is accepted
        share = max(accepted, 1) / len(held.service)
        more = None if needed is None else int(np.ceil(needed / share))
    return Tested(name, services, wanted, level, accepted, errors, wanted if is_certified else None, more)


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
