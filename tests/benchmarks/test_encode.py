"""What the benchmark of the encoder is measured by."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from annotation.demo.corpus import generate
from benchmarks import encode

ASKED = {
    "threads": 1,
    "repeats": 1,
    "seed": 0,
    "base": None,
    "text_column": "text",
    "label_column": "service",
}


def test_speed_is_judged_by_the_middle_of_the_ratios_of_each_repeat() -> None:
    seconds = {encode.PEER: [6.0, 9.0, 8.0], encode.EXACT: [3.0, 3.0, 3.0], encode.FAST: [1.0, 3.0, 2.0]}
    assert encode.ratios(seconds, encode.FAST) == [6.0, 3.0, 4.0]
    met = encode.targets_of(seconds, {encode.EXACT: 90.0, encode.FAST: 89.7, "mixed": 89.6})
    assert [(one["value"], one["met"]) for one in met] == [(4.0, True), (0.3, True), (0.4, False)]


def test_a_vector_that_depends_on_its_neighbours_is_told_by_its_distance() -> None:
    def steady(texts: object) -> np.ndarray:
        return np.tile(np.asarray([[1.0, 0.0]], np.float32), (len(list(texts)), 1))

    def swayed(texts: object) -> np.ndarray:
        count = len(list(texts))
        return np.tile(np.asarray([[1.0, 0.0] if count > 1 else [0.6, 0.8]], np.float32), (count, 1))

    ways = {"steady": steady, "swayed": swayed}
    texts = ["a", "b", "c"]
    apart = encode.alone_or_together(ways, texts, {name: way(texts) for name, way in ways.items()})
    assert apart == {"steady": 0.0, "swayed": pytest.approx(0.4)}


def test_without_a_test_file_a_fifth_is_held_out_and_nothing_is_in_both(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("text,service\n" + "".join(f"text {n},s{n % 3}\n" for n in range(50)))
    train, test = encode.tickets(argparse.Namespace(texts=path, test=None, **ASKED))
    assert (len(train[0]), len(test[0])) == (40, 10) and not set(train[0]) & set(test[0])


@pytest.mark.heavy
def test_a_small_run_measures_every_way_and_the_form_agrees() -> None:
    made = list(generate(360))
    texts = [ticket.text[:50] for ticket in made]
    labels = np.asarray([ticket.service or "none" for ticket in made])
    train, test = (texts[:300], labels[:300]), (texts[300:], labels[300:])
    rows, targets = encode.measure(train, test, argparse.Namespace(**ASKED))
    by_name = {row["method"]: row for row in rows}
    assert set(by_name) == {encode.PEER, encode.ARRIVING, encode.EXACT, encode.FAST}
    assert all(row["texts/s"] > 0 and row["cosine to fp32"] > 0.97 for row in rows)
    assert by_name[encode.PEER]["times"] == 1.0
    assert by_name[encode.FAST]["form"] == "fp32" or by_name[encode.FAST]["agreement"] >= 0.995
    assert len(targets) == 3
