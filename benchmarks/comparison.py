"""Does looking after every judgement lie? The comparison of two models, simulated where the truth is known.

    python -m benchmarks.comparison --runs 1000 --json OUT

Each run draws mirrored tickets one by one from a scenario: what the candidate and the baseline answer and who is right.
After every judgement the confidence sequences of `ml.betting` are looked at, as the product does after every
judgement. *better*: ever declared cheaper than the baseline. *ended*: the cost was decided, either way.
*missed*: the interval did not hold the true difference at one look or more; the share covered is what is left.

Costs are the product's defaults: an escalation 1 minute, a misroute 10. `--margin`: minutes per ticket by which the
candidate may cost more. The precision of the candidate is estimated beside it, from all disagreements and a slice of
the agreements drawn with a probability of `--slice`; its interval is held against the truth in the same way.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from ml.betting import against_at_least, against_at_most, log_wealths
from ml.certify import Costs
from ml.paired import Judged, Pair, bound

Floats = NDArray[np.float64]
COSTS = Costs()
FOUND = 0.80
COVERED = 0.95
FALSE = 0.05


@dataclass(frozen=True)
class Case:
    """A kind of ticket: how likely, what the two do, a service or a person (None); a is right, or none if `wrong`."""

    share: float
    candidate: str | None
    baseline: str | None
    wrong: bool = False

    @property
    def pair(self) -> Pair:
        truth = "d" if self.wrong else "a"
        said = Judged(self.candidate == truth, self.baseline == truth, truth)
        return Pair(self.candidate, self.baseline, 1.0, said)


@dataclass(frozen=True)
class Scenario:
    """`differs`: -1 the candidate is cheaper, 0 as good, 1 dearer by twice the margin. The rest agrees, rightly."""

    name: str
    differs: int
    cases: tuple[Case, ...]


SCENARIOS = (
    Scenario("as good, each right in half of the disagreements", 0, (
        Case(0.06, "a", "b"), Case(0.06, "b", "a"), Case(0.03, "b", "c"), Case(0.03, "b", "b", True))),
    Scenario("as good, seldom different", 0, (Case(0.01, "a", "b"), Case(0.01, "b", "a"))),
    Scenario("as good, routes more at the price of rare misroutes", 0, (
        Case(0.09, "a", None), Case(0.01, "b", None))),
    Scenario("as good, routes less and misroutes less", 0, (
        Case(0.09, None, "a"), Case(0.01, None, "b"))),
    Scenario("right in twice as many disagreements", -1, (
        Case(0.10, "a", "b"), Case(0.05, "b", "a"), Case(0.03, "b", "c", True))),
    Scenario("routes 12 in 100 tickets more, 2.5 % of them wrong", -1, (
        Case(0.117, "a", None), Case(0.003, "b", None))),
    Scenario("right in half as many disagreements", 1, (
        Case(0.05, "a", "b"), Case(0.10, "b", "a"), Case(0.03, "b", "c", True))),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """A scenario in numbers, a row a case, the first one agreement: shares, minutes, whether they agree."""

    shares: Floats
    minutes: Floats
    agrees: NDArray[np.bool_]
    routed: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def truth(self) -> float:
        """Minutes per ticket."""
        return float(self.shares @ self.minutes)

    @property
    def precision(self) -> float:
        """The candidate's, among what it routes."""
        return float(self.shares[self.right].sum() / self.shares[self.routed].sum())


def world(scenario: Scenario) -> World:
    """The scenario's cases, and agreement on the right service for all other tickets."""
    cases = (Case(1.0 - sum(one.share for one in scenario.cases), "a", "a"), *scenario.cases)
    pairs = [one.pair for one in cases]
    return World(
        np.asarray([one.share for one in cases]),
        np.asarray([one.difference(COSTS) for one in pairs]),
        np.asarray([one.agrees for one in pairs]),
        np.asarray([one.candidate is not None for one in pairs]),
        np.asarray([one.judged is not None and one.judged.candidate_is_right for one in pairs]),
    )


@dataclass(frozen=True)
class Run:
    """How many judgements it took to declare each; None: never. Whether the intervals held the truth throughout."""

    better: int | None
    not_worse: int | None
    worse: int | None
    covered: bool
    precision_covered: bool


