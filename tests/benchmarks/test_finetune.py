"""What the benchmark of trainings is measured by."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from annotation.demo.corpus import generate
from benchmarks import finetune

ASKED = {"seconds": 20.0, "seeds": 1, "epochs": 1, "threads": 1, "labels": [60]}


def test_labels_are_drawn_and_the_pool_holds_none_of_them() -> None:
    texts = [f"text {n}" for n in range(40)]
    labels = np.asarray([f"s{n % 2}" for n in range(40)])
    task = finetune.make_task((texts, labels), (["a"], labels[:1]), 10, 0, argparse.Namespace(**ASKED))
    assert len(task["texts"]) == 10 and {*task["texts"], *task["pool"]} == set(texts)
    assert all(
        labels[texts.index(text)] == label for text, label in zip(task["texts"], task["labels"], strict=True)
    )
    with pytest.raises(SystemExit, match="50 labels asked for"):
        finetune.make_task((texts, labels), (["a"], labels[:1]), 50, 0, argparse.Namespace(**ASKED))


def test_ours_is_judged_against_the_best_peer_of_each_size() -> None:
    def reached(accuracy: float, coverage: float) -> list[dict[str, float]]:
        return [{"accuracy": accuracy, "coverage": coverage, "seconds": 1.0}]

    found = {
        (300, finetune.OURS): reached(0.8, 0.5),
        (300, finetune.ALONE): reached(0.9, 0.9),
        (300, finetune.FROZEN): reached(0.7, 0.6),
        (300, finetune.PLAIN): reached(0.75, 0.1),
    }
    targets = finetune.targets_of(found)
    assert [(one["value"], one["met"]) for one in targets] == [(0.05, True), (-0.1, False)]
    assert "Trainer" in targets[0]["name"] and "frozen" in targets[1]["name"]


@pytest.mark.heavy
def test_ours_and_a_frozen_head_train_and_what_is_kept_is_not_trained_again(tmp_path: Path) -> None:
    made = [ticket for ticket in generate(400) if ticket.service in ("delivery", "returns", "payment")]
    texts = [ticket.text[:60] for ticket in made]
    labels = np.asarray([ticket.service for ticket in made])
    half = (len(texts) + 1) // 2
    assert half > 60, "texts enough for the sizes asked"
    methods = [finetune.OURS, finetune.FROZEN]
    asked = argparse.Namespace(methods=methods, **ASKED)
    given = ((texts[:half], labels[:half]), (texts[half:], labels[half:]), asked, tmp_path)
    found = finetune.measure(*given)
    assert set(found) == {(60, method) for method in methods}
    assert found[60, finetune.FROZEN][0]["accuracy"] > 0.4
    assert finetune.measure(*given) == found
    assert len(finetune.rows_of(found)) == 2 and len(finetune.targets_of(found)) == 2
