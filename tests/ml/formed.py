"""Artifacts in a form of their own: the texts that make and judge it, and what a training would leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ml.artifact import ENCODER, write_manifest
from ml.encoder import Encoder, copy_encoder
from ml.forms import choose
from ml.probe import Head
from ml.schema import Manifest
from tests.ml.conftest import WORDS

RNG = np.random.default_rng(3)
SENTENCES = list(
    dict.fromkeys(" ".join(RNG.choice(WORDS, size)) for size in RNG.integers(1, 24, 400).tolist())
)
CALIBRATION, JUDGED = SENTENCES[:200], SENTENCES[200:]


def head_of(encoder: Encoder, labels: int = 3) -> Head:
    """A head that tells far-apart directions of this encoder's vectors apart."""
    vectors = encoder.embed(CALIBRATION)
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    weight = directions[:labels].astype(np.float32) * 20
    return Head(weight, -(weight @ vectors.mean(axis=0)))


def make_form(encoder: Encoder, folder: Path, judged: list[str] = JUDGED, **told: Any) -> dict[str, Any]:
    copy_encoder(encoder.folder, folder / ENCODER)
    labels = told.pop("labels", None) or head_of(encoder).labels
    return choose(encoder, folder, encoder.fingerprint(), (CALIBRATION, judged), labels, 1, **told)


def write_artifact(encoder: Encoder, folder: Path, form: dict[str, Any]) -> Manifest:
    head = head_of(encoder)
    head.save(folder / "head.npz")
    return write_manifest(
        folder,
        Manifest(
            kind="classifier", dim=encoder.dim, encoder=form["encoder"], base_model="tiny", created_by="test",
            labels=["a", "b", "c"], form=form, files={"-": "-"},
        ),
    )  # fmt: skip