def one_run(at: World, judgements: int, slice_: float, margin: float, rng: np.random.Generator) -> Run:
    """Draw tickets until enough disagreements were judged, and look after each of them."""
    tickets = math.ceil(judgements / float(at.shares[~at.agrees].sum()))
    drawn = rng.choice(len(at.shares), tickets, p=at.shares)
    looks = np.flatnonzero(~at.agrees[drawn])
    # before each look the agreements since the one before it, all of the same 0 minutes
    minutes = np.stack([np.zeros(len(looks)), at.minutes[drawn[looks]]], axis=1).ravel()
    counts = np.stack([np.diff(looks, prepend=-1) - 1, np.ones(len(looks))], axis=1).ravel()
    limit, enough = bound(COSTS), math.log(2.0 / FALSE)

    def first(payoffs: Floats) -> int | None:
        won = np.flatnonzero(log_wealths(payoffs, counts)[1::2] >= enough)
        return int(won[0]) + 1 if len(won) else None

    missed = (
        first(against_at_most(minutes, at.truth, -limit)),
        first(against_at_least(minutes, at.truth, limit)),
    )
    return Run(
        better=first(against_at_least(minutes, 0.0, limit)),
        not_worse=first(against_at_least(minutes, margin, limit)),
        worse=first(against_at_most(minutes, margin, -limit)),
        covered=missed == (None, None),
        precision_covered=_precision_covered(at, drawn, slice_, rng),
    )


def _precision_covered(at: World, drawn: NDArray[np.int64], slice_: float, rng: np.random.Generator) -> bool:
    """Whether the weighted estimate's interval held the candidate's precision after every judgement."""
    looked = drawn[(~at.agrees[drawn] | (rng.random(len(drawn)) < slice_)) & at.routed[drawn]]
    weight = np.where(at.agrees[looked], 1.0, slice_)
    hit, share = at.right[looked].astype(np.float64), at.precision
    wealths = [log_wealths(weight * (hit / share - 1.0))]
    if share < 1.0:
        wealths.append(log_wealths(weight * (share - hit) / (1.0 - share)))
    return all(bool((one < math.log(2.0 / FALSE)).all()) for one in wealths)


def summary(scenario: Scenario, runs: list[Run], judgements: int) -> dict[str, Any]:
    """One row. The quantiles are of the judgements until the cost was decided; runs that never ended count as more."""
    ends = [min(one.not_worse or math.inf, one.worse or math.inf) for one in runs]
    middle, most = report.quantile(ends, 0.5), report.quantile(ends, 0.8)
    return {
        "scenario": scenario.name,
        "minutes": round(world(scenario).truth, 4) + 0.0,
        "judgements": judgements,
        "runs": len(runs),
        "better": _share([one.better is not None for one in runs]),
        "worse": _share([one.worse is not None for one in runs]),
        "ended": _share([one < math.inf for one in ends]),
        "ended, median": middle if middle < math.inf else None,
        "ended, p80": most if most < math.inf else None,
        "covered": _share([one.covered for one in runs]),
        "precision covered": _share([one.precision_covered for one in runs]),
    }


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def targets_of(scenario: Scenario, row: dict[str, Any]) -> list[dict[str, Any]]:
    """What the scenario's row has to keep."""
    where = f"({scenario.name})"
    found = [
        report.at_least(f"interval covers the truth at every look {where}", row["covered"], COVERED),
        report.at_least(f"precision's interval covers {where}", row["precision covered"], COVERED),
    ]
    if scenario.differs == 0:
        found.append(report.at_most(f"'better' without a difference {where}", row["better"], FALSE))
        found.append(report.at_least(f"comes to an end {where}", row["ended"], FOUND))
    else:
        name = "better" if scenario.differs < 0 else "worse"
        found.append(report.at_least(f"'{name}' found {where}", row[name], FOUND))
    return found


def measure(
    runs: int, found_within: int, decided_within: int, slice_: float, margin: float
) -> tuple[list[Any], list[Any]]:
    """Rows and targets."""
    rows: list[dict[str, Any]] = []
    targets: list[dict[str, Any]] = []
    for number, scenario in enumerate(SCENARIOS):
        judgements = found_within if scenario.differs < 0 else decided_within
        at, rng = world(scenario), np.random.default_rng([7, number])
        played = [one_run(at, judgements, slice_, margin, rng) for _ in range(runs)]
        rows.append(summary(scenario, played, judgements))
        targets += targets_of(scenario, rows[-1])
        print(f"{scenario.name}: done", file=sys.stderr, flush=True)
    return rows, targets


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--found-within", type=int, default=200, help="judgements to find a better one in")
    parser.add_argument("--decided-within", type=int, default=800, help="for models as good, or worse")
    parser.add_argument("--slice", type=float, default=0.1, dest="slice_", help="of agreements, judged")
    parser.add_argument("--margin", type=float, default=0.25, help="minutes per ticket")
    asked = parser.parse_args()
    rows, targets = measure(asked.runs, asked.found_within, asked.decided_within, asked.slice_, asked.margin)
    title = f"Two models compared {asked.runs:,} times, looked at after every judgement"
    return report.publish(asked, title, rows, targets)


if __name__ == "__main__":
    sys.exit(main())
