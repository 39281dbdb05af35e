"""Fingerprints name a set of rows; splits keep near-duplicates together and every label in train."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.dataset import class_weights, fingerprint, fingerprint_of_hashes, row_hash, split_by_group
from ml.schema import TrainingRow

ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 15)), min_size=1, max_size=60
).map(lambda pairs: [TrainingRow(str(i), f"t{i}", label, f"g{g}") for i, (label, g) in enumerate(pairs)])  # fmt: skip


@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_change_their_fingerprint(rows: list[TrainingRow], rng: object) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fingerprint(shuffled) == fingerprint(rows)


@pytest.mark.parametrize(
    "change",
    [{"id": "2"}, {"text": "y"}, {"label": "b"}, {"group": "h"}, {"weight": 2.0}, {"origin": "import"}],
)
def test_any_change_of_a_row_changes_the_fingerprint(change: dict[str, object]) -> None:
    row = TrainingRow("1", "x", "a", "g")
    assert fingerprint([replace(row, **change)]) != fingerprint([row])  # type: ignore[arg-type]


def test_a_tombstone_that_keeps_the_row_hash_keeps_the_fingerprint() -> None:
    rows = [TrainingRow(str(index), "x", "a", "g") for index in range(3)]
    assert fingerprint_of_hashes([row_hash(row) for row in rows]) == fingerprint(rows)


def test_fields_cannot_run_into_each_other() -> None:
    assert row_hash(TrainingRow("1", "ab", "c", "g")) != row_hash(TrainingRow("1", "a", "bc", "g"))


@given(ROWS, st.floats(0, 0.8), st.integers(0, 5))
def test_a_split_loses_nothing_crosses_no_group_and_keeps_every_label(
    rows: list[TrainingRow], share: float, seed: int
) -> None:
    train, validation = split_by_group(rows, share, seed)
    assert sorted(row.id for row in train + validation) == sorted(row.id for row in rows)
    assert not {row.group for row in train} & {row.group for row in validation}
    assert {row.label for row in train} == {row.label for row in rows}


def test_a_split_takes_its_share_of_each_label() -> None:
    rows = [TrainingRow(str(i), "x", "often" if i % 10 else "rarely", f"g{i}") for i in range(1000)]
    _, validation = split_by_group(rows, 0.2, seed=1)
    assert Counter(row.label for row in validation) == {"often": 180, "rarely": 20}


def test_a_split_depends_on_the_seed_and_on_nothing_else() -> None:
    rows = [TrainingRow(str(i), "x", "a", f"g{i}") for i in range(50)]
    chosen = {row.id for row in split_by_group(rows, 0.3, 1)[1]}
    assert {row.id for row in split_by_group(rows[::-1], 0.3, 1)[1]} == chosen
    assert {row.id for row in split_by_group(rows, 0.3, 2)[1]} != chosen


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        split_by_group([], 1.0, 0)


@given(ROWS, st.floats(0, 1))
def test_rare_labels_weigh_more_and_rows_one_on_average(rows: list[TrainingRow], power: float) -> None:
    labels = [row.label for row in rows]
    weights = dict(zip(labels, class_weights(labels, power).tolist(), strict=True))
    assert sum(weights[label] for label in labels) == pytest.approx(len(labels), rel=1e-4)
    by_count = [weights[label] for label, _ in Counter(labels).most_common()]
    assert by_count == sorted(by_count)
    if power == 1:
        assert all(
            weights[one] * n == pytest.approx(len(labels) / len(weights))
            for one, n in Counter(labels).items()
        )


def test_without_balance_every_row_weighs_the_same() -> None:
    assert class_weights(["a", "a", "b"], 0).tolist() == [1, 1, 1]
    assert class_weights([], 0.5).shape == (0,)
    assert class_weights(["a", "a", "a", "b"], 1).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
