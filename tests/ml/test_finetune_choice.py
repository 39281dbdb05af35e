"""Which weights a fine-tuning ends with: by validation where validation can tell, else the later ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml.finetune import Budget, Limits, TuningLoop, TuningState
from ml.probe import Score

PROBE = 0.70


class Steps:
    """A model that is nothing but its step number: an epoch of two steps."""

    steps_per_epoch = 2

    def __init__(self) -> None:
        self.step = self.kept = 0

    def run_step(self, progress: float) -> float:
        self.step += 1
        return 1.0

    def save_checkpoint(self, path: Path, state: dict[str, Any]) -> None:
        path.write_text(str(self.step))

    def keep(self) -> None:
        self.kept = self.step

    def come_back(self) -> None:
        self.step = self.kept


def chosen_epoch(
    folder: Path, accuracies: list[float], noise: float, *, gain: float = 0.0
) -> tuple[int, int]:
    """(the epoch whose weights are left, 0 for the probe; how many epochs were taken)."""
    judged = iter(accuracies)
    state = TuningState("this run", PROBE, -1.0)
    limits = Limits(len(accuracies), 2, 0.0, noise, gain)
    taken: list[float] = []

    def judge() -> Score:
        taken.append(next(judged))
        return Score(taken[-1], -1.0)

    TuningLoop(Steps(), judge, state, limits, Budget(3600.0), folder, lambda: False).run()
    return state.best_step // Steps.steps_per_epoch, len(taken)


@pytest.mark.parametrize(
    ("accuracies", "noise", "epoch"),
    [
        ([0.72, 0.71, 0.71, 0.705], 0.05, 4),
        ([0.72, 0.71, 0.71, 0.705], 0.0, 1),
        ([0.80, 0.79, 0.70, 0.70], 0.05, 2),
        ([0.72, 0.69, 0.71], 0.05, 3),
        ([0.72, 0.69, 0.69], 0.05, 1),
        ([0.70, 0.70, 0.69], 0.05, 0),
        ([0.75, 0.80, 0.76, 0.77], 0.05, 4),
        ([0.80, 0.77, 0.74], 0.05, 2),
    ],
    ids=[
        "what validation cannot tell goes to the later epoch",
        "without noise the best wins",
        "a real loss is not taken",
        "one bad epoch is passed over",
        "never below the probe",
        "nothing that does not beat the probe",
        "within the noise of the highest seen",
        "small steps down are measured from the highest seen",
    ],
)
def test_the_weights_left_are(tmp_path: Path, accuracies: list[float], noise: float, epoch: int) -> None:
    assert chosen_epoch(tmp_path, accuracies, noise)[0] == epoch


def test_where_tuning_has_to_prove_itself_a_gain_within_the_noise_leaves_the_probe(tmp_path: Path) -> None:
    assert chosen_epoch(tmp_path, [0.72, 0.74], 0.05, gain=0.05)[0] == 0
    assert chosen_epoch(tmp_path, [0.72, 0.76], 0.05, gain=0.05)[0] == 2


def test_where_tuning_is_known_to_help_only_a_clear_loss_leaves_the_probe(tmp_path: Path) -> None:
    assert chosen_epoch(tmp_path, [0.66, 0.67], 0.05, gain=-0.05)[0] == 2
    assert chosen_epoch(tmp_path, [0.60, 0.64], 0.05, gain=-0.05)[0] == 0


def test_patience_runs_out_on_real_losses_and_not_on_noise(tmp_path: Path) -> None:
    steady, falling = [0.80, *[0.78] * 5], [0.80, *[0.60] * 5]
    assert chosen_epoch(tmp_path, steady, 0.05)[1] == 6
    assert chosen_epoch(tmp_path, falling, 0.05)[1] == 3


def test_a_state_from_a_checkpoint_keeps_the_probe_and_the_highest_seen() -> None:
    state = TuningState("this run", 0.75, -1.0, best_step=4, probe_accuracy=0.70, top_accuracy=0.80)
    assert (state.probe_accuracy, state.top_accuracy) == (0.70, 0.80)
    assert TuningState("this run", 0.75, -1.0).probe_accuracy == 0.75


def test_a_hundred_rows_cannot_tell_four_points_apart() -> None:
    assert 0.04 < Score(0.7, -1.0).standard_error(100) < 0.05
    assert Score(1.0, -1.0).standard_error(100) == 0.0
