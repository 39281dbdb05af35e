"""How much a model listens to the words beside its encoder: a share, found on rows that neither of them learnt from."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.probe import Head, calibrate
from ml.rows import Rows
from ml.softmax import softmax
from ml.words import WordsHead, fit_words

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SHARES = (0.85, 0.7, 0.5, 0.3, 0.15)
"""Of the encoder's logits; the rest is the words'."""


@dataclass(frozen=True)
class Mixture:
    """logits = ``encoder`` · encoder's + ``words`` · words', for a softmax of ``temperature``.

    ``share``: the encoder's, once both are as sure as they are right; 1 where the words are not listened to.
    """

    share: float
    encoder: float
    words: float
    temperature: float

    @property
    def listens(self) -> bool:
        return self.share < 1


def mixed(encoder: Floats, words: Floats, targets: Ints) -> Mixture:
    """The mixture for held-out rows: logits (n, k) of both, targets (n,).

    The words get a share only where that lowers the cross-entropy by more than its standard error over the
    rows, and then the smallest that is as good as the best: rows that a queue picked are those the encoder
    doubted, and make it look worse than it is.
    """
    own, theirs = calibrate(encoder, targets), calibrate(words, targets)
    tempered, said = encoder / np.float32(own), words / np.float32(theirs)
    losses = {share: row_losses(share * tempered + (1 - share) * said, targets) for share in SHARES}
    gains = {share: row_losses(tempered, targets) - loss for share, loss in losses.items()}
    best = max(SHARES, key=lambda share: float(gains[share].mean()))
    if not is_clear(gains[best]):
        return mixed_at(1.0, encoder, words, targets)
    share = next(one for one in SHARES if one == best or not is_clear(losses[one] - losses[best]))
    return mixed_at(share, encoder, words, targets)


def mixed_at(share: float, encoder: Floats, words: Floats, targets: Ints) -> Mixture:
    """The mixture of this share, as sure as held-out rows are right."""
    own = calibrate(encoder, targets)
    if share == 1.0:
        return Mixture(1.0, 1.0, 0.0, own)
    theirs = calibrate(words, targets)
    logits = np.asarray(
        share * encoder / np.float32(own) + (1 - share) * words / np.float32(theirs), np.float32
    )
    return Mixture(share, share / own, (1 - share) / theirs, calibrate(logits, targets))


class Companion:
    """The words' side of a training: learnt before the encoder is tuned, judged after, learnt again on all rows."""

    def __init__(self, train: Rows, validation: Rows, n_labels: int, others: Sequence[str]) -> None:
        self._validation = validation
        self._share: float | None = None
        self._n_labels = n_labels
        self._others = others
        began = time.monotonic()
        self._words = self._fit(train)
        self._said = self._words.logits(validation.texts)
        self.seconds = 1.5 * (time.monotonic() - began)
        """What learning again may take."""

    def listen(self, share: float) -> None:
        """Take the encoder's share from more rows than those held back (`ml.crossed`)."""
        self._share = share

    def mixture(self, logits: Floats) -> Mixture:
        """For the encoder's logits (n, k) on the validation rows."""
        if self._share is None:
            return mixed(logits, self._said, self._validation.targets)
        return mixed_at(self._share, logits, self._said, self._validation.targets)

    def losses(self, logits: Floats) -> Floats:
        """Cross-entropy of the validation rows (n,), the words joining these logits of the encoder's (n, k)."""
        found = self.mixture(logits)
        joined = found.encoder * logits + found.words * self._said if found.listens else logits
        return row_losses(
            np.asarray(joined / np.float32(found.temperature), np.float32), self._validation.targets
        )

    def heads(self, mixture: Mixture, head: Head, everything: Rows) -> tuple[Head, WordsHead]:
        """The encoder's head and the words', learnt from all rows, so that their logits add up."""
        by = np.float32(mixture.encoder)
        return Head(head.weight * by, head.bias * by), self._fit(everything).scaled(mixture.words)

    def _fit(self, rows: Rows) -> WordsHead:
        with warnings.catch_warnings():
            # Reaching the limit of iterations is no fault: validation judges what came out.
            warnings.simplefilter("ignore")
            return fit_words(rows.texts, rows.targets, rows.weights, self._n_labels, self._others)


def row_losses(logits: Floats, targets: Ints) -> Floats:
    """Cross-entropy (n,) of logits (n, k), in nats."""
    chances = softmax(logits)[np.arange(len(targets)), targets]
    return np.asarray(-np.log(np.maximum(chances, 1e-9)), np.float32)


def is_clear(differences: Floats, errors: float = 1.0) -> bool:
    """Whether the mean difference (n,) is above so many of its standard errors."""
    return float(differences.mean()) > errors * float(differences.std() / np.sqrt(len(differences)))
