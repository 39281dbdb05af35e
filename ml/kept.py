"""The vectors of a training, kept beside its checkpoint so that a later attempt need not embed again."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class KeptVectors:
    """``embeddings`` (n, d) of the labelled rows, ``pool`` (m, d), and the seconds that the n took."""

    embeddings: Floats
    pool: Floats
    seconds: float

    def save(self, path: Path, identity: str) -> None:
        """Write them whole or not at all; ``identity`` says of which training they are."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}.tmp")
        with temporary.open("wb") as stream:
            np.savez(
                stream, embeddings=self.embeddings, pool=self.pool, seconds=self.seconds, identity=identity
            )
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path, identity: str) -> KeptVectors | None:
        """Those of this very training; None when there are none, or they cannot be read."""
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                if str(arrays["identity"]) != identity:
                    return None
                vectors = [np.asarray(arrays[name], np.float32) for name in ("embeddings", "pool")]
                return cls(vectors[0], vectors[1], float(arrays["seconds"]))
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            print("the kept embeddings cannot be read: they are made again", flush=True)
            return None
