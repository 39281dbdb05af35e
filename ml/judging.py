"""A model's answers to labelled tickets that never taught it, and the whole report on them.

The sheet of answers is kept with the report, so that every figure can be recounted, every cell of it opened, and any
two models compared on the tickets both answered. numpy only, so that the web may load it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml import metrics
from ml.answers import Answers
from ml.mcnemar import Paired, paired
from ml.metrics import Report, wilson

State = Literal["judged", "no_labels", "one_service", "unusable_probabilities"]
RESAMPLES = 200
SEED = 13
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sheet:
    """n answered tickets, each list (n,). `ticket`: ids. `truth`: the service people gave, None where it is no
    service's. `guess` and `confidence`: the likeliest service and its probability, both None where the model gave no
    usable probabilities. `outlier`: how strange, 0..1, None where not known. `language`: "" where not known.
    """

    ticket: list[int]
    truth: list[str | None]
    guess: list[str | None]
    confidence: list[float | None]
    outlier: list[float | None]
    language: list[str]

    def __post_init__(self) -> None:
        if len({len(column) for column in asdict(self).values()}) > 1:
            raise ValueError("the columns of a sheet have the same length")

    def __len__(self) -> int:
        return len(self.ticket)

    @property
    def is_usable(self) -> Bools:
        """Whether the model answered at all (n,)."""
        return np.asarray([guess is not None for guess in self.guess], np.bool_)

    @property
    def is_right(self) -> Bools:
        """Whether the guess is the service people gave (n,); never for a ticket that is no service's."""
        pairs = zip(self.truth, self.guess, strict=True)
        return np.asarray([truth is not None and truth == guess for truth, guess in pairs], np.bool_)

    @property
    def is_in_scope(self) -> Bools:
        """Whether the ticket belongs to a service (n,)."""
        return np.asarray([truth is not None for truth in self.truth], np.bool_)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `Sheet(**record)` reads it back."""
        return asdict(self)


def sheet(
    ticket: Sequence[int], truth: Sequence[str | None], said: Answers, language: Sequence[str]
) -> Sheet:
    """The sheet of a model's answers; ranks that are not finite count as not known."""
    usable = np.isfinite(said.confidence)
    strange = np.isfinite(said.outlier)
    return Sheet(
        ticket=list(ticket),
        truth=list(truth),
        guess=[str(one) if ok else None for one, ok in zip(said.service, usable, strict=True)],
        confidence=[
            round(float(one), 6) if ok else None for one, ok in zip(said.confidence, usable, strict=True)
        ],
        outlier=[round(float(one), 6) if ok else None for one, ok in zip(said.outlier, strange, strict=True)],
        language=list(language),
    )


def judge(given: Sheet, labels: Sequence[str], known: Sequence[str]) -> Report:
    """The whole report, plain JSON-ready values; figures that nothing supports are None.

    `labels`: all that the model can say. `known`: the services that exist here. The figures of `ml.metrics.evaluate`
    speak of tickets of a service with a usable answer; the risk-coverage curve of all with a usable answer, a ticket
    of no service being an error wherever it is accepted. `state`: what stops the report from meaning much, or
    "judged". `unheard`: services known here and to the model without a ticket among these; `unseen_labels`: services
    of tickets the model was never taught; `unknown_here`: labels of the model that are no service here.
    """
    usable, right, inside = given.is_usable, given.is_right, given.is_in_scope
    counted = np.flatnonzero(usable & inside)
    truth = [str(given.truth[at]) for at in counted]
    guess = [str(given.guess[at]) for at in counted]
    sure = np.asarray([given.confidence[at] for at in counted], np.float64)
    found = metrics.report(truth, guess, sure, labels)
    answered = np.flatnonzero(usable)
    confidence = np.asarray([given.confidence[at] for at in answered], np.float64)
    services = set(labels) & set(known)
    return found | {
        "state": _state(given, labels, truth),
        "tickets": len(given),
        "unusable": int((~usable).sum()),
        "risk_coverage": metrics.risk_coverage(confidence, right[answered]),
        "coverage_at_precision_95": metrics.coverage_at(confidence, right[answered], 0.95),
        "reliability": metrics.reliability(sure, right[counted]),
        "out_of_scope": _out_of_scope(given),
        "languages": _languages(given, counted, right),
        "unheard": sorted(services - {one for one in given.truth if one is not None}),
        "unknown_here": sorted(set(labels) - set(known)),
        **_macro_intervals(found["confusion"]["rows_true_columns_predicted"]),
    }


def _state(given: Sheet, labels: Sequence[str], truth: list[str]) -> State:
    if len(given) == 0:
        return "no_labels"
    if not given.is_usable.any():
        return "unusable_probabilities"
    return "one_service" if len(labels) < 2 or len(set(truth)) < 2 else "judged"


