"""A graph whose batches are worked on side by side: the same vectors, in order, and nothing done that nobody wants."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml.bert_graph import BertGraph, Shape
from ml.encoder import Encoder
from ml.fast_encoder import BATCH_TOKENS, FastEncoder, Graph, load_tokenizer
from ml.float_graph import _weights
from ml.pooling import read_object
from tests.ml.formed import JUDGED


class Counting(Graph):
    """Counts its batches, and how many were worked on at the same time at most."""

    def run(self, tokens: Sequence[list[int]]) -> list[np.ndarray]:
        with self.lock:
            self.begun, self.inside = self.begun + 1, self.inside + 1
            self.most = max(self.most, self.inside)
        try:
            if self.begun <= self.at_once:
                self.together.wait(10)
            return super().run(tokens)
        finally:
            with self.lock:
                self.inside -= 1


def encoder(bert: Path, at_once: int) -> tuple[FastEncoder, Counting]:
    exact, weights = Encoder.load(bert), _weights(bert)
    shape = Shape.read(read_object(bert / "config.json"), weights)
    model = BertGraph(weights, shape, exact.pooling).build({}).SerializeToString()
    graph = Counting(model, 1, at_once)
    graph.lock, graph.begun, graph.inside, graph.most = threading.Lock(), 0, 0, 0
    graph.together = threading.Barrier(at_once)
    tokenizer = bert / "written.json"
    tokenizer.write_text(exact.tokenizer_json() or "", "utf-8")
    return FastEncoder(graph, load_tokenizer(tokenizer), exact.pooling), graph


def test_batches_side_by_side_give_the_vectors_of_one_after_the_other_in_their_order(bert: Path) -> None:
    (alone, _), (beside, graph) = encoder(bert, 1), encoder(bert, 2)
    told: list[int] = []
    found = beside.embed(JUDGED, on_batch=told.append)
    assert np.abs(found - alone.embed(JUDGED)).max() < 1e-5
    assert graph.most == 2, "the first two waited for each other"
    assert told == sorted(told) and told[-1] == len(JUDGED)


def test_a_few_texts_are_shared_out_among_the_threads_and_one_text_needs_none(bert: Path) -> None:
    fast, graph = encoder(bert, 2)
    assert fast.embed(JUDGED[:4]).shape == (4, fast.dim)
    assert graph.begun == 2 and graph.most == 2
    fast, graph = encoder(bert, 2)
    graph.together = threading.Barrier(1)
    assert fast.embed(JUDGED[:1]).shape == (1, fast.dim)
    assert graph.begun == 1 and "_workers" not in vars(graph)


def test_a_few_long_texts_are_shared_out_evenly_with_little_to_pad(bert: Path) -> None:
    """Three of one length, in batches as long as could be, are two batches, one of them twice as long as the other."""
    fast, graph = encoder(bert, 2)
    long = [f"{word} " * 60 for word in ("card", "parcel", "refund")]
    tokens = fast.tokenise(long)
    assert len({len(one) for one in tokens}) == 1 and 2 * len(tokens[0]) <= BATCH_TOKENS
    found = fast.embed(long)
    assert graph.begun == 3
    alone, by_itself = encoder(bert, 1)
    by_itself.together = threading.Barrier(1)
    assert np.abs(found - alone.embed(long)).max() < 1e-5 and by_itself.begun == 1


def test_whoever_stops_between_batches_leaves_the_rest_undone(bert: Path) -> None:
    fast, graph = encoder(bert, 2)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fast.embed(JUDGED, batch_size=1, on_batch=stop)
    graph._workers.shutdown(wait=True)
    assert graph.begun < len(JUDGED) / 2


def test_what_a_batch_raises_reaches_the_caller(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast, _ = encoder(bert, 2)

    def broken(self: Graph, tokens: Sequence[list[int]]) -> list[np.ndarray]:
        raise RuntimeError("no memory")

    monkeypatch.setattr(Counting, "run", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        fast.embed(JUDGED)
