"""Records cross the wire unchanged; what breaks the contract is named, not guessed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.schema import (
    Manifest,
    SchemaError,
    TrainingRow,
    TransformInput,
    TransformOutput,
    WireError,
    decode_vector,
    dump_line,
    encode_vector,
    parse_line,
    read_training_rows,
)

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def manifest(**changes: Any) -> dict[str, Any]:
    record = Manifest(
        "classifier", 3, "abc", "base", "test", labels=["a", "b"], files={"head.npz": "0"}
    ).to_dict()
    return record | changes


@given(arrays(np.float32, st.integers(1, 20), elements=FINITE))
def test_a_vector_comes_back_bit_for_bit(vector: np.ndarray) -> None:
    assert decode_vector(encode_vector(vector)).tobytes() == vector.tobytes()


def test_vectors_are_little_endian_floats_of_32_bits() -> None:
    assert encode_vector(np.array([1.0], np.float32)) == "AACAPw=="


@pytest.mark.parametrize("text", [None, 3, "", "AAA", "é", "AAAA", encode_vector(np.array([math.nan]))])
def test_what_is_no_vector_is_refused(text: object) -> None:
    with pytest.raises(SchemaError):
        decode_vector(text)


def test_an_answer_comes_back_equal() -> None:
    said = (np.ones(2, np.float32), np.ones(1, np.float32), "delivery")
    answer = TransformOutput("7", "enc", "mod", *said, outlier=0.25)
    back = TransformOutput.from_dict(parse_line(dump_line(answer.to_dict())))
    assert back.to_dict() == answer.to_dict() and back.outlier == 0.25


def test_an_older_artifact_says_nothing_of_how_strange_a_ticket_is_and_nonsense_is_refused() -> None:
    record = TransformOutput("7", "enc", "mod", np.ones(2, np.float32), outlier=0.25).to_dict()
    assert TransformOutput.from_dict({k: v for k, v in record.items() if k != "outlier"}).outlier is None
    for wrong in (1.5, -0.1, float("nan"), True, "0.5"):
        with pytest.raises(SchemaError, match="outlier must be null or a number from 0 to 1"):
            TransformOutput.from_dict(record | {"outlier": wrong})


def test_an_error_without_a_readable_id_comes_back_equal() -> None:
    answer = TransformOutput("", "enc", "mod", error=WireError("bad_json", "the line is not valid JSON"))
    assert TransformOutput.from_dict(parse_line(dump_line(answer.to_dict()))) == answer


def test_an_answer_whose_dimension_lies_is_refused() -> None:
    record = TransformOutput("7", "enc", "mod", np.ones(2, np.float32)).to_dict() | {"dim": 3}
    with pytest.raises(SchemaError, match="dim says 3"):
        TransformOutput.from_dict(record)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ([], "not_an_object"),
        ({"text": "x"}, "bad_id"),
        ({"id": True, "text": "x"}, "bad_id"),
        ({"id": "1"}, "missing_text"),
        ({"id": "1", "text": 5}, "bad_text"),
        ({"id": "1", "text": "x", "vector": "AAAAAA=="}, "missing_encoder"),
        ({"id": "1", "text": "x", "encoder": "e", "vector": [1.0]}, "bad_vector"),
    ],
)
def test_a_bad_record_is_named_by_a_code(record: object, code: str) -> None:
    with pytest.raises(SchemaError) as caught:
        TransformInput.from_dict(record)
    assert caught.value.code == code


def test_a_ticket_travels_with_the_vector_that_is_known_of_it_or_without_one() -> None:
    vector = np.array([0.6, -0.8], np.float32)
    there = TransformInput.from_dict(parse_line(dump_line(TransformInput("1", "x", "e", vector).to_dict())))
    assert (there.id, there.text, there.encoder, list(there.vector)) == ("1", "x", "e", list(vector))
    assert TransformInput("1", "x").to_dict() == {"id": "1", "text": "x"}


def test_a_line_stays_one_line_whatever_the_text_holds() -> None:
    line = dump_line({"id": "1", "text": "a\nb\u2028c\u0085d"})
    assert line.splitlines() == [line.rstrip("\n")]
    assert parse_line(line)["text"] == "a\nb\u2028c\u0085d"


def test_a_bad_training_row_is_named_by_its_line() -> None:
    good = dump_line(TrainingRow("1", "text", "a", "g").__dict__)
    with pytest.raises(SchemaError, match="line 3: label is empty") as caught:
        list(read_training_rows([good, "\n", dump_line({"id": "2", "text": "x", "label": ""})]))
    assert caught.value.code == "empty_label"


@pytest.mark.parametrize("weight", [0, -1, "1", math.inf, True])
def test_a_weight_must_be_positive_and_finite(weight: object) -> None:
    with pytest.raises(SchemaError, match="weight"):
        TrainingRow.from_dict({"id": 1, "text": "x", "label": "a", "weight": weight})


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "other"},
        {"labels": []},
        {"labels": ["a", "a"]},
        {"dim": 0},
        {"temperature": 0},
        {"files": {}},
        {"encoder": ""},
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SchemaError) as caught:
        Manifest.from_dict(manifest(**changes))
    assert caught.value.code == "manifest_invalid"


def test_a_manifest_of_another_format_is_refused_as_such() -> None:
    with pytest.raises(SchemaError) as caught:
        Manifest.from_dict(manifest(format=2))
    assert caught.value.code == "unsupported_format"


def test_a_manifest_comes_back_equal_and_ignores_what_it_does_not_know() -> None:
    assert Manifest.from_dict(manifest(later="field")).to_dict() == manifest()
