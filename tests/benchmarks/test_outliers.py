"""What the benchmark of unknown services is measured by."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks import outliers
from benchmarks.history import History


def history(seed: int, per_service: int = 60) -> History:
    """Six services, a cloud each."""
    centres = np.random.default_rng(0).normal(size=(6, 24))
    rng = np.random.default_rng(seed)
    member = rng.permutation(np.repeat(np.arange(6), per_service))
    points = centres[member] + rng.normal(scale=0.7, size=(len(member), 24))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    texts = [f"{seed} {number}" for number in range(len(member))]
    return History(
        texts, np.asarray([f"s{one}" for one in member]), points.astype(np.float32), np.asarray(texts)
    )


def test_auroc_is_that_of_scikit_learn_also_with_ties() -> None:
    rng = np.random.default_rng(0)
    unknown, scores = rng.random(300) < 0.3, rng.integers(0, 9, 300).astype(np.float32)
    assert outliers.auroc(unknown, scores) == pytest.approx(roc_auc_score(unknown, scores))


def test_fpr95_counts_the_known_at_or_above_what_catches_95_of_a_hundred_unknown() -> None:
    unknown = np.asarray([True] * 100 + [False] * 4)
    scores = np.concatenate([np.arange(100), [4.0, 5.0, 6.0, 200.0]])
    assert outliers.fpr95(unknown, scores) == pytest.approx(3 / 4)
    assert outliers.fpr95(unknown, np.where(unknown, 1.0, 0.0)) == 0.0


def test_held_out_services_lose_all_their_tickets_and_two_services_must_remain() -> None:
    train, test = history(1), history(2)
    held, unknown = outliers.split(train, test, 2, np.random.default_rng(0))
    assert len(set(train.labels[held])) == 2
    assert set(train.labels[held]) == set(test.labels[unknown])
    assert not set(train.labels[held]) & set(train.labels[~held])
    with pytest.raises(SystemExit, match="two must remain"):
        outliers.split(train, test, 5, np.random.default_rng(0))


def test_a_small_run_tells_the_unknown_and_compares_with_what_is_installed() -> None:
    asked = argparse.Namespace(held_out=2, sizes=["60", "all"])
    runs = [outliers.one_seed(history(1), history(2), asked, seed) for seed in (0, 1)]
    for size in asked.sizes:
        rows = {row["method"]: row for row in outliers.rows_of(runs, size)}
        assert {*outliers.OURS, "MSP"} <= set(rows)
        assert rows["ours, the pool"]["AUROC"] > 0.9 and rows["ours, pasted"]["AUROC"] > 0.9
    targets = outliers.targets_of([row for size in asked.sizes for row in outliers.rows_of(runs, size)])
    assert len(targets) == 8


def test_a_peer_stands_with_its_best_variant_and_a_target_with_the_best_peer() -> None:
    def one(auroc: float, fpr: float) -> dict[str, float]:
        return {"AUROC": auroc, "FPR95": fpr, "passed at 95 %": fpr}

    run = {
        "300": {
            ("kNN", "default"): one(0.7, 0.5),
            ("kNN", "tuned"): one(0.8, 0.4),
            ("MSP", ""): one(0.75, 0.3),
            **{(name, ""): one(0.9, 0.35) for name in outliers.OURS},
        }
    }
    rows = outliers.rows_of([run, run], "300")
    assert {row["method"]: row["variant"] for row in rows}["kNN"] == "tuned"
    met = {target["name"]: target["met"] for target in outliers.targets_of(rows)}
    assert met["ours, the pool, 300 labels: AUROC ahead of kNN"] is True
    assert met["ours, the pool, 300 labels: FPR95 ahead of MSP"] is False
