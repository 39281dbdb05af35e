"""An encoder without torch: a graph of ``ml.bert_graph`` run by ONNX Runtime, with its tokenizer.

A process that answers with it needs a quarter of the memory and a tenth of the start of one that loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ml.pooling import Pooling

Floats = NDArray[np.float32]
Tokens = list[list[int]]

BATCH = 64
BATCH_TOKENS = 256
"""A batch holds at most this many tokens for each thread, padding included: what a core's cache holds."""

FEWEST_TOKENS, BATCHES_EACH = 64, 2
"""Where batches are worked on side by side, each worker gets at least so many, if they hold so many tokens: few texts
are shared out evenly then, with little to pad. Four live tickets took 4.7 ms each in batches as long as could be and
take 3.7, and 6.9 of the processor's time instead of 7.5 (two cores with AVX-512 VNNI)."""

CHARACTERS_PER_TOKEN = 50
"""As in ``ml.encoder``: a text is cut to this many characters per token before the tokenizer reads it."""


class Graph:
    """A graph ready to run: ``threads`` work on one batch, and ``at_once`` batches are worked on side by side.

    ``model``: a path, or its bytes. Raises what ONNX Runtime raises for a bad one.
    """

    def __init__(self, model: Path | bytes, threads: int, at_once: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Lengths change from batch to batch: a plan of memory kept for each would only grow.
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        given = model if isinstance(model, bytes) else str(model)
        self.threads = threads
        self.at_once = at_once
        self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, tokens: Sequence[list[int]]) -> list[Floats]:
        """The outputs for a batch of token ids. What pads them is masked everywhere, so any id will do."""
        longest = max(len(ids) for ids in tokens)
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros((len(tokens), longest), np.int64)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        found: list[Floats] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return found

    def run_all(self, batches: Sequence[Sequence[list[int]]]) -> Generator[list[Floats]]:
        """The outputs for each batch, in order. Those that wait are dropped when the caller stops asking."""
        if self.at_once == 1 or len(batches) < 2:
            yield from map(self.run, batches)
            return
        waiting = [self._workers.submit(self.run, batch) for batch in batches]
        try:
            for one in waiting:
                yield one.result()
        finally:
            for one in waiting:
                one.cancel()

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        # ONNX Runtime lets go of the interpreter while it works, so Python's threads do.
        return ThreadPoolExecutor(self.at_once, "embed")


class FastEncoder:
    """As ``ml.encoder.Encoder``, to embed alone; a text's vector does not depend on its neighbours."""

    def __init__(self, graph: Graph, tokenizer: Tokenizer, pooling: Pooling) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(pooling.max_length)
        self.graph = graph
        self.tokenizer = tokenizer
        self.pooling = pooling

    @classmethod
    def load(cls, graph: Path, tokenizer: Path, pooling: Pooling, threads: int) -> FastEncoder:
        """From the two files; raises what ONNX Runtime and the tokenizer raise for bad ones.

        The graph is an int8 one: its products are so short that two threads on one take longer than one alone, and
        batches side by side half as long (docs/decisions/encoder-path.md).
        """
        return cls(Graph(graph, 1, threads), load_tokenizer(tokenizer), pooling)

    @property
    def dim(self) -> int:
        return self.pooling.dim

    @property
    def at_once(self) -> int:
        """How many threads may embed side by side, each as fast as alone where it has a core."""
        return self.graph.at_once

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Token ids of each text, cut at the limit, not padded."""
        longest = self.pooling.max_length * CHARACTERS_PER_TOKEN
        # Half a surrogate pair is legal in JSON and in str, but no tokenizer reads it.
        cut = [text[:longest].encode("utf-8", "replace").decode("utf-8") for text in texts]
        return [list(found.ids) for found in self.tokenizer.encode_batch_fast(cut)]

    def embed(
        self,
        texts: Sequence[str],
        batch_size: int = BATCH,
        on_batch: Callable[[int], None] | None = None,
    ) -> Floats:
        """(n, dim) float32 of length 1 each, in the order of the texts; equal texts are computed once.

        ``on_batch`` is told how many texts are done, and may raise to stop.
        """
        tokens, place = _distinct(self.tokenise(texts) if len(texts) else [])
        repeats = np.bincount(place, minlength=len(tokens)) if len(place) else np.zeros(0, np.int64)
        found = np.zeros((len(tokens), self.dim), np.float32)
        done = 0
        most = min(batch_size, -(-len(tokens) // self.graph.at_once))
        cut = list(batches(tokens, most, self._most_tokens(tokens)))
        # Closed, so that what still waits is dropped at once when ``on_batch`` raises.
        with closing(self.graph.run_all([[tokens[row] for row in rows] for rows in cut])) as made:
            for rows, outputs in zip(cut, made, strict=True):
                found[rows] = outputs[0]
                done += int(repeats[rows].sum())
                if on_batch:
                    on_batch(done)
        return found[place]

    def _most_tokens(self, tokens: Tokens) -> int:
        """Of one batch of these texts."""
        most = BATCH_TOKENS * self.graph.threads
        if self.graph.at_once == 1:
            return most
        share = sum(map(len, tokens)) // (BATCHES_EACH * self.graph.at_once)
        return min(most, max(FEWEST_TOKENS, share))


def _distinct(tokens: Tokens) -> tuple[Tokens, NDArray[np.int64]]:
    """The distinct ones, and which of them each is."""
    known: dict[tuple[int, ...], int] = {}
    place = [known.setdefault(tuple(ids), len(known)) for ids in tokens]
    return [list(ids) for ids in known], np.array(place, np.int64)


def batches(tokens: Tokens, most: int, most_tokens: int) -> Iterator[list[int]]:
    """Rows of similar length together, the longest first, within both limits (one row at least)."""
    order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
    first = 0
    while first < len(order):
        size = max(1, min(most, most_tokens // max(1, len(tokens[order[first]]))))
        yield order[first : first + size]
        first += size


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a ``tokenizer.json``."""
    return Tokenizer.from_file(str(path))
