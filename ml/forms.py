"""The form an artifact's encoder answers in: int8 without torch, bfloat16 or float32; chosen once, by measuring.

A faster form is used only where the model gives the same labels with it on ``ENOUGH`` of the texts it is judged by;
else the next one is tried, else float32 stays. Two forms never share a space: each has a fingerprint of its own. What
was tried and measured, and on which machine, is kept in the manifest's ``form``.

No torch here, and ONNX Runtime only inside functions: reading an artifact needs neither.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ml.agreement import Labeller, agreement
from ml.artifact import file_sha256
from ml.finetune import Stopped
from ml.machine import BF16_FLAGS, cpu_flags, cpu_name
from ml.pooling import Pooling

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]

FP32, BF16, INT8, FINE = "fp32", "bf16", "int8", "int8x2"
GRAPHS = (INT8, FINE)
"""Forms that are a graph: activations of one byte, or of two, which is slower and rounds a third as much."""

ENOUGH = 0.995
"""The share of labels a form has to keep."""

FEWEST = 100
"""Texts below which nothing can be concluded about a share of .995."""

MOST_JUDGED, MOST_CALIBRATED = 1000, 1000
SPEED_TEXTS, ALONE_TEXTS = 256, 32
"""Texts by which speeds are compared, each form twice over: all at once, and one at a time."""

MAKING_SECONDS = 15.0
"""What it takes to watch texts go through and to round the weights of the default encoder, on two slow cores."""

FOLDER = "fast"
GRAPH, TOKENIZER, CHECK = f"{FOLDER}/encoder.onnx", f"{FOLDER}/tokenizer.json", f"{FOLDER}/check.npz"
CHECK_TEXTS = (
    "Where is my parcel? It should have arrived on Monday.",
    "I was charged twice for the same order!!!",
    "mot de passe oublié, je ne peux plus me connecter",
    "refund",
    "Hello, the screen of the phone you sent me is broken, and support has not answered for two weeks. Thanks.",
    "0000 1111 ?? 2222",
)
"""Sentences of our own, no customer's: their vectors, made with the form, show whether a machine can run it."""

MOST_WEIGHT_BYTES = 1_800_000_000
"""A graph in one piece has to stay under 2 GB."""

SAME = 0.999
"""The least cosine, with the vector that was kept, of a machine that runs a form as the one that made it."""


class CannotRun(Exception):
    """This machine cannot run the form; ``str()`` says why, for people."""


class Exact(Protocol):
    """What is needed of an encoder in float32 to make its other forms (``ml.encoder.Encoder``)."""

    pooling: Pooling
    bf16: bool

    @property
    def is_on_gpu(self) -> bool: ...
    def embed(self, texts: Sequence[str]) -> Floats: ...
    def weights(self) -> Mapping[str, NDArray[Any]]: ...
    def tokenizer_json(self) -> str: ...


