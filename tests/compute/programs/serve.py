"""A small serving program for the backends' tests: real HTTP on a unix socket, or on the port of the contract.

Texts tell it to misbehave.

A text `die` kills it once per marker file, `die always` each time, `refuse` answers 400, `swallow` leaves one answer
out, `slow N` sleeps.
"""

import json
import os
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
marker = base / "died"
notes = os.environ.get("NOTES")
if notes:
    with Path(notes).open("a") as log:
        log.write(f"{os.getpid()}\n")
if os.environ.get("BREAK") == "at_start":
    (base / "output/failure").write_text("no weights for this machine")
    sys.exit(3)


def answers(texts: list[dict]) -> list[bytes] | None:
    found = []
    for record in texts:
        text = record["text"]
        if text == "die always" or (text == "die" and not marker.exists()):
            marker.touch()
            os._exit(9)
        if text == "refuse":
            return None
        if text.startswith("slow"):
            time.sleep(float(text.split()[1]))
        if text != "swallow":
            found.append(json.dumps({"id": record["id"], "said": text, "pid": os.getpid()}).encode() + b"\n")
    return found


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            found = answers([json.loads(line) for line in body.splitlines()])
        except ValueError:
            found = None
        content = b"one of them is refused" if found is None else b"".join(found)
        self.send_response(400 if found is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *parts: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class PortServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


print("listening", flush=True)
if named := os.environ.get("SERVE_UNIX_SOCKET"):
    Server(named, Handler).serve_forever()
else:
    PortServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
