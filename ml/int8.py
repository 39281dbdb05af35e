"""From float32 products to int8 ones that give nearly the same: calibrated on texts, rounded column by column.

Rounding a BERT plainly, a row at a time, changes one label in a hundred on BANKING77's 77 services. Three things
bring it to about one in three hundred, for nothing at run time:

- a few channels of a layer's normalised output are far larger than the rest and eat the range: each channel is
  moved to its middle and divided by its own stretch, which goes into the weights (SmoothQuant, arXiv 2211.10438;
  the shift, arXiv 2304.09145);
- GELU is never below -0.17, so its bytes count from there;
- weights are rounded in turn, each error made good by those not yet rounded (GPTQ, arXiv 2210.17323).

Where the processor adds each two products in 16 bits, weights keep to seven bits (``MOST_IN_16``): two products of an
activation's byte (at most 255) and such a weight never overflow, so the graph says the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri

from ml.bert_graph import GELU_LEAST, Int8, Shape, Weights, entrance, products

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

STRETCH = 0.8
"""How much of a channel's range goes into the weights (SmoothQuant's alpha; best of .5, .65, .8 on train texts)."""

MOST, MOST_IN_16 = 127, 63
"""The largest weight, in steps: of a byte, and one whose products add up in 16 bits (2 x 255 x 63 < 2^15)."""

DAMPING = 0.01
BLOCK = 128


@dataclass
class Activations:
    """What calibration saw of one input: second moments (in, in), sums, and range of each channel."""

    moments: Doubles
    total: Doubles
    most: Floats
    least: Floats
    count: int

    @classmethod
    def of(cls, x: Floats) -> Activations:
        wide = x.astype(np.float64)
        return cls(
            np.asarray(x.T @ x, np.float64), wide.sum(axis=0), x.max(axis=0), x.min(axis=0), len(x)
        )  # fmt: skip

    def add(self, x: Floats) -> None:
        """See more rows (n, in) of the same input."""
        more = Activations.of(x)
        self.moments += more.moments
        self.total += more.total
        self.most = np.maximum(self.most, more.most)
        self.least = np.minimum(self.least, more.least)
        self.count += more.count

    def moments_of(self, middle: Floats, stretch: Floats) -> Doubles:
        """The second moments of ``(x - middle) / stretch``."""
        at = middle.astype(np.float64)
        crossed = np.outer(self.total, at)
        moved = self.moments - crossed - crossed.T + self.count * np.outer(at, at)
        return np.asarray(moved / np.outer(stretch, stretch), np.float64)


def observe(batches: Iterable[Mapping[str, Floats]]) -> dict[str, Activations]:
    """Gather what batches of activations, by the name of the product that reads them, look like."""
    seen: dict[str, Activations] = {}
    for batch in batches:
        for name, x in batch.items():
            if name in seen:
                seen[name].add(x)
            else:
                seen[name] = Activations.of(x)
    return seen


def quantise(
    weights: Weights,
    shape: Shape,
    seen: Mapping[str, Activations],
    check: Callable[[], None],
    most: int = MOST,
) -> dict[str, Int8]:
    """Every product of the encoder in bytes, weights within ``most`` steps. ``check`` is called before each, and may
    raise to stop.
    """
    made: dict[str, Int8] = {}
    for layer in range(shape.layers):
        names = products(layer)
        stretches: list[tuple[Floats, Floats] | None] = [_stretch(weights, names[:3], seen[names[0]])] * 3
        stretches += [None, _stretch(weights, names[4:5], seen[names[4]]), None]
        for name, own in zip(names, stretches, strict=True):
            check()
            shift = GELU_LEAST if name == names[5] else 0.0
            made[name] = _product(weights, name, seen[entrance(name)], own, shift, most)
    return made


def _stretch(weights: Weights, names: list[str], seen: Activations) -> tuple[Floats, Floats]:
    """(middle, stretch) of each channel that ``names`` read."""
    middle = (seen.most + seen.least) / 2
    reach = np.maximum((seen.most - seen.least) / 2, 1e-5)
    heaviest = np.max([np.abs(weights[f"{name}.weight"]).max(axis=0) for name in names], axis=0)
    stretch = reach**STRETCH / np.maximum(heaviest, 1e-5) ** (1 - STRETCH)
    return np.asarray(middle, np.float32), np.asarray(stretch / np.median(stretch), np.float32)


def _product(
    weights: Weights,
    name: str,
    seen: Activations,
    own: tuple[Floats, Floats] | None,
    shift: float,
    most: int,
) -> Int8:
    weight = np.asarray(weights[f"{name}.weight"], np.float32)
    bias = np.asarray(weights[f"{name}.bias"], np.float32)
    if own is None:
        rows, scale = rounded(weight, seen.moments, most)
        bias = bias - shift * (rows.astype(np.float32) * scale[:, None]).sum(axis=1)
        return Int8(rows, scale, np.asarray(bias, np.float32), shift=shift)
    middle, stretch = own
    rows, scale = rounded(weight * stretch, seen.moments_of(middle, stretch), most)
    return Int8(rows, scale, np.asarray(bias + weight @ middle, np.float32), stretch, middle)


def rounded(weight: Floats, moments: Doubles, most: int = MOST) -> tuple[NDArray[np.int8], Floats]:
    """(rows (out, in) int8 within ``most``, scale (out,)); ``rows * scale`` is near ``weight`` where inputs are large.

    ``moments``: (in, in), the inputs' second moments. Where they say nothing it is plain rounding.
    """
    left = weight.astype(np.float64)
    scale = np.maximum(np.abs(left).max(axis=1), 1e-12) / most
    rows = np.zeros(weight.shape, np.int8)
    upper = _upper(moments)
    for first in range(0, left.shape[1], BLOCK):
        last = min(first + BLOCK, left.shape[1])
        errors = np.zeros((len(left), last - first))
        for at in range(first, last):
            taken = np.clip(np.rint(left[:, at] / scale), -most, most)
            rows[:, at] = taken
            error = (left[:, at] - taken * scale) / upper[at, at]
            errors[:, at - first] = error
            left[:, at + 1 : last] -= np.outer(error, upper[at, at + 1 : last])
        left[:, last:] -= errors @ upper[first:last, last:]
    return rows, np.asarray(scale, np.float32)


def _upper(moments: Doubles) -> Doubles:
    """The upper Cholesky factor of the inverse of the damped moments."""
    damped = moments + np.eye(len(moments)) * max(DAMPING * float(np.diag(moments).mean()), 1e-9)
    lower, failed = dpotrf(damped, lower=1)
    inverse, singular = dpotri(lower, lower=1)
    if failed or singular:
        raise np.linalg.LinAlgError("the activations' moments cannot be inverted")
    whole = np.tril(inverse) + np.tril(inverse, -1).T
    return np.asarray(np.linalg.cholesky(whole).T, np.float64)
