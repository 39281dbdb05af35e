"""How an encoder folder turns token vectors into one vector: read from its files, without torch.

A folder in the sentence-transformers form says it in ``modules.json`` and ``1_Pooling/config.json``; a plain
Hugging Face folder says nothing, and gets the mean. The vector is always brought to length 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_MAX_LENGTH = 256
"""Tokens read of a text unless the folder or a hyperparameter says otherwise; never above the model's own."""

MODES = ("cls", "max", "mean", "mean_sqrt_len", "lasttoken")
_OLD_KEYS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len": "pooling_mode_mean_sqrt_len_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
_OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert", "mpnet", "data2vec-text", "longformer")
"""Models whose positions start after the padding index, so that two of them hold no token."""

_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


class EncoderFolderError(ValueError):
    """An encoder folder this code cannot use. ``code`` is stable, ``str()`` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Pooling:
    """``modes`` are concatenated in this order; ``dim`` is the length of the result."""

    modes: tuple[str, ...]
    hidden: int
    max_length: int

    @property
    def dim(self) -> int:
        return self.hidden * len(self.modes)


def read_pooling(folder: Path, max_length: int | None = None) -> Pooling:
    """The pooling of an encoder folder; ``max_length`` overrides the folder's own limit, in tokens."""
    config = read_object(folder / "config.json")
    hidden = config.get("hidden_size") or config.get("d_model") or config.get("dim")
    if not isinstance(hidden, int) or hidden <= 0:
        raise EncoderFolderError("bad_config", "the encoder's config.json names no hidden size")
    modules = _modules(folder)
    unknown = [kind for kind, _ in modules if kind not in _KNOWN_MODULES]
    if unknown:
        raise EncoderFolderError(
            "unsupported_module", f"the encoder needs {unknown[0]}, which is not supported"
        )
    places = [path for kind, path in modules if kind == "Pooling"] or ["1_Pooling"]
    pooling_file = folder / places[0] / "config.json"
    modes = _modes(read_object(pooling_file)) if pooling_file.is_file() else ("mean",)
    return Pooling(modes, hidden, _max_length(folder, config, max_length))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file; ``EncoderFolderError`` when it is missing or something else."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise EncoderFolderError("missing_file", f"the encoder folder has no {path.name}") from error
    except (OSError, ValueError) as error:
        raise EncoderFolderError("bad_config", f"{path.name} of the encoder cannot be read") from error
    if not isinstance(value, dict):
        raise EncoderFolderError("bad_config", f"{path.name} of the encoder is not an object")
    return value


def _modules(folder: Path) -> list[tuple[str, str]]:
    path = folder / "modules.json"
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text("utf-8"))
        return [(str(entry["type"]).rsplit(".", 1)[-1], str(entry["path"])) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EncoderFolderError("bad_config", "modules.json of the encoder cannot be read") from error


def _modes(config: dict[str, Any]) -> tuple[str, ...]:
    named = config.get("pooling_mode")
    if isinstance(named, str):
        modes = tuple(named.split("+"))
    elif isinstance(named, list):
        modes = tuple(str(mode) for mode in named)
    else:
        modes = tuple(mode for mode in MODES if config.get(_OLD_KEYS[mode]))
    if not modes or any(mode not in MODES for mode in modes):
        raise EncoderFolderError(
            "unsupported_pooling", f"pooling {'+'.join(modes) or 'none'} is not supported"
        )
    return modes


def _max_length(folder: Path, config: dict[str, Any], asked: int | None) -> int:
    own = config.get("max_position_embeddings")
    limit = own if isinstance(own, int) and own > 0 else DEFAULT_MAX_LENGTH
    if config.get("model_type") in _OFFSET_POSITIONS:
        limit -= 2
    if asked is not None:
        return min(asked, limit)
    sentence = folder / "sentence_bert_config.json"
    named = read_object(sentence).get("max_seq_length") if sentence.is_file() else None
    return min(named if isinstance(named, int) and named > 0 else DEFAULT_MAX_LENGTH, limit)
