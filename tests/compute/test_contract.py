"""What every place where jobs run promises: each test runs on the local backend and on SageMaker's double."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from compute.port import (
    ArtifactMissing,
    EndpointBusy,
    EndpointSpec,
    EndpointUnavailable,
    InvalidSpec,
    JobConflict,
    JobNotFound,
    JobState,
    ProgramError,
)
from tests.compute.conftest import House, is_running, until

RECORD = {"id": "1", "text": "hello"}


# Trainings


def test_a_training_ends_with_its_artifact_figures_and_times(place: House) -> None:
    place.train(steps="4")
    seen = place.ended()
    assert seen.state == JobState.SUCCEEDED, seen
    assert seen.artifact_uri == place.uri("runs", place.job_name("t-1"), "output", "model.tar.gz")
    assert (seen.metrics["validation_accuracy"], seen.metrics["step"], seen.progress) == (0.913, 4, 1.0)
    assert "validation_accuracy=0.913" in seen.log_tail and seen.phase == "save"
    assert seen.started_at is not None and seen.ended_at is not None and seen.started_at <= seen.ended_at
    with place.backend.open(seen.artifact_uri) as stream, tarfile.open(fileobj=stream) as archive:
        member = archive.extractfile("rows.txt")
        assert member is not None and member.read() == b"2"
    assert len(place.pids()) == 1


def test_the_reason_of_a_failure_is_the_programs_own_and_has_at_most_1024_characters(place: House) -> None:
    place.train(do="complain")
    seen = place.ended()
    assert (seen.state, seen.artifact_uri) == (JobState.FAILED, None)
    assert seen.failure_reason.startswith("Only one label in the data.") and len(seen.failure_reason) <= 1024


def test_a_crash_without_a_reason_is_told_by_its_exit_code_and_its_log(place: House) -> None:
    place.train(do="crash")
    seen = place.ended()
    assert seen.state == JobState.FAILED and "exit code" in seen.failure_reason
    assert "ZeroDivisionError" in seen.log_tail


@pytest.mark.parametrize("how", ["stop", "limit"])
def test_a_training_that_ignores_sigterm_is_ended_all_the_same(how: str, place: House) -> None:
    place.train(max_seconds=1 if how == "limit" else 60, do="stubborn")
    if how == "stop":
        place.when("t-1", lambda seen: seen.phase == "finetune")
        place.backend.stop("t-1")
        place.backend.stop("t-1")
    seen = place.ended()
    assert seen.state == (JobState.STOPPED if how == "stop" else JobState.TIMED_OUT), seen
    assert how == "stop" or "limit of 1 s" in seen.failure_reason
    assert not is_running(place.pids()[0])


def test_stopping_a_finished_training_changes_nothing(place: House) -> None:
    place.train()
    before = place.ended()
    place.backend.stop("t-1")
    assert place.backend.observe("t-1") == before


def test_the_same_job_is_adopted_and_another_under_its_name_refused(place: House) -> None:
    place.train()
    place.train()
    place.backend.start_training(replace(place.training(), tags={"run": "7"}))
    with pytest.raises(JobConflict):
        place.train(steps="9")
    with pytest.raises(JobConflict):
        place.transform(["a"], name="t-1")
    assert place.ended().state == JobState.SUCCEEDED
    place.train()
    assert len(place.pids()) == 1


def test_eight_deliveries_at_once_make_one_job(place: House) -> None:
    spec = place.training()
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(place.backend.start_training, spec) for _ in range(8)]:
            done.result()
    assert place.ended().state == JobState.SUCCEEDED
    assert len(place.pids()) == 1


@pytest.mark.parametrize("name", ["nothing", "../../etc", "", "a/b"])
def test_a_job_never_started_is_not_found(name: str, place: House) -> None:
    with pytest.raises(JobNotFound):
        place.backend.observe(name)
    with pytest.raises(JobNotFound):
        place.backend.stop(name)


def test_a_channel_that_is_not_there_and_an_output_elsewhere_are_refused_before_anything_starts(
    place: House,
) -> None:
    absent = replace(place.training(), channels={"train": place.uri("nowhere")})
    with pytest.raises(ArtifactMissing):
        place.backend.start_training(absent)
    elsewhere = place.uri("x").rsplit("/", 2)[0] + "/elsewhere"
    with pytest.raises(InvalidSpec):
        place.backend.start_training(replace(place.training(), output_uri=elsewhere))
    with pytest.raises(JobNotFound):
        place.backend.observe("t-1")


# Transforms


def said(place: House, name: str = "b-1") -> list[object]:
    return [record.get("said") or record["error"]["code"] for record in place.output(name)]  # type: ignore[index]


def test_every_line_is_answered_in_order(place: House) -> None:
    texts = [f"text {number}" for number in range(300)]
    place.transform(texts)
    seen = place.ended("b-1")
    assert (seen.state, seen.progress) == (JobState.SUCCEEDED, 1.0), seen
    assert seen.output_uri == place.uri("out", "b-1.jsonl.out")
    assert said(place) == texts
    assert place.backend.observe("b-1").output_uri == seen.output_uri


def test_lines_nobody_can_answer_get_an_error_line_in_their_place(place: House) -> None:
    lines = [b'{"id":"a","text":"one"}', b"", b'{"id":"x","text":"' + b"x" * 5_000_001 + b'"}']
    (place.folder / "b-1.jsonl").write_bytes(b"\n".join(lines) + b'\r\n{"id":"b","text":"two"}')
    place.transform([])
    assert place.ended("b-1").state == JobState.SUCCEEDED
    answers = place.output()
    assert [record["id"] for record in answers] == ["a", "line 2", "line 3", "b"]
    assert said(place) == ["one", "bad_json", "too_large", "two"]


def test_a_server_that_cannot_start_fails_the_transform_with_its_reason(place: House) -> None:
    place.transform(["a"], environment={"BREAK": "at_start"})
    seen = place.ended("b-1")
    assert (seen.state, seen.failure_reason) == (JobState.FAILED, "no weights for this machine")


@pytest.mark.parametrize("how", ["stop", "limit"])
def test_a_transform_ends_without_waiting_for_a_slow_answer_and_leaves_no_output(
    how: str, place: House
) -> None:
    place.transform(["slow 600"], max_seconds=1 if how == "limit" else 60)
    place.when("b-1", lambda seen: seen.started_at)
    if how == "stop":
        place.backend.stop("b-1")
    seen = place.ended("b-1")
    assert seen.state == (JobState.STOPPED if how == "stop" else JobState.TIMED_OUT), seen
    assert how == "stop" or "limit of 1 s" in seen.failure_reason
    assert not place.backend.exists(place.uri("out", "b-1.jsonl.out"))


def test_an_artifact_cut_short_is_never_served(place: House) -> None:
    place.artifact()
    whole = place.artifacts / "first" / "model.tar.gz"
    (place.artifacts / "cut.tar.gz").write_bytes(whole.read_bytes()[:30_000])
    place.transform(["a"], artifact=place.given(place.artifacts / "cut.tar.gz"))
    assert place.ended("b-1").state == JobState.FAILED


# Endpoints


def put(place: House, artifact: str = "first", **environment: str) -> str:
    """Wish until the wish is taken."""
    uri = place.artifact(artifact)

    def taken() -> bool:
        try:
            place.backend.put_endpoint(EndpointSpec("live", uri, environment))
        except EndpointBusy:
            return False
        return True

    until(taken, "the wish to be taken")
    return uri


def in_service(place: House, uri: str) -> None:
    def answers() -> bool:
        seen = place.backend.observe_endpoint("live")
        return seen.state == "in_service" and seen.artifact_uri == uri

    until(answers, "live in service", lambda: place.backend.observe_endpoint("live"))


def test_an_endpoint_answers_one_record_per_record_and_tells_errors_apart(place: House) -> None:
    assert place.backend.observe_endpoint("live").state == "absent"
    in_service(place, put(place))
    put(place)
    answers = place.backend.invoke("live", [RECORD, {"id": "2", "text": "bonjour"}], 10)
    assert [answer["said"] for answer in answers] == ["hello", "bonjour"]
    assert place.backend.invoke("live", [], 10) == []
    with pytest.raises(InvalidSpec, match="400"):
        place.backend.invoke("live", [{"id": "1", "text": "refuse"}], 10)
    with pytest.raises(ProgramError, match="0 answers to 1 records"):
        place.backend.invoke("live", [{"id": "1", "text": "swallow"}], 10)
    with pytest.raises(InvalidSpec, match="at most"):
        place.backend.invoke("live", [{"id": "1", "text": "x" * 7_000_000}], 10)
    with pytest.raises(EndpointUnavailable, match=r"within 1 s"):
        place.backend.invoke("live", [{"id": "1", "text": "slow 2"}], 1)


def test_an_endpoint_that_is_not_there_is_unavailable(place: House) -> None:
    with pytest.raises(EndpointUnavailable) as raised:
        place.backend.invoke("live", [RECORD], 1)
    assert raised.value.retryable


def test_an_update_takes_over_without_a_gap_and_goes_back_the_same_way(place: House) -> None:
    first = put(place)
    in_service(place, first)
    for wished in ("second", "first"):
        uri = put(place, wished)

        def updated(uri: str = uri) -> bool:
            place.backend.invoke("live", [RECORD], 10)  # raises when nobody answers
            return place.backend.observe_endpoint("live").artifact_uri == uri

        until(updated)
    assert place.backend.observe_endpoint("live").artifact_uri == first


def test_an_update_that_fails_keeps_the_former_in_service_and_says_why(place: House) -> None:
    first = put(place)
    in_service(place, first)
    put(place, "second", BREAK="at_start")
    until(lambda: "no weights" in place.backend.observe_endpoint("live").reason)
    seen = place.backend.observe_endpoint("live")
    assert (seen.state, seen.artifact_uri) == ("in_service", first)
    assert place.backend.invoke("live", [RECORD], 10)[0]["said"] == "hello"


def test_an_endpoint_that_never_starts_is_failed_until_another_is_wished(place: House) -> None:
    put(place, BREAK="at_start")
    until(lambda: place.backend.observe_endpoint("live").state == "failed")
    assert "no weights for this machine" in place.backend.observe_endpoint("live").reason
    in_service(place, put(place))


def test_a_deleted_endpoint_is_absent_and_may_be_wished_again(place: House) -> None:
    in_service(place, put(place))
    place.backend.delete_endpoint("live")
    until(lambda: place.backend.observe_endpoint("live").state == "absent")
    place.backend.delete_endpoint("live")
    in_service(place, put(place))


# Objects


def test_a_file_and_a_folder_go_there_and_back(place: House, tmp_path: Path) -> None:
    source = tmp_path / "source" / "inner"
    source.mkdir(parents=True)
    (source / "file one.txt").write_text("one\ntwo\n")
    place.backend.put(source / "file one.txt", place.uri("single.txt"))
    place.backend.put(source.parent, place.uri("tree"))
    with place.backend.open(place.uri("single.txt")) as stream:
        assert (stream.readline(), stream.seek(1), stream.read()) == (b"one\n", 1, b"ne\ntwo\n")
    place.backend.get(place.uri("tree"), tmp_path / "back")
    assert (tmp_path / "back" / "inner" / "file one.txt").read_text() == "one\ntwo\n"
    place.backend.get(place.uri("single.txt"), tmp_path / "one.txt")
    assert (tmp_path / "one.txt").read_text() == "one\ntwo\n"
    assert place.backend.exists(place.uri("tree")) and not place.backend.exists(place.uri("tre"))


def test_what_is_deleted_is_gone_and_nothing_beside_it(place: House, tmp_path: Path) -> None:
    for name in ("x/y/one", "xx", "x.txt"):
        (tmp_path / "f").write_text(name)
        place.backend.put(tmp_path / "f", place.uri(*name.split("/")))
    place.backend.delete_prefix(place.uri("x"))
    place.backend.delete_prefix(place.uri("x"))
    assert [place.backend.exists(place.uri(*n.split("/"))) for n in ("x/y/one", "xx", "x.txt")] == [
        False, True, True,
    ]  # fmt: skip
    for uri in (place.uri().rstrip("/"), place.uri("x").rsplit("/", 2)[0] + "/elsewhere/y"):
        with pytest.raises(InvalidSpec):
            place.backend.delete_prefix(uri)


@pytest.mark.parametrize("what", ["open", "get", "put"])
def test_what_is_not_there_is_missing(what: str, place: House, tmp_path: Path) -> None:
    asked: dict[str, Callable[[], object]] = {
        "open": lambda: place.backend.open(place.uri("nothing")),
        "get": lambda: place.backend.get(place.uri("nothing"), tmp_path / "back"),
        "put": lambda: place.backend.put(tmp_path / "nothing", place.uri("x")),
    }
    with pytest.raises(ArtifactMissing):
        asked[what]()


@pytest.mark.parametrize("uri", ["http://bucket/key", "s3://", "/x", "relative", ""])
def test_an_address_of_no_object_is_refused(uri: str, place: House) -> None:
    with pytest.raises(InvalidSpec):
        place.backend.exists(uri)


def test_a_specs_channels_may_be_one_object(place: House) -> None:
    """The whole folder is not taken along, nor a folder whose name begins alike."""
    data = place.folder / "data"
    (data / "other.jsonl").write_text("not to be read\n")
    (place.folder / "data2").mkdir()
    (place.folder / "data2" / "rows.jsonl").write_text("x\n" * 9)
    place.given(place.folder / "data2")
    place.given(data)
    for name, source, rows in (("t-1", data, b"2"), ("t-2", data / "rows.jsonl", b"2")):
        spec = replace(place.training(name), channels={"train": place.given(source)})
        place.backend.start_training(spec)
        seen = place.ended(name)
        assert seen.artifact_uri is not None, seen
        with place.backend.open(seen.artifact_uri) as stream, tarfile.open(fileobj=stream) as archive:
            member = archive.extractfile("rows.txt")
            assert member is not None and member.read() == rows
