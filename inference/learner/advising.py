"""Keeps a mark of the head each round of labels, and turns the marks into advice for the retrain policy and the pages.

Everything is derived from rows: a mark that a killed worker did not write is written at the next turn, and advice
is made again. Marks are of the whole house, across embedding spaces: what a training gained is part of the curve.
"""

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from inference.learner import pool, world
from inference.models import Encoder, Panel, RoundMark
from ml import advisor, marks
from ml.learner import Learner
from training import actions as training
from training import selectors as training_selectors

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
SHOWN_POINTS = 24
AHEAD = 8
SEED = 5


def mark(learner: Learner, rows: pool.Rows, encoder: Encoder, *, labels: int, newest: int) -> bool:
    """Keep the head as it is now if a round of labels has passed since the last mark; whether it was kept."""
    last = (
        RoundMark.objects.filter(labels__lte=labels)
        .order_by("-labels")
        .values_list("labels", flat=True)
        .first()
    )
    if len(learner.classes) < 2 or (last is not None and labels < last + advisor.ROUND):
        return False
    unlabelled = _unlabelled(rows)
    with transaction.atomic():
        panel = _grown(rows, unlabelled)
        found = marks.mark(
            learner.scores(),
            labels,
            numbers=np.arange(len(learner.classes)),
            panel=panel,
            ids=rows.ids,
            unlabelled=unlabelled,
            audit=rows.is_audit,
        )
        RoundMark.objects.update_or_create(
            labels=labels,
            defaults={
                "encoder": encoder,
                "last_annotation_id": newest,
                "classes": learner.classes,
                "guesses": found.guesses.astype("<i2").tobytes(),
                "uncertain": found.uncertain,
                "uncertain_tickets": found.uncertain_tickets,
                "coverage": found.coverage,
            },
        )
    return True


def push(learner: Learner, rows: pool.Rows, labels: world.Labels) -> None:
    """Ask the advisor and hand its advice to training. Nothing before the first mark."""
    numbers: dict[str, int] = {}
    kept = _marks(len(labels), numbers)
    if not kept:
        return
    panel, unlabelled = _panel(), _unlabelled(rows)
    model, last = training_selectors.current_model(), training_selectors.last_advice()
    new = training_selectors.label_counts().since_last
    counts = dict.fromkeys(world.services(), 0) | Counter(labels.codes.tolist())
    advice = advisor.advise(
        kept,
        advisor.Situation(
            len(labels),
            advisor.scarce(learner.scores(), counts, unlabelled),
            max(1, len(labels) - new) if model else None,
        ),
        truths=_truths(panel, numbers),
        watched=np.isin(panel, rows.ids[unlabelled]),
        former=_former(last, model.number if model else None),
        seed=SEED,
    )
    training.advice_push(
        code=advice.code,
        params=figures(advice, model.number if model else None),
        vetoes_training=bool(advice.training and advice.training.vetoed),
    )


def figures(advice: advisor.Advice, version: int | None) -> dict[str, Any]:
    """The advice as the row keeps it (shape: ``training.api.advice``)."""
    found = asdict(advice)
    for name in ("code", "forecast", "training"):
        del found[name]
    found |= {
        "scarce": list(advice.scarce),
        "step": advisor.STEP,
        "training": None,
        "points": [],
        "forecast": [],
    }
    worth = advice.training
    if worth is not None and version is not None:
        found["training"] = {
            "version": version,
            "gain": worth.gain.value,
            "noise": worth.noise,
            "new": worth.new,
            "worth_from": worth.worth_from,
        }
    if advice.forecast is not None:
        found |= _curve(advice)
    return found


def _curve(advice: advisor.Advice) -> dict[str, list[dict[str, Any]]]:
    """The measured points and what is foreseen: to half as many labels again, a hundred at least."""
    curve = advice.forecast
    assert curve is not None
    seen = np.unique(
        np.linspace(0, len(curve.labels) - 1, min(SHOWN_POINTS, len(curve.labels))).round().astype(int)
    )
    points = [
        {"labels": int(curve.labels[at]), "accuracy": round(float(curve.accuracy[at]), 5)} for at in seen
    ]
    ahead = []
    for at in np.linspace(advice.labels, advice.labels + max(advisor.STEP, advice.labels // 2), AHEAD):
        told = curve.at(float(at))
        ahead.append({"labels": int(at)} | {
            name: round(value, 5)
            for name, value in (("accuracy", told.value), ("low", told.low), ("high", told.high))
        })  # fmt: skip
    return {"points": points, "forecast": ahead}


def _former(last: Any, version: int | None) -> advisor.Former | None:
    """The verdict before; its veto counts only if it spoke of the version that is current now."""
    if last is None or last.code not in ("label_on", "ask_for_tickets", "stop"):
        return None
    of = (last.params.get("training") or {}).get("version")
    return advisor.Former(last.code, last.vetoes_training and of == version)


def _unlabelled(rows: pool.Rows) -> Bools:
    """Open tickets that are no audit ones."""
    return np.asarray(~rows.is_audit & ~np.isin(rows.ids, world.closed_tickets()), np.bool_)


def _panel() -> Ints:
    row = Panel.objects.filter(pk=1).first()
    return np.frombuffer(bytes(row.tickets) if row else b"", "<i8").astype(np.int64)


def _grown(rows: pool.Rows, unlabelled: Bools) -> Ints:
    """The panel with what it lacks, kept."""
    panel = _panel()
    found = marks.grown(
        panel,
        rows.ids,
        audit=rows.is_audit,
        audit_rank=rows.audit_rank,
        unlabelled=unlabelled,
        judged=world.audit_answers()[0],
        rng=np.random.default_rng([SEED, len(panel)]),
    )
    if len(found) > len(panel):
        Panel.objects.update_or_create(pk=1, defaults={"tickets": found.astype("<i8").tobytes()})
    return found


def _truths(panel: Ints, numbers: dict[str, int]) -> Ints:
    """What people said of the panel's audit tickets, NONE elsewhere."""
    tickets, codes = world.audit_answers()
    told = [_number(code, numbers) for code in codes.tolist()]
    return np.asarray([*told, marks.NONE], np.int64)[marks.rows_of(panel, tickets)]


def _marks(labels: int, numbers: dict[str, int]) -> list[marks.Mark]:
    """The marks up to a number of labels, in their order. ``numbers`` (service code -> number) takes in their codes."""
    found = []
    for row in RoundMark.objects.filter(labels__lte=labels):
        named = np.asarray([*(_number(code, numbers) for code in row.classes), marks.NONE], np.int64)
        guesses = named[np.frombuffer(bytes(row.guesses), "<i2")]
        found.append(marks.Mark(row.labels, guesses, row.uncertain, row.uncertain_tickets, row.coverage))
    return found


def _number(code: str, numbers: dict[str, int]) -> int:
    return numbers.setdefault(code, len(numbers))
