"""What a training shows its outlier ranks: embeddings, by the model as it will be, of tickets that are ordinary.

Tickets an encoder was tuned on lie closer together than any it will meet. So what is ordinary is told by unlabelled
tickets it did not learn from, where there are some.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml import augment
from ml.outlier_rank import MOST_POINTS, MOST_REFERENCES, OutlierRank, fit_ranks
from ml.probe import Head
from ml.rows import Rows
from ml.words import WordsHead

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

TIME_SHARE = 0.05
"""Of a training's time, for embedding again after the encoder was tuned."""
FRESH_SHARE = 0.25
"""Of the texts there is time to embed again."""


class Embeds(Protocol):
    """`ml.encoder.Encoder`, as far as it is needed here."""

    def embed(self, texts: Sequence[str], *, on_batch: Callable[[int], None]) -> Floats: ...


@dataclass(frozen=True)
class Model:
    """A trained model before it is saved; `is_tuned`: its encoder no longer gives the embeddings that rows carry."""

    encoder: Embeds
    head: Head
    words: WordsHead | None
    is_tuned: bool

    def services(self, texts: Sequence[str], embeddings: Floats) -> Ints:
        """Places (n,) of the services it suggests."""
        logits = self.head.logits(embeddings)
        if self.words is not None and len(texts):
            logits = logits + self.words.logits(texts)
        return np.asarray(logits.argmax(axis=1), np.int64)


def affordable(seconds: float, pace: float) -> int:
    """How many texts may be embedded again in a training of so many seconds, at `pace` seconds a text."""
    return min(MOST_POINTS + MOST_REFERENCES, int(TIME_SHARE * seconds / max(pace, 1e-6)))


def learn_ranks(
    model: Model,
    rows: Rows,
    fresh: tuple[Sequence[str], Floats],
    most: int,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> OutlierRank | None:
    """From training rows, and `fresh` texts the model did not learn from, with embeddings (r, d) from before tuning.

    A tuned encoder embeds at most `most` of them again; `check` is called now and then, and may raise to stop. None
    when too few are left to tell what is ordinary.
    """
    own = [at for at, row in enumerate(rows.rows) if row.origin not in ("taught", augment.ORIGIN)]
    rows = rows.pick(own)
    points, (texts, others) = rows.embeddings, fresh
    if model.is_tuned:
        texts = texts[: min(int(FRESH_SHARE * most), MOST_REFERENCES)]
        places = np.random.default_rng(seed).permutation(len(own))[: most - len(texts)]
        rows = rows.pick(np.sort(places).tolist())
        points = model.encoder.embed(rows.texts, on_batch=lambda done: check())
        others = model.encoder.embed(texts, on_batch=lambda done: check())
    suggested = model.services(texts, others)
    return fit_ranks(points, rows.targets, rows.wanted.shape[1], seed, (others, suggested))
