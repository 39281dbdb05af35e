"""Encoder and head trained together, step by step, with checkpoints. Imports torch, as ``ml.encoder`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ml.encoder import Encoder
from ml.probe import Head

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Weights = dict[str, dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune: learning rates, batch size (rows), the share of each answer spread over all labels, the share
    of steps that warm up."""

    encoder_lr: float
    head_lr: float
    batch_size: int
    seed: int
    label_smoothing: float
    warmup: float = 0.1
    weight_decay: float = 0.01


class FineTuning:
    """Encoder and head trained together, a step at a time: the caller decides when to judge, save and stop.

    Everything random is drawn from the seed and the step's number, so a run that resumes from a checkpoint
    takes the same steps as one that was never stopped.

    The best weights are kept in memory and go into the checkpoint, so that one file holds them, the weights of
    now and what is known of both: files that are written, or copied elsewhere, one after the other could be of
    different steps after an interruption.
    """

    def __init__(
        self,
        encoder: Encoder,
        head: Head,
        texts: Sequence[str],
        wanted: Floats,
        weights: Floats,
        recipe: Recipe,
    ) -> None:
        """`wanted` (n, n_labels): what each of the n texts should be answered with, a distribution. `weights` (n,)."""
        self.encoder = encoder
        self.recipe = recipe
        self.step = 0
        self._tokens = encoder.tokenise(texts)
        self._wanted = torch.from_numpy(wanted).to(encoder.device)
        self._weights = torch.from_numpy(weights).to(encoder.device)
        self._linear = nn.Linear(head.weight.shape[1], head.weight.shape[0]).to(encoder.device)
        self._load_head(head)
        self._optimizer = self._make_optimizer()
        self._epoch = -1
        self._batches: list[Ints] = []
        self._kept: Weights | None = None

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self._tokens) // self.recipe.batch_size)

    def head(self) -> Head:
        weight, bias = self._linear.weight.detach(), self._linear.bias.detach()
        return Head(weight.cpu().numpy().copy(), bias.cpu().numpy().copy())

    def run_step(self, progress: float) -> float:
        """One optimiser step, at a learning rate set by ``progress`` (0 to 1). Returns the batch's loss."""
        rows = self._batch(self.step)
        self._set_rates(progress)
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
        self.encoder.model.train()
        logits = self._linear(self.encoder.forward([self._tokens[row] for row in rows]))
        picked = torch.from_numpy(rows).to(self.encoder.device)
        losses = nn.functional.cross_entropy(
            logits, self._wanted[picked], reduction="none", label_smoothing=self.recipe.label_smoothing
        )
        weights = self._weights[picked]
        loss = (losses * weights).sum() / weights.sum()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*self.encoder.model.parameters(), *self._linear.parameters()], 1.0)
        self._optimizer.step()
        self.encoder.model.eval()
        self.step += 1
        return float(loss.item())

    def save_checkpoint(self, path: Path, state: dict[str, Any]) -> None:
        """Write everything, with the caller's ``state`` (plain values), whole or not at all."""
        content = {**self._weights_now(), "optimizer": self._optimizer.state_dict(), "kept": self._kept}
        _save(path, {**content, "step": self.step, "state": state})

    def load_checkpoint(self, path: Path) -> None:
        """Continue where ``save_checkpoint`` was called."""
        content = _load(path)
        self._restore(content)
        self._optimizer.load_state_dict(content["optimizer"])
        self._kept = content["kept"]
        self.step = int(content["step"])

    def keep(self) -> None:
        """Remember the weights as they are, to come back to: a copy in main memory."""
        self._kept = {
            part: {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}
            for part, weights in self._weights_now().items()
        }

    def come_back(self) -> None:
        """Take the weights that ``keep`` remembered last."""
        assert self._kept is not None, "nothing was kept"
        self._restore(self._kept)

    def _weights_now(self) -> Weights:
        return {"encoder": self.encoder.model.state_dict(), "head": self._linear.state_dict()}

    def _restore(self, content: Mapping[str, Any]) -> None:
        self.encoder.model.load_state_dict(content["encoder"])
        self._linear.load_state_dict(content["head"])

    def _load_head(self, head: Head) -> None:
        with torch.no_grad():
            self._linear.weight.copy_(torch.from_numpy(head.weight))
            self._linear.bias.copy_(torch.from_numpy(head.bias))

    def _make_optimizer(self) -> torch.optim.AdamW:
        named = [(name, p) for name, p in self.encoder.model.named_parameters() if p.requires_grad]
        decayed = [p for name, p in named if p.ndim > 1]
        others = [p for name, p in named if p.ndim <= 1]
        rate, decay = self.recipe.encoder_lr, self.recipe.weight_decay
        return torch.optim.AdamW(
            [
                {"params": decayed, "base": rate, "lr": rate, "weight_decay": decay},
                {"params": others, "base": rate, "lr": rate, "weight_decay": 0.0},
                {
                    "params": list(self._linear.parameters()),
                    "base": self.recipe.head_lr,
                    "lr": self.recipe.head_lr,
                    "weight_decay": 0.0,
                },
            ]
        )

    def _set_rates(self, progress: float) -> None:
        rising = min(1.0, progress / self.recipe.warmup)
        falling = max(0.0, (1.0 - progress) / (1.0 - self.recipe.warmup))
        for group in self._optimizer.param_groups:
            group["lr"] = group["base"] * min(rising, falling)

    def _batch(self, step: int) -> Ints:
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._batches_of(epoch)
        return self._batches[place]

    def _batches_of(self, epoch: int) -> list[Ints]:
        # Rows are shuffled, then sorted by length inside chunks of 16 batches: little padding, still random.
        rng = np.random.default_rng([self.recipe.seed, epoch])
        order = rng.permutation(len(self._tokens))
        size = self.recipe.batch_size
        lengths = np.array([len(ids) for ids in self._tokens])
        batches: list[Ints] = []
        for first in range(0, len(order), 16 * size):
            chunk = order[first : first + 16 * size]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            batches += [chunk[start : start + size] for start in range(0, len(chunk), size)]
        return [batches[place] for place in rng.permutation(len(batches))]


def read_checkpoint_state(path: Path) -> dict[str, Any] | None:
    """The ``state`` of a checkpoint, or None when there is none that can be read."""
    try:
        state = _load(path)["state"]
    except Exception:  # a damaged checkpoint only costs the time to start again
        return None
    return state if isinstance(state, dict) else None


def _save(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    torch.save(content, temporary)
    temporary.replace(path)


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content
