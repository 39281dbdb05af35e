"""One replay from the files to the report."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation.models import Annotation, Lane
from compute import registry
from inference import selectors
from inference.learner.worker import Resident
from inference.replay import history, steps, unguided
from inference.replay.scratch import scratch
from inference.replay.show import Bars


@dataclass(frozen=True)
class Plan:
    """What to play. ``labels`` counts the oracle's answers, audit ones included."""

    train: Path
    test: Path
    labels: int
    batch: int = 25
    seed: int = 0
    finetune: bool = False
    finetune_seconds: int | None = None
    text_column: str = "text"
    label_column: str = "category"


Report = dict[str, Any]


def play(plan: Plan, bars: Bars) -> Report:
    """Play a plan in a world of its own; nothing of it stays. Raises ``Refused`` for files that cannot be used."""
    began = time.monotonic()
    for path in (plan.train, plan.test):
        history.check_file(path, plan.text_column, plan.label_column)
    history.check_rows(plan.train, plan.test, plan.text_column, plan.label_column, plan.labels)
    with scratch(seed=plan.seed):
        report = _play(plan, bars)
    return {**report, "seconds": round(time.monotonic() - began, 1)}


def _play(plan: Plan, bars: Bars) -> Report:
    backend = registry.backend()
    with bars.bar("import") as progress:
        played = history.ingest(
            plan.train, plan.text_column, plan.label_column, labels=plan.labels, progress=progress
        )
        test = history.read_test(plan.test, plan.text_column, plan.label_column)
    with bars.bar("embed the history") as progress:
        steps.embed_pool(backend, progress)
    encoder = selectors.current_encoder()
    assert encoder is not None
    with bars.bar("embed the test set") as progress:
        vectors, _ = steps.transform_texts(backend, encoder.model_version, test.texts, progress)
    resident = Resident(seed=plan.seed)
    with bars.bar("label") as progress:
        curve = _label(plan, resident, vectors, test, progress)
    with bars.bar("the same in random order") as progress:
        random = unguided.curve(
            resident,
            vectors,
            test,
            labels=curve[-1]["labels"],
            batch=plan.batch,
            accuracy=curve[-1]["accuracy"],
            seed=plan.seed,
            progress=progress,
        )
    head = {name: curve[-1][name] for name in ("accuracy", "macro_f1")}
    report: Report = {
        "labels": curve[-1]["labels"],
        **head,
        "curve": curve,
        "audit_labels": _audit_labels(),
        "head": head,
        "random": random,
        "random_needs": unguided.needed(random, head["accuracy"]),
        "finetuned": None,
        "history": played.answered,
        "refused": played.refused,
        "test": len(test.texts),
        "test_unknown": test.unknown,
        "batch": plan.batch,
        "seed": plan.seed,
        "encoder": encoder.model_version.manifest.get("base_model", ""),
    }
    if plan.finetune:
        with bars.bar("fine-tune") as progress:
            version = steps.finetune(backend, progress, seconds=plan.finetune_seconds)
        with bars.bar("test the trained model") as progress:
            _, chances = steps.transform_texts(backend, version, test.texts, progress)
        assert chances is not None
        judged = steps.judge_model(version, chances, test)
        report["finetuned"] = {name: judged[name] for name in ("accuracy", "macro_f1")}
        report["training"] = version.manifest.get("metrics", {})
        report |= report["finetuned"]
    return report


def _label(
    plan: Plan, resident: Resident, vectors: steps.Floats, test: history.TestSet, progress: steps.Progress
) -> list[dict[str, Any]]:
    """Batches of answers, a refit and a look at the test set after each."""
    oracle = steps.Oracle()
    given, curve = 0, []
    while True:
        resident.turn(depth=4 * plan.batch)
        judged = steps.judge_head(resident, vectors, test)
        curve.append(
            {"labels": given, "accuracy": judged["accuracy"] or 0.0, "macro_f1": judged["macro_f1"] or 0.0}
        )
        progress(given, plan.labels)
        answered = oracle.answer(min(plan.batch, plan.labels - given)) if given < plan.labels else 0
        if not answered:
            return curve
        given += answered


def _audit_labels() -> int:
    return Annotation.objects.filter(lane=Lane.AUDIT, source_annotation=None).count()
