"""The serving benchmark's clients and sums; the servers themselves need the peer's packages."""

import argparse
import asyncio
import json

from benchmarks.serve import IN_TURN, OURS, POOLED, Round, crowd, ratios, rows_of, targets_of


async def _against_a_server(busy: bool) -> tuple[Round, list[str]]:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            asked.append(json.loads(await reader.readexactly(length))["text"])
            status = b"503 Busy" if busy else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen = await crowd(port, ["one", "two", "three"], 4, 0.2)
    server.close()
    return seen, asked


def test_every_client_asks_the_next_ticket_on_its_kept_connection_until_the_time_is_up():
    seen, asked = asyncio.run(_against_a_server(busy=False))
    assert len(seen.waits) == len(asked) > 8 and seen.failed == 0
    assert set(asked) == {"one", "two", "three"}
    assert seen.rate == len(asked) / seen.seconds and seen.seconds >= 0.2


def test_a_refused_request_is_counted_as_failed_and_not_as_fast():
    seen, asked = asyncio.run(_against_a_server(busy=True))
    assert seen.failed == len(asked) > 8 and seen.waits == []


def test_the_better_peer_of_each_repeat_is_what_ours_is_held_against():
    def turn(n: int, failed: int = 0) -> Round:
        return Round(1.0, [5.0] * n, failed)

    rounds = {
        (OURS, 1): [turn(100), turn(90)], (POOLED, 1): [turn(50), turn(100)], (IN_TURN, 1): [turn(80), turn(60)],
        (OURS, 32): [turn(400), turn(300, failed=1)], (POOLED, 32): [turn(50), turn(60)],
        (IN_TURN, 32): [turn(100), turn(50)],
    }  # fmt: skip
    asked = argparse.Namespace(concurrency=[1, 32])
    assert ratios(rounds, 1) == [1.25, 0.9]
    assert [one["met"] for one in targets_of(rounds, asked)] == [True, True, False]
    rows = rows_of(rounds, asked)
    assert [row["failed"] for row in rows if row["side"] == OURS] == [0, 1]
    assert rows[3]["times"] == 4.5 and rows[3]["least"] == 4.0
