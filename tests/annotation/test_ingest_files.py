"""Any file is read row by row or refused in words: encodings, separators, quotes, JSON lines, and any bytes at all."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from annotation.reading import FileProblem, RawRow, RowProblem, files, open_file, read_rows, rows

HEADER = "id,text\n"
FRENCH = "Où est mon colis ? J’ai payé 12 €, à Noël"


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def write(content: bytes | str) -> Path:
        path = tmp_path / "tickets"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def texts(path: Path, **how: str) -> list[str]:
    return [row.values["text"] for row in read_rows(open_file(path, **how)) if isinstance(row, RawRow)]


def problems(path: Path, **how: str) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in read_rows(open_file(path, **how)) if isinstance(row, RowProblem)]


def refusal(path: Path, **how: str) -> FileProblem:
    with pytest.raises(FileProblem) as refused:
        open_file(path, **how)
    return refused.value


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("cp1252", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)  # fmt: skip
def test_accents_survive_every_encoding_people_save_in(put: Any, encoding: str, mark: bytes) -> None:
    path = put(mark + f'id,text\n1,"{FRENCH}"\n'.encode(encoding))
    opened = open_file(path)
    assert opened.columns == ["id", "text"]
    assert texts(path) == [FRENCH]
    assert opened.warnings == (["read_as_latin1"] if encoding == "cp1252" else [])


def test_bytes_that_windows_does_not_know_are_read_as_latin_1(put: Any) -> None:
    path = put(HEADER.encode() + b"1,d\xe9j\xe0 \x81\n")
    assert open_file(path).encoding == "latin-1"
    assert texts(path) == ["déjà \x81"]


def test_a_few_spoilt_bytes_in_a_utf8_file_cost_no_accent_of_other_rows(put: Any) -> None:
    path = put(HEADER.encode() + f'1,"{FRENCH}"\n'.encode() * 20 + b"2,spoilt \xe9 here\n")
    assert open_file(path).warnings == ["spoilt_utf8"]
    assert texts(path)[:20] == [FRENCH] * 20


def test_utf16_without_a_mark_is_refused_with_the_way_out(put: Any) -> None:
    problem = refusal(put((HEADER + "1,Where is my parcel?\n" * 5).encode("utf-16-le")))
    assert problem.code == "not_text"
    assert "UTF-8" in str(problem)


def test_an_encoding_can_be_named_and_a_wrong_name_is_refused(put: Any) -> None:
    path = put(f'id,text\n1,"{FRENCH}"\n'.encode())
    assert texts(path, encoding="UTF8") == [FRENCH]
    for name in ("klingon", "base64", "hex", "a\0b", "undefined"):
        assert refusal(path, encoding=name).code == "unknown_encoding"
    assert refusal(path, encoding="ascii").code == "bad_encoding"
    assert refusal(path, encoding="utf-32").code == "bad_encoding"


def test_a_named_utf8_does_not_keep_the_mark_in_the_first_column(put: Any) -> None:
    path = put(codecs.BOM_UTF8 + b"text\nhello\n")
    assert open_file(path, encoding="utf-8").columns == ["text"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(put: Any, delimiter: str) -> None:
    path = put(f'id{delimiter}text{delimiter}service\n1{delimiter}"a, b; c|d\te"{delimiter}Delivery\n')
    assert open_file(path).delimiter == delimiter
    assert texts(path) == ["a, b; c|d\te"]


@pytest.mark.parametrize("delimiter", [";;", '"', "\n", " "])
def test_a_separator_that_cannot_be_one_is_refused(put: Any, delimiter: str) -> None:
    assert refusal(put(HEADER + "1,a\n"), delimiter=delimiter).code == "bad_delimiter"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_inside_quotes_belong_to_the_text_and_lines_are_still_counted(put: Any, end: str) -> None:
    path = put(end.join(["id,text", '1,"Hello,', "", 'it says ""no"""', "2,next", "3", ""]))
    assert texts(path) == [f'Hello,{end}{end}it says "no"', "next"]
    found = list(read_rows(open_file(path)))
    assert [row.line for row in found] == [2, 5, 6]


@pytest.mark.parametrize("content", [b"", b"\n\n", codecs.BOM_UTF8, b"\x00\x00", b" \t\r\n"])
def test_a_file_with_nothing_in_it_is_called_empty(put: Any, content: bytes) -> None:
    assert refusal(put(content)).code == "empty_file"


def test_a_file_of_a_header_alone_has_columns_and_no_rows(put: Any) -> None:
    path = put(HEADER)
    assert open_file(path).columns == ["id", "text"]
    assert list(read_rows(open_file(path))) == []


def test_two_columns_of_one_name_are_refused_by_name(put: Any) -> None:
    problem = refusal(put("text,id,text\na,b,c\n"))
    assert (problem.code, problem.params) == ("doubled_column", {"columns": ["text"]})


def test_columns_without_a_name_are_named_by_their_place(put: Any) -> None:
    assert open_file(put("id,text,,\n1,a,,\n")).columns == ["id", "text", "column 3", "column 4"]


def test_a_header_of_commas_is_no_header(put: Any) -> None:
    assert refusal(put(",,\na,b,c\n")).code == "no_columns"


def test_ragged_rows_cost_themselves_only_and_empty_cells_at_the_end_cost_nothing(put: Any) -> None:
    path = put("id,text\n1,a\n2\n3,b,extra\n4,c,,,\n\n,\n5,d\n")
    assert texts(path) == ["a", "c", "d"]
    assert problems(path) == [(3, "wrong_width"), (4, "wrong_width")]


