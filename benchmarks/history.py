"""A labelled history as arrays: texts, labels, embeddings kept between runs, and a long-tailed part of it."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.text import group_key

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

TAIL = 20.0
FEWEST_OF_A_SERVICE = 12


@dataclass(frozen=True)
class History:
    """n tickets: texts, labels (n,) of str, unit embeddings (n, d), near-duplicate groups (n,) of str."""

    texts: list[str]
    labels: NDArray[np.str_]
    points: Floats
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, rows: Ints) -> History:
        """The rows, in that order."""
        texts = [self.texts[row] for row in rows]
        return History(texts, self.labels[rows], self.points[rows], self.groups[rows])

    def fingerprint(self) -> str:
        """12 hex digits of texts and labels, for naming results."""
        content = "\x00".join([*self.texts, *self.labels.tolist()])
        return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12]


def read(path: Path, text: str = "text", label: str = "category") -> tuple[list[str], NDArray[np.str_]]:
    """Texts and labels of a CSV with a header. SystemExit names a column that is not there."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in (text, label):
        if not rows or name not in rows[0]:
            raise SystemExit(
                f"{path} has no column {name!r}; it has {sorted(rows[0]) if rows else 'no rows'}"
            )
    return [row[text] for row in rows], np.asarray([row[label] for row in rows])


def load(path: Path, text: str, label: str, keep: Path) -> History:
    """The history of a CSV, embedded with the default base encoder; the vectors are kept under `keep`."""
    texts, labels = read(path, text, label)
    groups = np.asarray([group_key(one) for one in texts])
    return History(texts, labels, vectors(texts, keep), groups)


def vectors(texts: list[str], keep: Path) -> Floats:
    """Unit embeddings (n, d) of the default base encoder in fp32; read from `keep` when they are there."""
    from ml.container import default_base_model
    from ml.encoder import Encoder

    encoder = Encoder.load(default_base_model())
    name = hashlib.sha256("\x00".join([encoder.fingerprint(), *texts]).encode("utf-8", "replace"))
    path = keep / f"vectors-{name.hexdigest()[:16]}.npy"
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    found = encoder.embed(texts)
    keep.mkdir(parents=True, exist_ok=True)
    np.save(path, found)
    return found


def part(history: History, share: float, seed: int = 0) -> tuple[History, History]:
    """(the rest, about `share` of it), groups never on both sides: to tune on a training set alone."""
    names = np.unique(history.groups)
    held = np.random.default_rng(seed).choice(names, int(share * len(names)), replace=False)
    is_held = np.isin(history.groups, held)
    return history.of(np.flatnonzero(~is_held)), history.of(np.flatnonzero(is_held))


def long_tail(history: History, seed: int = 0, ratio: float = TAIL) -> History:
    """A part whose services shrink geometrically, the largest `ratio` times the smallest; the order is drawn."""
    rng = np.random.default_rng(seed)
    names, counts = np.unique(history.labels, return_counts=True)
    places = rng.permutation(len(names))
    wanted = counts.max() * ratio ** (-places / max(len(names) - 1, 1))
    kept = []
    for name, count, want in zip(names, counts, wanted, strict=True):
        rows = np.flatnonzero(history.labels == name)
        size = min(count, max(round(want), min(FEWEST_OF_A_SERVICE, count)))
        kept.append(rng.choice(rows, size, replace=False))
    return history.of(np.sort(np.concatenate(kept)))
