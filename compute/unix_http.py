"""HTTP to a program that listens on a unix socket."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path

TRANSPORT_ERRORS = (OSError, HTTPException)


class UnixConnection(HTTPConnection):
    """One connection to the socket at `path`; `timeout` in seconds bounds each send and each receive."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(str(self.path))
        except BaseException:
            self.sock.close()
            raise


def ping(path: Path, timeout: float = 2.0) -> bool:
    """Whether `GET /ping` answers 200 in time."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except TRANSPORT_ERRORS:
        return False
    finally:
        connection.close()