def choose(
    exact: Exact,
    folder: Path,
    fingerprint: str,
    texts: tuple[Sequence[str], Sequence[str]],
    labels: Labeller,
    threads: int,
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The manifest's ``form`` for the artifact in ``folder``, whose files are written where the form has any.

    ``fingerprint``: of the encoder in float32. ``texts``: (to calibrate on, to judge by). ``check`` is called now and
    then, and may raise to stop. Nothing that goes wrong with a form stops the artifact: it stays float32.
    """
    calibrating, judging = list(texts[0])[:MOST_CALIBRATED], list(texts[1])[:MOST_JUDGED]
    form: dict[str, Any] = {
        "name": FP32, "encoder": fingerprint, "exact": fingerprint, "judged": len(judging), "reason": "",
        "threads": threads, "tried": [], "cpu": cpu_name(), "cpu_flags": cpu_flags(),
    }  # fmt: skip
    if exact.is_on_gpu:
        return form | {"reason": "made on a machine with a GPU: the fast forms are for CPUs"}
    plain = _plain(exact, folder, threads)
    is_graph = (folder / CHECK).is_file()
    if len(judging) < FEWEST:
        return form | {"reason": f"{len(judging)} texts to judge by, {FEWEST} are needed"}
    vectors = plain(judging)
    judge = _Judge(exact, plain, judging, vectors, labels, form["tried"])
    graphs = _Graphs(exact, folder, calibrating, threads, check)
    makers = {
        INT8: lambda: graphs.make(is_fine=False),
        FINE: lambda: graphs.make(is_fine=True),
        BF16: lambda: _bf16(exact),
    }
    for name, make in makers.items():
        if judge.accepts(name, make, check):
            form |= {"name": name, "agreement": form["tried"][-1]["agreement"]}
            form["encoder"] = fingerprint_of(form, folder)
            break
        _clear(folder)
    if form["name"] == BF16:
        _clear(folder)
    if form["name"] == FP32:
        if is_graph:
            from ml.float_graph import keep_check

            keep_check(exact, folder)
        form["reason"] = "; ".join(f"{one['form']}: {one['reason']}" for one in form["tried"])
        print(f"the artifact embeds in float32: {form['reason']}", flush=True)
    form["tried"].append(
        {"form": FP32, "agreement": 1.0, "texts_per_second": judge.exact_speed, "reason": ""}
    )
    return form


def _plain(exact: Exact, folder: Path, threads: int) -> Embed:
    """How float32 is run here: by a graph (`ml.float_graph`), else by torch. Leaves in the folder what tells which."""
    from ml.float_graph import keep_check, load_float

    try:
        keep_check(exact, folder)
        embed: Embed = load_float(folder, exact.pooling, threads).embed
    except CannotRun as error:
        print(f"torch embeds in float32: {error}", flush=True)
        _clear(folder)
        return exact.embed
    return embed


def _clear(folder: Path) -> None:
    """Take a form's files away."""
    for left in (GRAPH, TOKENIZER, CHECK):
        (folder / left).unlink(missing_ok=True)
    if (folder / FOLDER).is_dir() and not any((folder / FOLDER).iterdir()):
        (folder / FOLDER).rmdir()


def texts_for(
    train: Sequence[str], held_back: Sequence[str], pool: Sequence[str], seed: int
) -> tuple[list[str], list[str]]:
    """(texts to calibrate on, texts to judge by), none in both: judged by what did not train, as far as there is."""
    rng = np.random.default_rng([seed, 8])
    first, second, own = (
        [texts[at] for at in rng.permutation(len(texts))]
        for texts in map(list, (dict.fromkeys(held_back), dict.fromkeys(pool), dict.fromkeys(train)))
    )
    judging = list(dict.fromkeys([*first, *second]))[:MOST_JUDGED]
    if len(judging) < FEWEST:
        judging = list(dict.fromkeys([*judging, *own[: len(own) // 2]]))[:MOST_JUDGED]
    judged = set(judging)
    return [text for text in own if text not in judged][:MOST_CALIBRATED], judging


def form_seconds(pace: float, pool: int) -> float:
    """About how long a choice takes, at ``pace`` seconds a text in float32 with so many texts beside the labelled ones:
    one form made and judged, and its speed compared with float32's."""
    return 2 * pace * min(MOST_JUDGED, pool + 500) + MAKING_SECONDS


class _Judge:
    """Measures forms by the same texts, and notes of each what was found. ``plain``: how float32 is run here."""

    def __init__(
        self,
        exact: Exact,
        plain: Embed,
        texts: list[str],
        vectors: Floats,
        labels: Labeller,
        notes: list[dict[str, Any]],
    ) -> None:
        self.exact = exact
        self.plain = plain
        self.texts = texts
        self.vectors = vectors
        self.labels = labels
        self.notes = notes
        self.exact_speed = 0.0

    def accepts(self, name: str, make: Callable[[], Embed], check: Callable[[], None]) -> bool:
        note: dict[str, Any] = {"form": name, "agreement": None, "texts_per_second": None, "reason": ""}
        self.notes.append(note)
        try:
            check()
            embed = make()
            check()
            found = embed(self.texts)
            note["agreement"] = round(agreement(self.labels, self.vectors, found), 5)
            note["cosine"] = round(float((found * self.vectors).sum(axis=1).mean()), 6)
            note["texts_per_second"], self.exact_speed = self._speeds(embed, self.texts[:SPEED_TEXTS])
            note["alone_per_second"], alone = self._speeds(embed, self.texts[:ALONE_TEXTS], at_once=1)
        except CannotRun as error:
            note["reason"] = str(error)
        except Stopped:
            raise
        except Exception as error:  # of any kind: whatever is wrong with a form, float32 answers
            note["reason"] = f"could not be made: {type(error).__name__}: {error}"[:300]
        else:
            if note["agreement"] < ENOUGH:
                note["reason"] = f"agrees on {note['agreement']:.2%} of labels, {ENOUGH:.1%} are needed"
            elif note["texts_per_second"] <= self.exact_speed:
                note["reason"] = "no faster here than fp32"
            elif note["alone_per_second"] <= alone:
                note["reason"] = "no faster here than fp32 for one ticket at a time, as customers wait for it"
        return not note["reason"]

    def _speeds(self, embed: Embed, texts: Sequence[str], at_once: int = SPEED_TEXTS) -> tuple[float, float]:
        """(texts a second of this form, of float32): in turns, the better of two, so that load hits both."""
        best = [0.0, 0.0]
        for _ in range(2):
            for at, run in enumerate((embed, self.plain)):
                began = time.perf_counter()
                for first in range(0, len(texts), at_once):
                    run(texts[first : first + at_once])
                best[at] = max(best[at], len(texts) / max(time.perf_counter() - began, 1e-9))
        return round(best[0], 1), round(best[1], 1)


def _bf16(exact: Exact) -> Embed:
    if not BF16_FLAGS & set(cpu_flags()):
        raise CannotRun("this CPU has no bfloat16 products")

    def embed(texts: Sequence[str]) -> Floats:
        exact.bf16 = True
        try:
            return exact.embed(texts)
        finally:
            exact.bf16 = False

    return embed


class _Graphs:
    """Makes the forms that are graphs; what they share is made once, or its failure remembered."""

    def __init__(
        self, exact: Exact, folder: Path, texts: list[str], threads: int, check: Callable[[], None]
    ) -> None:
        self.exact = exact
        self.folder = folder
        self.threads = threads
        self._made: Any = None
        self._failed: CannotRun | None = None
        self._given = (texts, threads, check)

    def make(self, is_fine: bool) -> Embed:
        """Write graph, tokenizer and check, and return what embeds with them."""
        if self._failed is not None:
            raise self._failed
        folder = self.folder
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        (folder / TOKENIZER).write_text(self.exact.tokenizer_json(), "utf-8")
        self._made = self._made or self._prepared()
        self._made.write(is_fine)
        fast = _load(folder, self.exact.pooling, self.threads)
        with (folder / CHECK).open("wb") as stream:
            np.savez(stream, vectors=fast.embed(CHECK_TEXTS))
        embed: Embed = fast.embed
        return embed

    def _prepared(self) -> Any:
        try:
            from ml.bert_graph import NoGraph
            from ml.quantising import GraphMaker

            if not self.exact.tokenizer_json():
                raise NoGraph("the tokenizer is written in Python")
            return GraphMaker(self.exact, self.folder, *self._given)
        except (Stopped, CannotRun):
            raise
        except ImportError as error:
            self._failed = CannotRun(f"{error.name} is not installed")
        except NoGraph as error:
            self._failed = CannotRun(str(error))
        except Exception as error:  # of any kind: whatever is wrong with a form, float32 answers
            self._failed = CannotRun(f"could not be made: {type(error).__name__}: {error}"[:300])
        raise self._failed


def fingerprint_of(form: Mapping[str, Any], folder: Path) -> str:
    """16 hex digits that name the space of a form: of float32 with the form, and with the form's own files."""
    if form["name"] == FP32:
        return str(form["exact"])
    files = [name for name in (GRAPH, TOKENIZER) if (folder / name).is_file()]
    lines = [str(form["exact"]), str(form["name"]), *(file_sha256(folder / name) for name in files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _load(folder: Path, pooling: Pooling, threads: int) -> Any:
    from ml.fast_encoder import FastEncoder

    return FastEncoder.load(folder / GRAPH, folder / TOKENIZER, pooling, threads)


def load_graph(folder: Path, pooling: Pooling, threads: int) -> Any:
    """The fast encoder of an artifact folder; ``CannotRun`` where this machine does not give the vectors kept."""
    try:
        fast = _load(folder, pooling, threads)
        with np.load(folder / CHECK, allow_pickle=False) as kept:
            vectors = kept["vectors"]
        found = fast.embed(CHECK_TEXTS)
    except Exception as error:  # ONNX Runtime raises kinds of its own
        raise CannotRun(f"{type(error).__name__}: {error}") from error
    least = float((found * vectors).sum(axis=1).min())
    if not least >= SAME:
        raise CannotRun(f"on this CPU its vectors come out another way (cosine {least:.4f})")
    return fast
