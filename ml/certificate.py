"""A promise of precision, and the certificate that says from which confidence on it is kept. Plain values only.

Made by `ml.certify`, obeyed by `ml.policy.decide`. Light on purpose: whoever routes a ticket loads this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml.score import BY_CONFIDENCE, OUTLIER_WEIGHT, Scoring, surest_for

State = Literal[
    "certified",
    "no_audit_labels",
    "one_service",
    "unusable_probabilities",
    "nothing_routable",
    "too_few_labels",
    "too_many_errors",
]
MOST_GROUPS = 5
OVERALL = "overall"
OTHERS = "others"
"""The services of no group, where there are groups."""

WORDS: dict[State, str] = {
    "certified": "Certified.",
    "no_audit_labels": "No audit label yet: nothing can be promised.",
    "one_service": "The model knows one service only: there is nothing to choose between.",
    "unusable_probabilities": "The model gave no usable probability for any audit ticket: look at the model.",
    "nothing_routable": "Nothing can be routed: every ticket is out of scope, or of a service that is not known here.",
    "too_few_labels": "Too few audit labels to tell.",
    "too_many_errors": "The model is wrong too often for this promise: more audit labels will not change that.",
}


@dataclass(frozen=True)
class Group:
    """Services with a threshold and a promise of their own, together because each alone has too few tickets.

    At least `precision` of what is routed to them is right; None: as much as overall.
    """

    name: str
    services: tuple[str, ...]
    precision: float | None = None


@dataclass(frozen=True)
class Promise:
    """At least `precision` of the routed tickets are routed right, and of those routed to each group of services at
    least its own; the chance that any of that is wrong is at most `delta`.

    A strange ticket's confidence is lowered by `outlier_weight` (`ml.score`), unless the model says nothing of
    strangeness. One stranger than `gate` (outlier rank) is always escalated; None: no gate. At most MOST_GROUPS
    groups, with names of their own, none sharing a service, none promised less than all; services of no group are then
    held to `precision` among themselves. ValueError says what is wrong.
    """

    precision: float = 0.95
    delta: float = 0.05
    groups: tuple[Group, ...] = ()
    gate: float | None = None
    outlier_weight: float = OUTLIER_WEIGHT

    def __post_init__(self) -> None:
        wanted = {"precision": self.precision, "delta": self.delta}
        wanted |= {f"the precision of {group.name}": self.of(group) for group in self.groups}
        for name, value in wanted.items():
            if not 0.0 < value < 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, not at {value}")
        if self.gate is not None and not math.isfinite(self.gate):
            raise ValueError(f"gate must be a number or None, not {self.gate}")
        if not (math.isfinite(self.outlier_weight) and self.outlier_weight >= 0.0):
            raise ValueError(f"outlier_weight must be 0 or more, not {self.outlier_weight}")
        self._check_groups()

    def _check_groups(self) -> None:
        if len(self.groups) > MOST_GROUPS:
            raise ValueError(
                f"at most {MOST_GROUPS} groups, not {len(self.groups)}: each needs labels of its own"
            )
        members = [service for group in self.groups for service in group.services]
        if len(members) != len(set(members)) or any(not group.services for group in self.groups):
            raise ValueError("groups must share no service, and none may be empty")
        names = [group.name for group in self.groups]
        if len(names) != len(set(names)) or {OVERALL, OTHERS, ""} & set(names):
            raise ValueError(f"groups need names of their own, other than {OVERALL} and {OTHERS}")
        if any(self.of(group) < self.precision for group in self.groups):
            # What is promised overall follows from what is promised of each group, and of the others.
            raise ValueError("a group cannot be promised less than all services together")

    def of(self, group: Group) -> float:
        """What is promised of a group."""
        return self.precision if group.precision is None else group.precision

    @property
    def surest(self) -> float:
        """From which confidence on more of it counts for nothing (`ml.score`): by the highest of its promises."""
        return surest_for(max([self.precision, *map(self.of, self.groups)]))

    def scoring(self, has_ranks: bool) -> Scoring:
        """How scores are made under this promise; without a rank for any ticket the confidence is all there is."""
        return (
            Scoring(self.outlier_weight, self.surest) if has_ranks and self.outlier_weight else BY_CONFIDENCE
        )

    @property
    def risk(self) -> float:
        """The share of the routed tickets that may be wrong."""
        return 1.0 - self.precision


@dataclass(frozen=True)
class Tested:
    """One promise, overall or of a group, at the threshold that was taken (or the first one tried, if none held).

    `certified`: the precision that is certified, None if not. `more_labels`: about how many more audit labels it takes;
    0 when certified, None when no number would do. `level`: the chance of error it was tested at. `threshold` and
    `choices`: as the certificate's, of a group (or the others); None and empty where it has none of its own.
    """

    name: str
    services: tuple[str, ...]
    wanted: float
    level: float
    accepted: int
    errors: int
    certified: float | None
    more_labels: int | None
    threshold: float | None = None
    choices: tuple[float, ...] = ()

    @property
    def seen(self) -> float | None:
        """The precision among the accepted audit tickets."""
        return 1.0 - self.errors / self.accepted if self.accepted else None


@dataclass(frozen=True)
class Certificate:
    """What `certify` found; `threshold` is None unless `state` is "certified".

    `threshold` is a routing score (`ml.score`): the confidence, at most `surest`, lowered by `outlier_weight` for
    strange tickets. All of it speaks of tickets as they came in `window` (first and last day, ISO, None if unknown), of
    the model whose labels are `labels`, and of `known` services alone. With groups each has a threshold of its own
    (`threshold_for`); `threshold` is then the lowest, below which nothing is routed, and `choices` is empty.

    `fresh`: made with labels never asked before, at delta; else at the `use`-th asking of them, at less (`level`).
    `escalated`: services whose group could not be certified. `unheard`:
    services without an audit label: the promise overall covers them only among all others. `coverage` and `recall`
    (right and routed, of all in-scope tickets) are those of the audit tickets, with 95 % intervals.
    """

    state: State
    threshold: float | None
    gate: float | None
    precision: float
    level: float
    labels: tuple[str, ...]
    known: tuple[str, ...]
    audit_labels: int
    fresh: bool = True
    use: int | None = None
    window: tuple[str, str] | None = None
    tests: tuple[Tested, ...] = ()
    escalated: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    unusable: int = 0
    coverage: float | None = None
    coverage_interval: tuple[float, float] | None = None
    recall: float | None = None
    recall_interval: tuple[float, float] | None = None
    minutes: float | None = None
    choices: tuple[float, ...] = field(default=())
    outlier_weight: float = 0.0
    surest: float = 1.0

    @property
    def scoring(self) -> Scoring:
        """How a ticket's score is made of what the model says."""
        return Scoring(self.outlier_weight, self.surest)

    def threshold_for(self, service: str | None) -> float | None:
        """The threshold a ticket answered with this service is held against; None when nothing is certified."""
        for test in self.groups:
            if test.threshold is not None and service in test.services:
                return test.threshold
        return self.threshold

    @property
    def groups(self) -> tuple[Tested, ...]:
        """What was tested of each group, and of the others; empty without groups."""
        return tuple(test for test in self.tests if test.name != OVERALL)

    @property
    def lower_bound(self) -> float | None:
        """The certified lower bound of the precision of routed tickets: what was promised, or None.

        Not the better bound one could compute at the threshold taken: that was taken by looking, so it would not hold.
        """
        return self.precision if self.state == "certified" else None

    @property
    def more_labels(self) -> int | None:
        """About how many more audit labels the promise overall takes; None when no number would do."""
        return self.tests[0].more_labels if self.tests else None

    def words(self) -> str:
        """The state in a sentence, with what to do about it."""
        if self.state == "certified":
            assert self.threshold is not None
            share, limit = f"{self.precision:.0%}", f"{self.threshold:.3f}"
            if self.groups:
                return f"Certified: at least {share} of what is routed is right, each group by its own threshold."
            return f"Certified: at least {share} of the tickets routed at {limit} or more are right."
        wanting = [one for one in self.tests if one.certified is None]
        if self.state in ("too_few_labels", "no_audit_labels") and wanting and wanting[0].more_labels:
            first = wanting[0]
            whose = "of all services" if first.name == OVERALL else f"of {', '.join(first.services)}"
            return f"Not certifiable yet: about {first.more_labels:,} more audit labels {whose}."
        return WORDS[self.state]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return asdict(self)


def from_dict(record: Mapping[str, Any]) -> Certificate:
    """A certificate as `to_dict` or JSON gave it. ValueError for anything else."""
    try:
        fields = {name: _frozen(value) for name, value in record.items() if name != "tests"}
        tests = tuple(
            Tested(**{name: _frozen(value) for name, value in one.items()}) for one in record["tests"]
        )
        return Certificate(tests=tests, **fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a certificate: {error}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
