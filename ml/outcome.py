"""What a training comes to, before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.probe import Head
from ml.words import WordsHead


@dataclass(frozen=True)
class Outcome:
    """The head that won, its temperature, whether the encoder was changed, the figures, and the logits (n, k) of the
    validation rows by a head that did not learn from them; None without such rows. ``words``: what joins the head.
    """

    head: Head
    temperature: float
    is_tuned: bool
    metrics: dict[str, Any]
    judged: NDArray[np.float32] | None = None
    words: WordsHead | None = None
