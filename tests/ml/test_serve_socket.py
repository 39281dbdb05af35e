"""The listening socket of ``ml.serve``: an answer is sent at once, whether or not the caller acknowledged the last."""

import asyncio
import socket

from ml.serve import open_socket


def test_a_connection_on_the_port_sends_small_answers_at_once():
    listening = open_socket({"SAGEMAKER_BIND_TO_PORT": "0"})
    found: list[int] = []

    async def one_call() -> None:
        called = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            called.set()

        listening.listen()
        async with await asyncio.start_server(answer, sock=listening) as server:
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.wait_for(called.wait(), 10)
            writer.close()

    asyncio.run(one_call())
    assert found == [1]
