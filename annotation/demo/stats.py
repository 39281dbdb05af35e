"""Measures a demo CSV: shares, n-grams, near-duplicates, one-keyword services, accuracy of a plain model.

Run as `python -m annotation.demo.stats FILE.csv` or through `manage.py demo_corpus OUT.csv --stats`. Works on
any CSV with the columns `text` and `service` (`language`, `channel` when present).

Definitions
- near-duplicate: a ticket whose set of word 3-grams (of the folded text) has a Jaccard similarity of at least
  0.7 with that of an earlier ticket. The rate is the share of such tickets.
- one-keyword rule: within one language and service, no word may stand in 40 % of the service's tickets
  and, over all tickets of that language, point to the service with a precision of at least 0.8.
- accuracy: TF-IDF of words and word pairs with multinomial logistic regression, 80/20 split by folded text
  (equal texts never cross), against the key as written, noise included. Tickets keyed `none` are left out of
  training and test, because no service is in charge of them; `with_none` keeps them as a thirteenth class.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit

from annotation.demo.corpus import fold
from annotation.demo.services import NONE

_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Row:
    text: str
    service: str
    language: str = ""
    channel: str = ""


def read(path: Path) -> list[Row]:
    """Rows of a CSV with at least the columns `text` and `service`; ValueError names a missing one."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"text", "service"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path} has no column {' or '.join(sorted(missing))}.")
        return [Row(r["text"], r["service"], r.get("language", ""), r.get("channel", "")) for r in reader]


def distinct_ngrams(texts: Sequence[str], longest: int = 5) -> dict[int, int]:
    """How many different word n-grams the texts hold, for n = 1..longest."""
    seen: dict[int, set[tuple[str, ...]]] = {n: set() for n in range(1, longest + 1)}
    for text in texts:
        words = _WORDS.findall(text.casefold())
        for n, grams in seen.items():
            grams.update(zip(*(words[i:] for i in range(n)), strict=False))
    return {n: len(grams) for n, grams in seen.items()}


def near_duplicate_rate(texts: Sequence[str], threshold: float = 0.7) -> float:
    """Share of the texts that nearly repeat an earlier one (see the module's definitions)."""
    folded = [fold(text) for text in texts]
    counter = CountVectorizer(analyzer=_shingles, binary=True, dtype=np.float32)
    matrix = sparse.csr_matrix(counter.fit_transform(folded))
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    repeats = 0
    for start in range(0, len(texts), 1000):
        block = sparse.coo_matrix(matrix[start : start + 1000] @ matrix.T)
        rows, shared = block.row + start, block.data
        jaccard = shared / (sizes[rows] + sizes[block.col] - shared)
        repeats += len(np.unique(rows[(block.col < rows) & (jaccard >= threshold)]))
    return repeats / max(1, len(texts))


def _shingles(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]


@dataclass(frozen=True)
class Keyword:
    """The word nearest to giving a service away: share of its tickets that hold it, and precision."""

    service: str
    language: str
    word: str
    recall: float
    precision: float


def strongest_keywords(rows: Sequence[Row], precision: float = 0.8) -> list[Keyword]:
    """Per language and service the most frequent of the words at least this precise; absent without one."""
    found = []
    for language in sorted({row.language for row in rows}):
        mine = [row for row in rows if row.language == language]
        everywhere: Counter[str] = Counter()
        inside: dict[str, Counter[str]] = {}
        sizes = Counter(row.service for row in mine)
        for row in mine:
            words = set(fold(row.text).split())
            everywhere.update(words)
            inside.setdefault(row.service, Counter()).update(words)
        for service in sorted(sizes):
            best = max(
                (
                    (count / sizes[service], count / everywhere[word], word)
                    for word, count in inside[service].items()
                    if count / everywhere[word] >= precision
                ),
                default=None,
            )
            if best is not None and service != NONE:
                found.append(Keyword(service, language, best[2], best[0], best[1]))
    return found


def accuracy(rows: Sequence[Row], *, with_none: bool = False, seed: int = 7) -> float:
    """Test accuracy of TF-IDF + logistic regression against the key (see the module's definitions)."""
    kept = [row for row in rows if with_none or row.service != NONE]
    texts, keys = [row.text for row in kept], np.array([row.service for row in kept])
    groups = np.unique([fold(text) for text in texts], return_inverse=True)[1]
    train, test = next(
        GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=seed).split(texts, keys, groups)
    )
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
    model = LogisticRegression(C=5.0, max_iter=200, random_state=seed)
    model.fit(vectors.fit_transform([texts[i] for i in train]), keys[train])
    predicted = model.predict(vectors.transform([texts[i] for i in test]))
    return float((predicted == keys[test]).mean())


def report(rows: Sequence[Row]) -> str:
    """All figures as text."""
    texts = [row.text for row in rows]
    total = max(1, len(rows))
    lines = [f"{len(rows)} tickets, {len(set(texts))} distinct texts"]
    lines += [f"distinct {n}-grams: {count}" for n, count in distinct_ngrams(texts).items()]
    lines.append(f"near-duplicate rate: {near_duplicate_rate(texts):.3f}")
    for title, values in (
        ("language", [row.language for row in rows]),
        ("channel", [row.channel for row in rows]),
        ("service", [row.service for row in rows]),
    ):
        shares = ", ".join(
            f"{name or '?'} {count / total:.1%}" for name, count in Counter(values).most_common()
        )
        lines.append(f"share per {title}: {shares}")
    keywords = sorted(strongest_keywords(rows), key=lambda keyword: -keyword.recall)[:5]
    told = ", ".join(
        f"{k.word} ({k.language} {k.service}: in {k.recall:.0%}, right {k.precision:.0%})" for k in keywords
    )
    lines.append(f"nearest to a give-away word: {told or 'none'}")
    lines.append(f"accuracy, TF-IDF + logistic regression, 80/20, without none: {accuracy(rows):.3f}")
    lines.append(f"accuracy with none as a class: {accuracy(rows, with_none=True):.3f}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("Usage: python -m annotation.demo.stats FILE.csv", file=sys.stderr)
        return 2
    try:
        rows = read(Path(arguments[0]))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
