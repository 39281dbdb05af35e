"""The transformer: load, embed, save. Only this module and ``ml.tuning`` import torch; only this one transformers.

Any BERT-like Hugging Face folder will do, whatever its tokenizer, depth or width. Reached by ``ml.train`` and
``ml.serve`` alone, so that no web or general worker process ever loads torch; and by ``ml.serve`` only where the
artifact has no form that does without (``ml.forms``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
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

Floats = NDArray[np.float32]
Tokens = list[list[int]]

BATCH = 32
CHARACTERS_PER_TOKEN = 50
"""A text is cut to this many characters per token of the limit before the tokenizer reads it."""

ALONE = 2
"""So few texts are embedded by one thread: a second one shortens that by a fifth and costs half as much again, of cores
that other tickets wait for."""

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
        self.bf16 = False
        """Embed with products in bfloat16."""
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
        if len(texts) > ALONE or self.is_on_gpu:
            return self._embed(texts, batch_size, on_batch)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._embed(texts, batch_size, on_batch)
        finally:
            torch.set_num_threads(threads)

    def _embed(self, texts: Sequence[str], batch_size: int, on_batch: Callable[[int], None] | None) -> Floats:
        out = np.zeros((len(texts), self.dim), np.float32)
        tokens = self.tokenise(texts) if len(texts) else []
        order = np.argsort([len(ids) for ids in tokens], kind="stable")[::-1]
        self.model.eval()
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            half = torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)
            with torch.inference_mode(), half:
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

    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights as they are now, by name."""
        return {name: value.cpu().numpy() for name, value in self.model.state_dict().items()}

    def tokenizer_json(self) -> str:
        """The whole tokenizer as one text; empty for a tokenizer that is written in Python."""
        fast = getattr(self.tokenizer, "backend_tokenizer", None)
        return str(fast.to_str()) if fast is not None else ""

    @property
    def is_on_gpu(self) -> bool:
        return self.device.type != "cpu"

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
