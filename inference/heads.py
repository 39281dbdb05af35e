"""The learner's head as an ``.npz``, applied with numpy alone: the web process has neither modAL nor torch."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from inference.models import LearnerHead
from ml.outliers import OutlierModel

Floats = NDArray[np.float32]
QUANTILES = 1001


@dataclass(frozen=True)
class Head:
    """A softmax over ``classes``: probabilities of one vector, and how unusual it is (share of the pool that is
    more ordinary; None before the first ranking).
    """

    classes: list[str]
    coef: Floats
    intercept: Floats
    temperature: float
    outliers: OutlierModel | None

    def probabilities(self, vector: Floats) -> Floats:
        """(k,) for one vector (d,), in the order of ``classes``; empty before any label."""
        if not self.classes:
            return np.zeros(0, np.float32)
        logits = (self.coef @ _unit(vector) + self.intercept) / np.float32(self.temperature)
        shifted = np.exp(logits - logits.max())
        return np.asarray(shifted / shifted.sum(), np.float32)

    def outlier(self, vector: Floats) -> float | None:
        """Share of the pool that is more ordinary than this vector, 0..1."""
        return float(self.outliers.score(_unit(vector)[None, :])[0]) if self.outliers else None


def pack(coef: Floats, intercept: Floats, temperature: float, outliers: OutlierModel | None) -> bytes:
    """The ``.npz`` of a head; the pool's distances travel as quantiles."""
    arrays = {"coef": coef, "intercept": intercept, "temperature": np.float32(temperature)}
    if outliers is not None:
        arrays["centres"] = outliers.centres
        arrays["place"] = np.int64(outliers.place)
        ranks = np.linspace(0, len(outliers.pool_sorted) - 1, min(QUANTILES, len(outliers.pool_sorted)))
        arrays["pool_sorted"] = outliers.pool_sorted[ranks.round().astype(int)]
        for name in ("whiten", "references", "strangeness"):
            if (found := getattr(outliers, name)) is not None:
                arrays[name] = found
    buffer = BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(row: LearnerHead) -> Head:
    """The head of a row."""
    with np.load(BytesIO(bytes(row.weights)), allow_pickle=False) as arrays:
        outliers = None
        if "centres" in arrays:
            outliers = OutlierModel(
                arrays["centres"],
                arrays.get("whiten"),
                arrays["pool_sorted"],
                int(arrays["place"]) if "place" in arrays else 0,
                arrays.get("references"),
                arrays.get("strangeness"),
            )
        return Head(
            list(row.classes), arrays["coef"], arrays["intercept"], float(arrays["temperature"]), outliers
        )


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, np.float32)