def test_a_quote_that_is_never_closed_swallows_no_ticket_silently(put: Any) -> None:
    path = put('id,text\n1,a\n2,"b\n3,c\n4,d\n')
    found = list(read_rows(open_file(path)))
    assert texts(path) == ["a"]
    assert (found[-1].code, found[-1].line, found[-1].params) == ("unclosed_quote", 3, {"last_line": 5})


def test_a_lost_quote_runs_no_rows_into_one_ticket_and_the_report_says_how_far_it_reached(put: Any) -> None:
    path = put('id,text\n1,"a\n2,b\n3,"c"\n4,d\n')
    bad = [row for row in read_rows(open_file(path)) if isinstance(row, RowProblem)]
    assert [(row.line, row.code, row.params["last_line"]) for row in bad] == [(2, "unreadable_row", 4)]
    assert texts(path) == ["d"]


def test_a_stray_quote_on_one_line_is_forgiven(put: Any) -> None:
    assert texts(put('id,text\n1,he said "no" twice\n2,b\n')) == ['he said "no" twice', "b"]


def test_a_field_without_end_costs_its_row_and_reading_goes_on(
    put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_FIELD_CHARS", 1000)
    for head, bad, good in (
        ("id,text\n", "1," + "x" * 3500, "2,fine"),
        ("", json.dumps({"text": "x" * 3500}), '{"text": "fine"}'),
    ):
        path = put(f"{head}{bad}\n{good}\n")
        assert texts(path) == ["fine"]
        assert [code for _, code in problems(path)] == ["unreadable_row"]


def test_a_field_longer_than_the_csv_limit_is_a_row_problem(put: Any) -> None:
    size = files.MOST_FIELD_CHARS // 2
    path = put(b'id,text\n1,"' + b"x" * size + b"\n" + b"y" * size + b'"\n2,fine\n')
    assert texts(path)[-1] == "fine"
    assert problems(path)[0] == (2, "unreadable_row")


def test_a_text_of_a_megabyte_comes_through_whole(put: Any) -> None:
    text = "é" * 500_000
    assert texts(put(f"id,text\n1,{text}\n")) == [text]
    assert texts(put(json.dumps({"text": text}))) == [text]


def test_nul_bytes_do_not_end_the_reading(put: Any) -> None:
    path = put(b"id,te\x00xt\n1,a\x00b\n2,c\n")
    assert open_file(path).columns == ["id", "text"]
    assert texts(path) == ["a\x00b", "c"]  # taken out when the row is checked


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(range(256)) * 8, bytes(range(1, 32)) * 20])
def test_a_binary_file_is_refused_with_the_way_out(put: Any, content: bytes) -> None:
    problem = refusal(put(content))
    assert problem.code == "not_text"
    assert "save the table as CSV" in str(problem)


def test_json_lines_are_read_with_their_line_numbers_and_bad_ones_are_reported(put: Any) -> None:
    good = {"text": FRENCH, "tags": ["a", {"b": 1}], "n": 3}
    lines = [json.dumps(good), "", '{"text": "half', "[1, 2]", '"words"', '{"text": NaN}', '{"text": "last"}']
    path = put("\n".join(lines))
    found = list(read_rows(open_file(path)))
    assert found[0] == RawRow(1, good)
    assert problems(path) == [(3, "bad_json"), (4, "not_an_object"), (5, "not_an_object"), (6, "bad_json")]
    assert texts(path)[-1] == "last"


def test_a_name_that_first_comes_late_in_json_lines_is_a_column_all_the_same(put: Any) -> None:
    lines = [json.dumps({"text": f"t{n}"}) for n in range(300)] + [json.dumps({"text": "x", "service": "A"})]
    assert open_file(put("\n".join(lines))).columns == ["text", "service"]


@pytest.mark.parametrize("content", ['[{"text": "a"}, {"text": "b"}]', '{\n  "text": "a"\n}', "[" * 100_000])
def test_one_json_list_or_a_spread_out_object_is_refused_in_words(put: Any, content: str) -> None:
    problem = refusal(put(content))
    assert problem.code == "not_json_lines"
    assert "one object a line" in str(problem)


SHREDS = st.sampled_from(
    [
        b"text", b"id,text\n", b",", b";", b"\t", b'"', b'""', b"\n", b"\r\n", b"\r", b"\x00", b"\xff\xfe", b"\xfe\xff",
        b"\xef\xbb\xbf", b"\xe9",
        b"\xc3\xa9", b"\xed\xa0\x80", b"{", b"}", b"[", b"]", b'{"text": "a"}\n', b'"\\ud800"',
        b":", b"NaN", b"1e999", b"PK\x03\x04", b"a" * 50, b"\x81", b"\xf0\x9f\x98\x80",
    ]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(SHREDS, max_size=40).map(b"".join)))
@example(b"\xff\xfe\x00")
@example(b"text\n\xff\xfe")
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_rows_or_a_refusal_with_a_code(put: Any, content: bytes) -> None:
    path = put(content)
    try:
        opened = open_file(path)
    except FileProblem as problem:
        assert problem.code and str(problem)
        return
    assert opened.columns
    last = 0
    for row in read_rows(opened):
        assert row.line > last
        last = row.line
        assert isinstance(row, RowProblem) or set(row.values)


@given(
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "ascii", "utf-16", "utf-7", "idna", "punycode", "cp037"]),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_under_any_named_encoding_too(put: Any, content: bytes, encoding: str) -> None:
    try:
        opened = open_file(put(content), encoding=encoding)
    except FileProblem as problem:
        assert problem.code
        return
    for row in read_rows(opened):
        assert row.line > 0
