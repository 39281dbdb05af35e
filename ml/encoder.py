"""The transformer: load, embed, fine-tune, save. The only module that imports torch and transformers.

Any BERT-like Hugging Face folder will do, whatever its tokenizer, depth or width. Reached by ``ml.train`` and
``ml.serve`` alone, so that no web or general worker process ever loads torch.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import nn

from ml.artifact import encoder_files, encoder_fingerprint
from ml.pooling import EncoderFolderError, Pooling, read_pooling
from ml.probe import Head

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Tokens = list[list[int]]

BATCH = 32
CHARACTERS_PER_TOKEN = 50
"""A text is cut to this many characters per token of the limit before the tokenizer reads it."""

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def set_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Use ``ML_THREADS`` threads; without it torch follows ``OMP_NUM_THREADS``, or takes all cores."""
    asked = environment.get("ML_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        torch.set_num_threads(int(asked))
    return torch.get_num_threads()


class Encoder:
    """A transformer with its tokenizer and pooling; ``embed`` gives vectors of length 1."""

    def __init__(self, folder: Path, pooling: Pooling, tokenizer: Any, model: nn.Module) -> None:
        self.folder = folder
        self.pooling = pooling
        self.tokenizer = tokenizer
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device).eval()

    @classmethod
    def load(cls, folder: Path, max_length: int | None = None) -> Encoder:
        """Read an encoder folder. ``EncoderFolderError`` says what is wrong with it."""
        encoder_files(folder)
        pooling = read_pooling(folder, max_length)
        # Some folders lack the pooler's weights, which are then drawn at random, and never used.
        torch.manual_seed(0)
        try:
            model, info = transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # transformers raises many kinds for a bad folder
            raise EncoderFolderError("unreadable", f"the encoder cannot be loaded: {error}") from error
        missing = [key for key in info["missing_keys"] if not key.startswith("pooler.")]
        if missing:
            raise EncoderFolderError("weights_missing", f"the encoder's weights lack {sorted(missing)[0]}")
        if tokenizer.pad_token is None:
            raise EncoderFolderError("no_padding", "the encoder's tokenizer has no padding token")
        return cls(folder, pooling, tokenizer, model)

    @property
    def dim(self) -> int:
        return self.pooling.dim

    def fingerprint(self) -> str:
        """16 hex digits of the folder this encoder was loaded from."""
        return encoder_fingerprint(self.folder, self.pooling)

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Token ids of each text, cut at the limit, not padded."""
        longest = self.pooling.max_length * CHARACTERS_PER_TOKEN
        # Half a surrogate pair is legal in JSON and in str, but no tokenizer reads it.
        cut = [text[:longest].encode("utf-8", "replace").decode("utf-8") for text in texts]
        found = self.tokenizer(cut, truncation=True, max_length=self.pooling.max_length)
        return [list(ids) for ids in found["input_ids"]]

    def embed(
        self,
        texts: Sequence[str],
        batch_size: int = BATCH,
        on_batch: Callable[[int], None] | None = None,
    ) -> Floats:
        """(n, dim) float32 of length 1 each, in the order of the texts.

        Batches are made of texts of similar length. ``on_batch`` is told how many texts are done, and may
        raise to stop.
        """
        out = np.zeros((len(texts), self.dim), np.float32)
        tokens = self.tokenise(texts) if len(texts) else []
        order = np.argsort([len(ids) for ids in tokens], kind="stable")[::-1]
        self.model.eval()
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            with torch.inference_mode():
                out[rows] = self.forward([tokens[row] for row in rows]).float().cpu().numpy()
            if on_batch:
                on_batch(first + len(rows))
        return out

    def forward(self, tokens: Tokens) -> torch.Tensor:
        """Pooled vectors of length 1, (n, dim), of a batch of token ids; keeps the gradient."""
        batch = self.tokenizer.pad({"input_ids": tokens}, return_tensors="pt").to(self.device)
        states = self.model(**batch).last_hidden_state
        pooled = _pool(states, batch["attention_mask"], self.pooling.modes)
        return nn.functional.normalize(pooled, dim=1)

    def save(self, folder: Path) -> None:
        """Write weights as they are now, with the tokenizer and pooling files of the folder loaded."""
        copy_encoder(self.folder, folder, weights=False)
        self.model.save_pretrained(folder, safe_serialization=True)  # type: ignore[operator]


def copy_encoder(source: Path, folder: Path, weights: bool = True) -> None:
    """Copy the files an encoder needs, unchanged, so that its fingerprint stays the same."""
    for name in encoder_files(source):
        if weights or not name.endswith((".safetensors", ".bin", ".index.json")):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)


def _pool(states: torch.Tensor, attention: torch.Tensor, modes: tuple[str, ...]) -> torch.Tensor:
    mask = attention.unsqueeze(-1).to(states.dtype)
    count = mask.sum(1).clamp(min=1e-9)
    parts: list[torch.Tensor] = []
    for mode in modes:
        if mode == "cls":
            parts.append(states[:, 0])
        elif mode == "max":
            parts.append(states.masked_fill(mask == 0, -1e9).amax(1))
        elif mode == "lasttoken":
            last = (attention * torch.arange(1, attention.shape[1] + 1, device=states.device)).argmax(1)
            parts.append(states[torch.arange(len(states), device=states.device), last])
        else:
            total = (states * mask).sum(1)
            parts.append(total / (count if mode == "mean" else count.sqrt()))
    return torch.cat(parts, dim=1)


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune: learning rates, batch size (rows), the share of steps that warm up."""

    encoder_lr: float
    head_lr: float
    batch_size: int
    seed: int
    label_smoothing: float = 0.1
    warmup: float = 0.1
    weight_decay: float = 0.01


class FineTuning:
    """Encoder and head trained together, a step at a time: the caller decides when to judge, save and stop.

    Everything random is drawn from the seed and the step's number, so a run that resumes from a checkpoint
    takes the same steps as one that was never stopped.
    """

    def __init__(
        self,
        encoder: Encoder,
        head: Head,
        texts: Sequence[str],
        targets: Ints,
        weights: Floats,
        recipe: Recipe,
    ) -> None:
        self.encoder = encoder
        self.recipe = recipe
        self.step = 0
        self._tokens = encoder.tokenise(texts)
        self._targets = torch.from_numpy(targets).to(encoder.device)
        self._weights = torch.from_numpy(weights).to(encoder.device)
        self._linear = nn.Linear(head.weight.shape[1], head.weight.shape[0]).to(encoder.device)
        self._load_head(head)
        self._optimizer = self._make_optimizer()
        self._epoch = -1
        self._batches: list[Ints] = []

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
            logits, self._targets[picked], reduction="none", label_smoothing=self.recipe.label_smoothing
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
        """Write weights, optimiser, step and the caller's ``state`` (plain values), whole or not at all."""
        content = {**self._weights_now(), "optimizer": self._optimizer.state_dict()}
        _save(path, {**content, "step": self.step, "state": state})

    def load_checkpoint(self, path: Path) -> None:
        """Continue where ``save_checkpoint`` was called."""
        content = _load(path)
        self._restore(content)
        self._optimizer.load_state_dict(content["optimizer"])
        self.step = int(content["step"])

    def keep(self, path: Path) -> None:
        """Write the weights alone, to come back to."""
        _save(path, self._weights_now())

    def come_back(self, path: Path) -> None:
        """Take the weights written by ``keep``."""
        self._restore(_load(path))

    def _weights_now(self) -> dict[str, Any]:
        return {"encoder": self.encoder.model.state_dict(), "head": self._linear.state_dict()}

    def _restore(self, content: dict[str, Any]) -> None:
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
