"""A batch transform: one output line per input line whatever the records, the server or the supervisor do."""

import io
import json
import tarfile
from pathlib import Path

import psutil
import pytest

from compute.port import JobState
from tests.compute.conftest import House, is_running, until


def said(house: House, name: str = "b-1") -> list[object]:
    return [record.get("said") or record["error"]["code"] for record in house.output(name)]  # type: ignore[index]


def partial_lines(house: House, name: str = "b-1") -> int:
    found = list((house.artifacts / "out").glob(f".{name}.jsonl.out.*"))
    return found[0].read_bytes().count(b"\n") if found else 0


def test_every_line_is_answered_in_order(house: House) -> None:
    house.supervise()
    texts = [f"text {number}" for number in range(500)]
    house.transform(texts)
    seen = house.ended("b-1")
    assert (seen.state, seen.processed, seen.progress) == (JobState.SUCCEEDED, 500, 1.0), seen
    assert seen.output_uri == house.uri("out", "b-1.jsonl.out")
    assert said(house) == texts
    assert [record["id"] for record in house.output()] == [str(number) for number in range(500)]
    assert list((house.artifacts / "out").iterdir()) == [house.artifacts / "out" / "b-1.jsonl.out"]


def test_a_bad_record_gets_an_error_line_and_spoils_no_other(house: House) -> None:
    house.supervise()
    house.transform([*"abc", "refuse", *"def", "swallow", "g"])
    assert house.ended("b-1").state == JobState.SUCCEEDED
    assert said(house) == ["a", "b", "c", "refused", "d", "e", "f", "no_answer", "g"]
    assert house.output()[3]["id"] == "3"


def test_blank_unreadable_and_huge_lines_get_error_lines_too(house: House) -> None:
    lines = [b'{"id":"a","text":"one"}', b"", b"\x00\xff{", b'{"id":"x","text":"' + b"x" * 5_000_001 + b'"}']
    (house.folder / "b-1.jsonl").write_bytes(b"\n".join(lines) + b'\r\n{"id":"b","text":"two"}')
    house.supervise()
    house.transform([])
    assert house.ended("b-1").state == JobState.SUCCEEDED
    answers = house.output()
    assert [record["id"] for record in answers] == ["a", "line 2", "line 3", "line 4", "b"]
    assert [(record.get("error") or {}).get("code") for record in answers] == [  # type: ignore[attr-defined]
        None, "bad_json", "refused", "too_large", None,
    ]  # fmt: skip


def test_an_empty_input_gives_an_empty_output(house: House) -> None:
    house.supervise()
    house.transform([])
    seen = house.ended("b-1")
    assert (seen.state, seen.processed) == (JobState.SUCCEEDED, 0)
    assert house.output() == []


def test_a_server_that_dies_once_is_started_again_and_no_line_is_lost(house: House) -> None:
    house.supervise()
    texts = ["a"] * 100 + ["die"] + ["b"] * 100
    house.transform(texts)
    assert house.ended("b-1").state == JobState.SUCCEEDED
    assert said(house) == texts
    assert len({record["pid"] for record in house.output()}) == 2


def test_a_server_that_dies_again_fails_the_transform_and_leaves_no_output(house: House) -> None:
    house.supervise()
    house.transform(["a"] * 100 + ["die always"])
    seen = house.ended("b-1")
    assert seen.state == JobState.FAILED
    assert "broke down again" in seen.failure_reason
    assert list((house.artifacts / "out").iterdir()) == []


def test_a_server_that_cannot_start_fails_the_transform_with_its_reason(house: House) -> None:
    house.supervise()
    house.transform(["a"], environment={"BREAK": "at_start"})
    seen = house.ended("b-1")
    assert seen.state == JobState.FAILED
    assert seen.failure_reason == "no weights for this machine"


def test_a_transform_goes_on_where_it_was_when_its_supervisor_is_killed(house: House) -> None:
    first = house.supervise_apart()
    texts = ["a"] * 200 + ["slow 1.5"] + ["b"] * 200
    house.transform(texts)
    until(lambda: partial_lines(house) >= 64 or house.backend.observe("b-1").processed, "some output")
    house.kill(first)
    house.supervise()
    assert house.ended("b-1").state == JobState.SUCCEEDED
    assert said(house) == texts
    assert len({record["pid"] for record in house.output()}) == 1, "the running serve was adopted"


def test_a_torn_line_of_a_killed_supervisor_is_written_again(house: House) -> None:
    spec = house.transform(["a", "b", "c"])
    (house.artifacts / "out").mkdir()
    partial = house.artifacts / "out" / f".b-1.jsonl.out.{spec.name}.partial"
    partial.write_text('{"id": "0", "said": "kept"}\n{"id": "1", "sa')
    house.supervise()
    house.ended("b-1")
    assert said(house) == ["kept", "b", "c"]


