"""Two models on the same tickets: who was right where the other was wrong, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import bdtr

from ml.metrics import Z95


@dataclass(frozen=True)
class Paired:
    """n tickets both answered: how many both, only the first, only the second, and neither had right."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def difference(self) -> float | None:
        """Accuracy of the first less that of the second; None without a ticket."""
        return (self.only_first - self.only_second) / self.n if self.n else None

    @property
    def p_value(self) -> float | None:
        """How likely a split of the disagreements at least this uneven is if both are equally good: two-sided exact
        McNemar test, 1 without a disagreement. Source: McNemar 1947; exact form: Fay 2010, "Two-sided exact tests".
        """
        return min(1.0, 2.0 * self._tail(min(self.only_first, self.only_second))) if self.n else None

    @property
    def p_first_worse(self) -> float | None:
        """The one-sided form: how likely so few of the disagreements go to the first if it is as good."""
        return self._tail(self.only_first) if self.n else None

    @property
    def interval(self) -> list[float] | None:
        """95 % interval of the difference: Wald with one half added to each cell. Source: Agresti and Min 2005,
        "Simple improved confidence intervals for comparing matched proportions"."""
        if not self.n:
            return None
        first, second, n = self.only_first + 0.5, self.only_second + 0.5, self.n + 2.0
        middle = (first - second) / n
        half = Z95 * math.sqrt(max((first + second) - (first - second) ** 2 / n, 0.0)) / n
        return [max(-1.0, middle - half), min(1.0, middle + half)]

    def _tail(self, least: int) -> float:
        disagreements = self.only_first + self.only_second
        return float(bdtr(least, disagreements, 0.5)) if disagreements else 1.0


def paired(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """Compare who was right (n,) with who was right (n,), in the same order. ValueError: lengths that differ."""
    pairs = list(zip(first, second, strict=True))
    counts = {
        mine: {theirs: pairs.count((mine, theirs)) for theirs in (True, False)} for mine in (True, False)
    }
    return Paired(counts[True][True], counts[True][False], counts[False][True], counts[False][False])
