"""How fast texts become vectors on a CPU, and what the fast form costs in labels; beside sentence-transformers.

    python -m benchmarks.encode --texts TRAIN.csv --test TEST.csv --threads 2

The fast form is made and chosen as a training does it (``ml.forms.choose``): calibrated and judged on texts of TRAIN by
the head fitted on them. All ways embed the texts of TEST, in turn, `--repeats` times, on the same threads.
sentence-transformers runs in float32 with batches of 32 and sorts texts by length as we do; *as they come* is the same
without sorting, batch by batch. *One text* is what a person waits for who tries a ticket. The loss is that of a head
fitted on float32 vectors of TRAIN and of one fitted on the fast form's own, both asked with vectors of the same kind;
*mixed* asks the first with the fast form's vectors. Without `--test`, a fifth of TRAIN is held out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from benchmarks import report
from benchmarks.history import read

Floats = NDArray[np.float32]
Labels = NDArray[np.str_]
Embed = Callable[[Sequence[str]], Floats]
Head = Callable[[Floats], NDArray[np.int64]]

PEER, ARRIVING, EXACT, FAST = (
    "sentence-transformers fp32, batch 32",
    "sentence-transformers fp32, as they come",
    "ours fp32",
    "ours, the form chosen",
)
TIMES, MOST_LOSS, BATCH = 3.0, 0.3, 32
ONE_BY_ONE = 100
"""Texts embedded one at a time for the wait for one."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument(
        "--texts", type=Path, required=True, help="CSV with texts and labels, to make the form by"
    )
    parser.add_argument("--test", type=Path, default=None, help="CSV of the same columns, to measure by")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="category")
    parser.add_argument("--base", type=Path, default=None, help="encoder folder (default: the installed one)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    train, test = tickets(asked)
    rows, targets = measure(train, test, asked)
    title = f"{len(test[0]):,} texts to vectors on {asked.threads} threads"
    return report.publish(asked, title, rows, targets)


def tickets(asked: argparse.Namespace) -> tuple[tuple[list[str], Labels], tuple[list[str], Labels]]:
    """(texts, labels) to make the form by, and to measure by."""
    columns = (asked.text_column, asked.label_column)
    texts, labels = read(asked.texts, *columns)
    if asked.test:
        return (texts, labels), read(asked.test, *columns)
    order = np.random.default_rng(asked.seed).permutation(len(texts))
    held, rest = order[: len(order) // 5], order[len(order) // 5 :]
    return ([texts[at] for at in rest], labels[rest]), ([texts[at] for at in held], labels[held])


def measure(
    train: tuple[list[str], Labels], test: tuple[list[str], Labels], asked: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and targets."""
    import torch

    from ml.container import default_base_model
    from ml.encoder import Encoder

    torch.set_num_threads(asked.threads)
    base = asked.base or default_base_model()
    exact = Encoder.load(base)
    vectors = exact.embed(train[0])
    with tempfile.TemporaryDirectory() as folder:
        embed, form = fast_form(exact, Path(folder), train, vectors, asked)
        ways = peers(base) | {EXACT: exact.embed, FAST: embed}
        seconds = race(ways, test[0], asked.repeats)
        waits = {name: wait_for_one(way, test[0]) for name, way in ways.items()}
        found = {name: way(test[0]) for name, way in ways.items()}
        fast_train = embed(train[0])
        apart = alone_or_together(ways, test[0], found)
    heads = {EXACT: head_of(vectors, train[1]), FAST: head_of(fast_train, train[1])}
    known = np.unique(train[1])
    scores = {
        EXACT: macro_f1(heads[EXACT](found[EXACT]), test[1], known),
        FAST: macro_f1(heads[FAST](found[FAST]), test[1], known),
        "mixed": macro_f1(heads[EXACT](found[FAST]), test[1], known),
    }
    rows = [row(name, seconds, waits, found, apart, scores) for name in ways]
    rows[-1] |= {
        "form": form["name"],
        "agreement": form.get("agreement"),
        "mixed F1": round(scores["mixed"], 2),
    }
    return rows, targets_of(seconds, scores)


def fast_form(
    exact: Any, folder: Path, train: tuple[list[str], Labels], vectors: Floats, asked: argparse.Namespace
) -> tuple[Embed, dict[str, Any]]:
    """The form a training would choose, and what it notes of it; a form that is none embeds in float32."""
    from ml.encoder import copy_encoder
    from ml.forms import BF16, GRAPHS, choose, load_graph, texts_for

    target = folder / "encoder"
    copy_encoder(exact.folder, target)
    texts = texts_for(train[0], [], [], asked.seed)
    form = choose(exact, folder, exact.fingerprint(), texts, head_of(vectors, train[1]), asked.threads)
    if form["name"] in GRAPHS:
        return load_graph(folder, exact.pooling, asked.threads).embed, form

    def embed(given: Sequence[str]) -> Floats:
        exact.bf16 = form["name"] == BF16
        try:
            return np.asarray(exact.embed(given), np.float32)
        finally:
            exact.bf16 = False

    return embed, form


def peers(base: Path) -> dict[str, Embed]:
    """sentence-transformers, with texts sorted by length (as it does), and batch by batch as they come."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(base), device="cpu", local_files_only=True).eval()

    def encode(texts: Sequence[str]) -> Floats:
        found = model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, np.float32)

    def as_they_come(texts: Sequence[str]) -> Floats:
        return np.concatenate([encode(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])

    return {PEER: encode, ARRIVING: as_they_come}


def race(ways: dict[str, Embed], texts: list[str], repeats: int) -> dict[str, list[float]]:
    """Seconds by way, one a repeat; all ways in turn within a repeat, once warm."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(texts[: 4 * BATCH])
    for repeat in range(repeats):
        for name, way in ways.items():
            began = time.perf_counter()
            way(texts)
            seconds[name].append(time.perf_counter() - began)
            speed = len(texts) / seconds[name][-1]
            print(f"{repeat + 1}/{repeats}  {name:<42} {speed:8.0f} texts/s", file=sys.stderr, flush=True)
    return seconds


def wait_for_one(way: Embed, texts: list[str]) -> float:
    """Median milliseconds for one text alone."""
    took = []
    for text in texts[:ONE_BY_ONE]:
        began = time.perf_counter()
        way([text])
        took.append(1000 * (time.perf_counter() - began))
    return float(np.median(took))


def alone_or_together(ways: dict[str, Embed], texts: list[str], found: dict[str, Floats]) -> dict[str, float]:
    """By way, the largest distance (1 - cosine) between a text's vector among others and its vector alone."""
    some = texts[:ONE_BY_ONE]
    return {
        name: max(
            0.0,
            float(1 - (np.concatenate([way([one]) for one in some]) * found[name][: len(some)]).sum(1).min()),
        )
        for name, way in ways.items()
    }


def head_of(vectors: Floats, labels: Labels) -> Head:
    """The learner's own head, fitted on these; answers with places in the sorted labels."""
    from ml.softmax import SoftmaxRegression

    head = SoftmaxRegression().fit(vectors, np.unique(labels, return_inverse=True)[1])
    return lambda given: np.asarray(head.predict(given), np.int64)


def macro_f1(predicted: NDArray[np.int64], labels: Labels, known: Labels) -> float:
    """In points, 0 to 100."""
    return 100 * float(f1_score(labels, known[predicted], average="macro"))


def row(
    name: str,
    seconds: dict[str, list[float]],
    waits: dict[str, float],
    found: dict[str, Floats],
    apart: dict[str, float],
    scores: dict[str, float],
) -> dict[str, Any]:
    """One way's figures; ratios are taken repeat by repeat."""
    times = ratios(seconds, name)
    return {
        "method": name,
        "texts/s": round(len(found[name]) / float(np.median(seconds[name]))),
        "times": round(float(np.median(times)), 2),
        "least": round(min(times), 2),
        "most": round(max(times), 2),
        "one text, ms": round(waits[name], 2),
        "cosine to fp32": round(float((found[name] * found[EXACT]).sum(axis=1).mean()), 5),
        "alone or together": float(f"{apart[name]:.2g}"),
        "macro-F1": round(scores[name], 2) if name in scores else None,
    }


def ratios(seconds: dict[str, list[float]], name: str) -> list[float]:
    """How many times as fast as the peer, repeat by repeat."""
    return [peer / own for peer, own in zip(seconds[PEER], seconds[name], strict=True)]


def targets_of(seconds: dict[str, list[float]], scores: dict[str, float]) -> list[dict[str, Any]]:
    """Speed against the peer, and points of macro-F1 lost to float32 (negative: gained)."""
    times = round(float(np.median(ratios(seconds, FAST))), 2)
    return [
        report.at_least(f"times as fast as {PEER}", times, TIMES),
        report.at_most("points of macro-F1 lost", round(scores[EXACT] - scores[FAST], 2), MOST_LOSS),
        report.at_most(
            "points lost, head of float32 asked with the form's vectors",
            round(scores[EXACT] - scores["mixed"], 2),
            MOST_LOSS,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
