"""Calls that are sent when they are due, whatever became of those before: customers do not wait for each other.

A call's time counts from the moment it was due, not from the moment a connection was free for it: otherwise a server
that stops for a second would be asked less meanwhile, and look good (Tene, "How NOT to measure latency": coordinated
omission). HTTP/1.1 over kept connections, on loopback TCP or a unix socket; no retries, but for a kept connection that
the server had closed before it took the call.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IDLE_SECONDS = 1.0
"""A connection unused for longer is not used again: gunicorn closes one after two seconds."""
LONGEST_SECONDS = 30.0
LINES = 1 << 20


@dataclass(frozen=True)
class Target:
    """Where to call: a port of loopback, or a unix socket, and a path with the headers it needs."""

    path: str
    port: int = 0
    socket: Path | None = None
    headers: tuple[tuple[str, str], ...] = ()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.socket is not None:
            return await asyncio.open_unix_connection(str(self.socket), limit=LINES)
        return await asyncio.open_connection("127.0.0.1", self.port, limit=LINES)


@dataclass(frozen=True)
class Call:
    """One call: seconds after the start it was due and answered, the status (0: no answer), what was said."""

    due: float
    ended: float
    status: int
    said: Any = None

    @property
    def ms(self) -> float:
        return 1000 * (self.ended - self.due)


class Caller:
    """Calls a target at a fixed rate; ``body`` makes the call of that number."""

    def __init__(self, target: Target, body: Callable[[int], dict[str, Any]]) -> None:
        self.target, self.body = target, body
        self._free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    def run(self, rate: float, seconds: float) -> list[Call]:
        """All calls of so many seconds, evenly spaced, in the order in which they were due.

        What is sent is made before, and no garbage is collected meanwhile: four hundred of the demo's tickets are made
        at once, in a tenth of a second, and the calls noted so far would be looked through for a quarter of one. Both
        would count as the server's.
        """
        bodies = [json.dumps(self.body(number)).encode() for number in range(round(rate * seconds))]
        gc.collect()
        gc.disable()
        try:
            return asyncio.run(self._run(rate, bodies))
        finally:
            gc.enable()

    async def _run(self, rate: float, bodies: list[bytes]) -> list[Call]:
        began = time.perf_counter()
        calls = []
        for number, body in enumerate(bodies):
            due = number / rate
            if (rest := began + due - time.perf_counter()) > 0:
                await asyncio.sleep(rest)
            calls.append(asyncio.create_task(self._call(body, began, due)))
        made = list(await asyncio.gather(*calls))
        for _, _, writer in self._free:
            writer.close()
        self._free.clear()
        return made

    async def _call(self, body: bytes, began: float, due: float) -> Call:
        status, said = 0, None
        try:
            status, said = await asyncio.wait_for(self._ask(body), LONGEST_SECONDS)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            said = repr(error)
        return Call(due, time.perf_counter() - began, status, said)

    async def _ask(self, sent: bytes) -> tuple[int, Any]:
        kept = self._kept()
        if kept is not None:
            try:
                return await self._exchange(*kept, sent)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # it had been closed while nobody used it
        return await self._exchange(*await self.target.connect(), sent)

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._free:
            used, reader, writer = self._free.pop()
            if time.perf_counter() - used < IDLE_SECONDS and not writer.is_closing():
                return reader, writer
            writer.close()
        return None

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
    ) -> tuple[int, Any]:
        fixed = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(sent))}
        lines = [f"POST {self.target.path} HTTP/1.1", *(f"{k}: {v}" for k, v in fixed.items())]
        lines += [f"{name}: {value}" for name, value in self.target.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        told = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        content = await reader.readexactly(int(told.get("content-length", 0)))
        if told.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._free.append((time.perf_counter(), reader, writer))
        return status, json.loads(content) if status == 200 and content else content[:200].decode("latin-1")