def _out_of_scope(given: Sheet) -> Report:
    """How well strange tickets are told from those of a service, by outlier rank and by lack of confidence."""
    inside = given.is_in_scope
    strange = np.asarray([np.nan if one is None else one for one in given.outlier], np.float64)
    doubt = np.asarray([np.nan if one is None else 1.0 - one for one in given.confidence], np.float64)
    return {
        "tickets": int((~inside).sum()),
        "auroc_outlier": auroc(strange, ~inside),
        "auroc_confidence": auroc(doubt, ~inside),
        "passed_at_95": passed_at(strange, ~inside, 0.95),
    }


def auroc(score: NDArray[np.float64], positive: Bools) -> float | None:
    """The chance that a positive has the higher score, ties counted half; NaN scores are left out; None without both.

    Source: Hanley and McNeil 1982 (Mann-Whitney form).
    """
    kept = np.isfinite(score)
    high, low = score[kept & positive], np.sort(score[kept & ~positive])
    if not len(high) or not len(low):
        return None
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / 2.0 / len(low))


def passed_at(score: NDArray[np.float64], positive: Bools, kept_inside: float) -> float | None:
    """Share of the positives that pass a gate that lets `kept_inside` of the others pass (scores at or below it)."""
    finite = np.isfinite(score)
    high, low = score[finite & positive], np.sort(score[finite & ~positive])
    if not len(high) or not len(low):
        return None
    gate = low[min(int(np.ceil(kept_inside * len(low))) - 1, len(low) - 1)]
    return float((high <= gate).mean())


def _languages(given: Sheet, counted: NDArray[np.intp], right: Bools) -> list[Report]:
    """Accuracy a language, the most frequent first."""
    places: dict[str, list[int]] = {}
    for at in counted:
        places.setdefault(given.language[at], []).append(int(at))
    found = []
    for language, mine in sorted(places.items(), key=lambda one: (-len(one[1]), one[0])):
        hits = int(right[mine].sum())
        found.append(
            {
                "language": language,
                "n": len(mine),
                "accuracy": hits / len(mine),
                "accuracy_interval": wilson(hits, len(mine)),
            }
        )
    return found


def _macro_intervals(confusion: list[list[int]]) -> Report:
    """95 % percentile bootstrap intervals of the macro averages, tickets drawn anew. Source: Efron 1979."""
    table = np.asarray(confusion, np.int64)
    n, names = int(table.sum()), ("macro_precision", "macro_recall", "macro_f1")
    if n == 0:
        return {f"{name}_interval": None for name in names}
    rng = np.random.default_rng(SEED)
    share = table.ravel() / n
    drawn = np.asarray([_macro(rng.multinomial(n, share).reshape(table.shape)) for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return {f"{name}_interval": [float(low[at]), float(high[at])] for at, name in enumerate(names)}


def _macro(table: NDArray[np.int64]) -> tuple[float, float, float]:
    hit, support, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    present = support > 0
    precision = hit[present] / np.maximum(predicted[present], 1)
    recall = hit[present] / support[present]
    f1 = 2.0 * hit[present] / (support + predicted)[present]
    return float(precision.mean()), float(recall.mean()), float(f1.mean())


@dataclass(frozen=True)
class Compared:
    """Two models on the tickets both answered: overall, and by the service the ticket belongs to. `only_first_knows`
    and `only_second_knows`: services one of them was never taught: what it says of those is wrong by birth.
    """

    overall: Paired
    services: Mapping[str, Paired]
    only_first_knows: tuple[str, ...]
    only_second_knows: tuple[str, ...]


def compare(
    first: Sheet, second: Sheet, first_labels: Sequence[str], second_labels: Sequence[str]
) -> Compared:
    """Pair the answers of two sheets by ticket, where both were usable, the ticket is of a service, and it had the
    same label when both were judged."""
    place = {ticket: at for at, ticket in enumerate(second.ticket)}
    mine, theirs = first.is_right, second.is_right
    usable, also = first.is_usable, second.is_usable
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for at, ticket in enumerate(first.ticket):
        other, truth = place.get(ticket), first.truth[at]
        if other is None or truth is None or truth != second.truth[other]:
            continue
        if usable[at] and also[other]:
            pairs.setdefault(truth, []).append((bool(mine[at]), bool(theirs[other])))
    every = [one for some in pairs.values() for one in some]
    return Compared(
        _paired(every),
        {service: _paired(some) for service, some in sorted(pairs.items())},
        tuple(sorted(set(first_labels) - set(second_labels))),
        tuple(sorted(set(second_labels) - set(first_labels))),
    )


def _paired(pairs: list[tuple[bool, bool]]) -> Paired:
    return paired([one for one, _ in pairs], [one for _, one in pairs])
