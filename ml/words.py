"""What a ticket's own words say: a linear head over hashed words and word pairs, beside the encoder's.

An encoder knows meaning, but only of the languages it was made for, and it blurs product names, forms and phrases that
a company's tickets repeat. On the demo's tickets (a third of them French, the encoder English) 2,000 labels gave .59
with the frozen encoder, .80 with words alone. Words are hashed, so that an artifact carries none in clear.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.artifact import ArtifactError

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import HashingVectorizer

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

BUCKETS = 2**18
MOST_WEIGHTS = 4_000_000
"""Labels times words at most: the most frequent words stay."""
INVERSE_PENALTY = 30.0
ITERATIONS = 100


@dataclass(frozen=True)
class WordsHead:
    """``places`` (f,) buckets in rising order, ``idf`` (f,), ``weight`` (n_labels, f), ``bias`` (n_labels,)."""

    places: Ints
    idf: Floats
    weight: Floats
    bias: Floats

    def __post_init__(self) -> None:
        # A word's weights lie together: a product with a few words would copy all of them otherwise.
        object.__setattr__(self, "weight", np.asfortranarray(self.weight))

    def logits(self, texts: Sequence[str]) -> Floats:
        """(n, n_labels). A text without a known word gets the bias alone."""
        points = _weighted(_known(_counts(texts), self.places), self.idf)
        return np.asarray(points @ self.weight.T + self.bias, np.float32)

    def scaled(self, factor: float) -> WordsHead:
        """The same head, its logits times ``factor``."""
        by = np.float32(factor)
        return WordsHead(self.places, self.idf, self.weight * by, self.bias * by)

    def save(self, path: Path) -> None:
        content = io.BytesIO()
        np.savez_compressed(content, places=self.places, idf=self.idf, weight=self.weight, bias=self.bias)
        path.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path, n_labels: int) -> WordsHead:
        """``ArtifactError`` (bad_words) for a file that is not such a head of this many labels."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                places = arrays["places"].astype(np.int64)
                parts = [arrays[name].astype(np.float32) for name in ("idf", "weight", "bias")]
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError("bad_words", "the model's head over words cannot be read") from error
        head = cls(places, *parts)
        f = len(places)
        shapes = (head.idf.shape, head.weight.shape, head.bias.shape)
        in_range = f == 0 or (places.min() >= 0 and places.max() < BUCKETS)
        if shapes != ((f,), (n_labels, f), (n_labels,)) or not in_range:
            raise ArtifactError("bad_words", f"the model's head over words has the shapes {shapes}")
        return head


def fit_words(
    texts: Sequence[str], targets: Ints, weights: Floats, n_labels: int, others: Sequence[str] = ()
) -> WordsHead:
    """Learn from n texts with targets and weights (n,), each of two or more labels with a row.

    ``others``: unlabelled texts, which say how common a word is.
    """
    from sklearn.linear_model import LogisticRegression

    counts = _counts(texts)
    seen = np.asarray((counts > 0).sum(axis=0)).ravel()
    everywhere = seen + np.asarray((_counts(others) > 0).sum(axis=0)).ravel()
    found = np.flatnonzero(seen)
    most = max(1, MOST_WEIGHTS // n_labels)
    places = np.sort(found[np.argsort(-seen[found], kind="stable")[:most]]).astype(np.int64)
    idf = np.log((1 + len(texts) + len(others)) / (1 + everywhere[places])).astype(np.float32) + np.float32(1)
    points = _weighted(_known(counts, places), idf)
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    regression.fit(points, targets, weights)
    weight, bias = regression.coef_, regression.intercept_
    if n_labels == 2:  # scikit-learn keeps one row for two classes
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    if len(bias) != n_labels:
        raise ValueError(f"{n_labels} labels expected, rows for {len(bias)}")
    return WordsHead(places, idf, weight.astype(np.float32), bias.astype(np.float32))


def _counts(texts: Sequence[str]) -> sparse.csr_matrix:
    """(n, BUCKETS) how often each word and word pair occurs."""
    if len(texts) == 0:
        return sparse.csr_matrix((0, BUCKETS), dtype=np.float32)
    return sparse.csr_matrix(_hashing().transform(texts))


def _known(counts: sparse.csr_matrix, places: Ints) -> sparse.csr_matrix:
    """(n, f): the columns at ``places``, in rising order. By what stands in the rows: to choose columns, SciPy goes
    through all BUCKETS."""
    at = np.searchsorted(places, counts.indices)
    is_known = at < len(places)
    is_known[is_known] = places[at[is_known]] == counts.indices[is_known]
    ends = np.concatenate([[0], np.cumsum(is_known)])[counts.indptr]
    shape = (counts.shape[0], len(places))
    return sparse.csr_matrix((counts.data[is_known], at[is_known], ends), shape=shape)


def _weighted(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """Rows of length 1: 1 + log of the count, times idf (Salton and Buckley 1988)."""
    points = (1 + np.log(counts.data)) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(rows, points.astype(np.float64) ** 2, counts.shape[0]))
    scaled = np.asarray(points / np.maximum(length, 1e-9)[rows], np.float32)
    return sparse.csr_matrix((scaled, counts.indices, counts.indptr), shape=counts.shape)


@cache
def _hashing() -> HashingVectorizer:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        n_features=BUCKETS, ngram_range=(1, 2), strip_accents="unicode", alternate_sign=False, norm=None,
        dtype=np.float32,
    )  # fmt: skip