def test_a_partial_output_that_answers_other_records_is_not_trusted(house: House) -> None:
    spec = house.transform(["a", "b", "c"])
    (house.artifacts / "out").mkdir()
    partial = house.artifacts / "out" / f".b-1.jsonl.out.{spec.name}.partial"
    partial.write_text('{"id": "77", "said": "wrong"}\n')
    house.supervise()
    house.ended("b-1")
    assert said(house) == ["a", "b", "c"]


def test_a_clean_shutdown_ends_the_server_and_the_next_start_goes_on(house: House) -> None:
    first = house.supervise_apart()
    texts = ["a"] * 200 + ["slow 2"] + ["b"] * 100
    house.transform(texts, environment={"NOTES": str(house.folder / "servers")})
    until(lambda: (house.folder / "servers").exists())
    house.when("b-1", lambda seen: seen.sub_state == "transforming")
    first.terminate()
    assert first.wait(20) == 0
    assert not any(is_running(int(pid)) for pid in (house.folder / "servers").read_text().split())
    assert house.backend.observe("b-1").state == JobState.RUNNING
    house.supervise()
    assert house.ended("b-1").state == JobState.SUCCEEDED
    assert said(house) == texts


def test_a_stop_does_not_wait_for_a_slow_answer(house: House) -> None:
    house.supervise()
    house.transform(["slow 600"])
    house.when("b-1", lambda seen: seen.sub_state == "transforming")
    house.backend.stop("b-1")
    assert house.ended("b-1").state == JobState.STOPPED
    assert list((house.artifacts / "out").iterdir()) == []


def test_the_time_limit_does_not_wait_for_a_slow_answer(house: House) -> None:
    house.supervise()
    house.transform(["slow 600"], max_seconds=2)
    seen = house.ended("b-1")
    assert seen.state == JobState.TIMED_OUT
    assert "limit of 2 s" in seen.failure_reason


def test_consecutive_transforms_of_one_artifact_share_a_warm_server_which_goes_when_idle(
    house: House,
) -> None:
    house.supervise("--idle", "1")
    house.transform(["a"], "b-1")
    house.transform(["b"], "b-2")
    house.ended("b-1")
    house.ended("b-2")
    pids = {record["pid"] for name in ("b-1", "b-2") for record in house.output(name)}
    assert len(pids) == 1
    until(lambda: not is_running(int(str(*pids))), "the idle server to go")
    until(lambda: list(house.spool.serving.iterdir()) == [])


def truncated(house: House) -> str:
    whole = Path(house.artifacts / "first" / "model.tar.gz")
    house.artifact()
    damaged = house.artifacts / "damaged.tar.gz"
    damaged.write_bytes(whole.read_bytes()[:30_000])
    return damaged.as_uri()


def escaping(house: House) -> str:
    path = house.artifacts / "escaping.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("../../escaped.txt")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    return path.as_uri()


def altered(house: House) -> str:
    path = house.artifacts / "altered.tar.gz"
    house.artifact()
    with tarfile.open(path, "w:gz") as archive:
        folder = house.folder / "model-first"
        (folder / "encoder" / "config.json").write_text("{}")
        archive.add(folder, ".")
    return path.as_uri()


@pytest.mark.parametrize(
    ("make", "code"), [(truncated, "truncated"), (escaping, "unsafe_path"), (altered, "hash_mismatch")]
)
def test_an_artifact_that_cannot_be_trusted_is_never_served(house: House, make, code: str) -> None:  # type: ignore[no-untyped-def]
    house.supervise()
    house.transform(["a"], artifact=make(house))
    seen = house.ended("b-1")
    assert seen.state == JobState.FAILED
    assert f"({code})" in seen.failure_reason
    assert not list(house.folder.rglob("escaped.txt"))


@pytest.mark.heavy
def test_memory_stays_flat_over_a_hundred_thousand_lines(house: House) -> None:
    supervisor = house.supervise_apart()
    house.transform(["a"] * 1_000, "warm-up")
    house.ended("warm-up")
    process = psutil.Process(supervisor.pid)
    before, most = process.memory_info().rss, 0
    with (house.folder / "b-1.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"id": str(n), "text": f"{n} " * 30}) + "\n" for n in range(100_000))
    house.transform([])
    while not house.backend.observe("b-1").state.is_final:
        most = max(most, process.memory_info().rss)
    assert house.backend.observe("b-1").processed == 100_000
    assert most - before < 20_000_000
