"""Training rows as a set: fingerprints that survive an erasure, and splits that no near-duplicate crosses."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.schema import TrainingRow


def row_hash(row: TrainingRow) -> str:
    """64 hex digits over everything a row says. A tombstone keeps it when the row itself is erased."""
    content = [row.id, row.text, row.label, row.group, repr(float(row.weight)), row.origin]
    return hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()


def fingerprint(rows: Iterable[TrainingRow]) -> str:
    """64 hex digits naming a set of rows, whatever their order."""
    return fingerprint_of_hashes(row_hash(row) for row in rows)


def fingerprint_of_hashes(hashes: Iterable[str]) -> str:
    """The fingerprint from the row hashes alone: erased rows count by the hash their tombstone kept."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode("ascii")).hexdigest()


def split_by_group(
    rows: Sequence[TrainingRow], share: float, seed: int
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Split into (train, validation) with about ``share`` of the rows in validation.

    A group is never on both sides. Stratified as far as possible: each label gives about its share, and
    always keeps a row in train; a label with a single group gives nothing. The same rows in any order
    and the same seed give the same split, in the order of the input.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be in [0, 1), not {share}")
    groups: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    left_in_train = Counter(row.label for row in rows)
    wanted = {label: share * count for label, count in left_in_train.items()}
    taken: Counter[str] = Counter()
    chosen: set[str] = set()
    for name in _shuffled(sorted(groups), seed):
        labels = Counter(row.label for row in groups[name])
        keeps_every_label = all(left_in_train[label] > count for label, count in labels.items())
        # Half a group too many is as far from the share as half a group too few.
        is_wanted = all(taken[label] + count / 2 <= wanted[label] for label, count in labels.items())
        if share > 0 and keeps_every_label and is_wanted:
            chosen.add(name)
            taken.update(labels)
            left_in_train.subtract(labels)
    train = [row for row in rows if row.group not in chosen]
    return train, [row for row in rows if row.group in chosen]


def class_weights(labels: Sequence[str], power: float) -> NDArray[np.float32]:
    """A factor for the weight of each row (n,), 1 on average: a label's share of the rows to the power of ``-power``.

    0 leaves rows as they are; with 1 every label weighs the same, however few rows it has.
    """
    counts = Counter(labels)
    raw = np.array([(len(counts) * counts[label] / len(labels)) ** -power for label in labels], np.float64)
    return np.asarray(raw / raw.mean() if len(raw) else raw, np.float32)


def _shuffled(names: list[str], seed: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(len(names))
    return [names[position] for position in order]
