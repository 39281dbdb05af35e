"""A small embedder that can be held, and a worker around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

PATIENCE = 10.0


class Letters:
    """Embeds a text as the share of its vowels; can be held, and is upset by one text.

    ``at_once``: how many threads may ask it side by side.
    """

    at_once = 1

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()
        self.is_broken = False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if list(texts) != ["Is the model awake?"]:
            self.batches.append(list(texts))
            self.began.set()
            assert self.go.wait(PATIENCE)
        if self.is_broken or "upsetting" in texts:
            raise RuntimeError("no")
        return np.array([[1.0, sum(text.count(v) for v in "aeiou")] for text in texts], np.float32).reshape(
            -1, 2
        )


def wait_for(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")
