"""Endpoints: answering under a name through crashes, updates and restarts, and a clear error when they cannot."""

import os
import signal
import socket
from pathlib import Path
from threading import Thread

import pytest

from compute.port import EndpointSpec, EndpointUnavailable, InvalidSpec, ProgramError
from compute.spool import read_json, write_json
from tests.compute.conftest import House, is_running, until

RECORD = {"id": "1", "text": "hello"}


def in_service(house: House, uri: str | None = None, name: str = "live") -> None:
    def answers() -> bool:
        seen = house.backend.observe_endpoint(name)
        return seen.state == "in_service" and (uri is None or seen.artifact_uri == uri)

    until(answers, f"{name} in service: {house.backend.observe_endpoint(name)}")


def put(house: House, artifact: str = "first", **environment: str) -> str:
    uri = house.artifact(artifact)
    house.backend.put_endpoint(EndpointSpec("live", uri, environment))
    return uri


def server_pid(house: House) -> int:
    return int(house.backend.invoke("live", [RECORD], 10)[0]["pid"])


def test_an_endpoint_answers_one_record_per_record(house: House) -> None:
    house.supervise()
    assert house.backend.observe_endpoint("live").state == "absent"
    in_service(house, put(house))
    answers = house.backend.invoke("live", [RECORD, {"id": "2", "text": "bonjour"}], 10)
    assert [answer["said"] for answer in answers] == ["hello", "bonjour"]
    assert house.backend.invoke("live", [], 10) == []


def test_an_endpoint_that_is_not_there_is_unavailable(house: House) -> None:
    for name in ("live", "../x"):
        with pytest.raises(EndpointUnavailable) as raised:
            house.backend.invoke(name, [RECORD], 1)
        assert raised.value.retryable


def test_without_a_supervisor_an_endpoint_is_unavailable_and_says_why(house: House) -> None:
    put(house)
    assert house.backend.observe_endpoint("live").state == "creating"
    with pytest.raises(EndpointUnavailable, match="supervisor is not running"):
        house.backend.invoke("live", [RECORD], 1)


def test_an_endpoint_whose_writer_has_only_made_the_folder_is_not_judged(house: House) -> None:
    (house.spool.endpoints / "live").mkdir()
    house.supervise()
    house.transform(["a"])
    house.ended("b-1")
    assert house.backend.observe_endpoint("live").state == "absent"
    assert list((house.spool.endpoints / "live").iterdir()) == []
    in_service(house, put(house))


def test_a_deleted_endpoint_ends_its_program_and_is_absent(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    pid = server_pid(house)
    house.backend.delete_endpoint("live")
    with pytest.raises(EndpointUnavailable):
        house.backend.invoke("live", [RECORD], 1)
    until(lambda: house.backend.observe_endpoint("live").state == "absent")
    until(lambda: not is_running(pid))
    house.backend.delete_endpoint("live")


def test_an_endpoint_deleted_and_wished_again_comes_back(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    house.backend.delete_endpoint("live")
    put(house)
    in_service(house)
    assert house.backend.invoke("live", [RECORD], 10)[0]["said"] == "hello"


def test_a_crashed_server_is_started_again(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    pid = server_pid(house)
    os.kill(pid, signal.SIGKILL)

    def answers_anew() -> bool:
        try:
            return server_pid(house) != pid
        except EndpointUnavailable:
            return False

    until(answers_anew)


def test_an_update_takes_over_without_a_gap(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    first = server_pid(house)
    second = put(house, "second")

    def updated() -> bool:
        house.backend.invoke("live", [RECORD], 10)  # raises when nobody answers
        return house.backend.observe_endpoint("live").artifact_uri == second

    until(updated)
    assert server_pid(house) != first
    until(lambda: not is_running(first))


def test_a_call_that_an_update_cuts_off_is_answered_by_the_successor(house: House, tmp_path: Path) -> None:
    house.supervise()
    in_service(house, put(house))
    told = house.spool.endpoints / "live" / "status.json"
    successor = read_json(told)
    assert successor is not None
    former = socket.socket(socket.AF_UNIX)
    former.bind(str(tmp_path / "s"))
    former.listen()
    write_json(told, {**successor, "socket": str(tmp_path / "s")})

    def take_over() -> None:
        connection, _ = former.accept()
        write_json(told, successor)
        connection.close()

    update = Thread(target=take_over)
    update.start()
    assert house.backend.invoke("live", [RECORD], 10)[0]["said"] == "hello"
    update.join()
    former.close()


def test_an_update_that_fails_keeps_the_former_in_service_and_says_why(house: House) -> None:
    house.supervise()
    first = put(house)
    in_service(house, first)
    house.backend.put_endpoint(EndpointSpec("live", house.artifact("second"), {"BREAK": "at_start"}))
    until(lambda: "no weights" in house.backend.observe_endpoint("live").reason)
    seen = house.backend.observe_endpoint("live")
    assert (seen.state, seen.artifact_uri) == ("in_service", first)
    assert house.backend.invoke("live", [RECORD], 10)[0]["said"] == "hello"


def test_an_endpoint_that_never_starts_is_failed_with_its_reason_until_wished_otherwise(house: House) -> None:
    house.supervise()
    put(house, BREAK="at_start")
    until(lambda: house.backend.observe_endpoint("live").state == "failed")
    assert house.backend.observe_endpoint("live").reason == "no weights for this machine"
    in_service(house, put(house))


def test_an_endpoint_answers_on_while_its_supervisor_is_dead_and_is_adopted(house: House) -> None:
    first = house.supervise_apart()
    in_service(house, put(house))
    pid = server_pid(house)
    house.kill(first)
    assert server_pid(house) == pid
    house.supervise()
    until(house.spool.supervisor_alive)
    house.transform(["a"])
    house.ended("b-1")
    assert server_pid(house) == pid
    assert house.output()[0]["pid"] == pid, "a transform of the same artifact uses the same server"


def test_a_clean_shutdown_ends_the_server_and_the_next_start_brings_it_back(house: House) -> None:
    first = house.supervise_apart()
    in_service(house, put(house))
    pid = server_pid(house)
    first.terminate()
    assert first.wait(20) == 0
    assert not is_running(pid)
    with pytest.raises(EndpointUnavailable):
        house.backend.invoke("live", [RECORD], 1)
    house.supervise()
    in_service(house)
    assert server_pid(house) != pid


def test_a_slow_answer_is_given_up_after_the_time_given(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    with pytest.raises(EndpointUnavailable, match=r"within 0\.2 s"):
        house.backend.invoke("live", [{"id": "1", "text": "slow 5"}], 0.2)


def test_what_the_program_refuses_or_forgets_is_told_apart(house: House) -> None:
    house.supervise()
    in_service(house, put(house))
    with pytest.raises(InvalidSpec, match="400"):
        house.backend.invoke("live", [{"id": "1", "text": "refuse"}], 10)
    with pytest.raises(ProgramError, match="0 answers to 1 records"):
        house.backend.invoke("live", [{"id": "1", "text": "swallow"}], 10)
    with pytest.raises(InvalidSpec, match="at most"):
        house.backend.invoke("live", [{"id": "1", "text": "x" * 7_000_000}], 10)
