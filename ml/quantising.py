"""Makes the int8 graphs of an encoder: writes it in float32, watches texts go through, rounds, writes it in bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.artifact import ENCODER
from ml.bert_graph import BertGraph, NoGraph, Shape
from ml.fast_encoder import FastEncoder, Graph, batches, load_tokenizer
from ml.forms import FEWEST, GRAPH, MOST_WEIGHT_BYTES, TOKENIZER, Exact
from ml.int8 import MOST, MOST_IN_16, observe, quantise
from ml.machine import adds_bytes_exactly
from ml.pooling import read_object

Floats = NDArray[np.float32]

CALIBRATION_TOKENS = 16_000
"""Enough to tell the directions of 1,536 inputs apart; more changes little and takes long."""

SAME = 0.9999
"""The least cosine between a graph in float32 and the encoder it was written from."""


class GraphMaker:
    """Makes the int8 graphs of one encoder: calibrated once, written with activations of one byte or of two.

    ``NoGraph`` for an encoder that has no such form, or whose graph would not be the same encoder.
    """

    def __init__(
        self,
        exact: Exact,
        folder: Path,
        texts: list[str],
        threads: int,
        check: Callable[[], None],
    ) -> None:
        if len(texts) < FEWEST:
            raise NoGraph(f"{len(texts)} texts to calibrate on, {FEWEST} are needed")
        weights = exact.weights()
        if sum(value.nbytes for value in weights.values()) > MOST_WEIGHT_BYTES:
            raise NoGraph("the encoder is too large for a graph in one piece")
        shape = Shape.read(read_object(folder / ENCODER / "config.json"), weights)
        self.folder = folder
        self._graph = BertGraph(weights, shape, exact.pooling)
        watched = Graph(self._graph.build({}, watch=True).SerializeToString(), threads)
        exactly = FastEncoder(watched, load_tokenizer(folder / TOKENIZER), exact.pooling)
        sample = texts[:32]
        if not float((exactly.embed(sample) * exact.embed(sample)).sum(axis=1).min()) >= SAME:
            raise NoGraph("this encoder is not built as its configuration says")
        seen = observe(_activations(exactly, texts, check))
        del watched, exactly
        most = MOST if adds_bytes_exactly() else MOST_IN_16
        self._int8 = quantise(weights, shape, seen, check, most)

    def write(self, is_fine: bool) -> None:
        """Write the graph into the artifact's folder."""
        int8 = {name: replace(made, is_fine=is_fine) for name, made in self._int8.items()}
        (self.folder / GRAPH).write_bytes(self._graph.build(int8).SerializeToString())


def _activations(
    encoder: FastEncoder, texts: list[str], check: Callable[[], None]
) -> Iterator[dict[str, Floats]]:
    """What enters each product, batch by batch, paddings left out."""
    tokens = encoder.tokenise(texts)
    total = np.cumsum([len(ids) for ids in tokens])
    tokens = tokens[: int(np.searchsorted(total, CALIBRATION_TOKENS)) + 1]
    for rows in batches(tokens, 32, 1024):
        check()
        batch = [tokens[row] for row in rows]
        longest = max(len(ids) for ids in batch)
        real = np.concatenate([np.arange(longest) < len(ids) for ids in batch])
        outputs = encoder.graph.run(batch)
        yield {
            name: made[real]
            for name, made in zip(encoder.graph.outputs, outputs, strict=True)
            if name != "vectors"
        }
