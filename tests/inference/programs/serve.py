"""A small serving program that speaks the wire schema: words in the text say how sure it is, and how it misbehaves.

`billing`, `delivery` or `returns` is that service, surely; `perhaps` makes it unsure, `alien` strange; `slow N` sleeps,
`die` ends the process, `broken` is a record it cannot answer, `another` is answered as another model would.
"""

import hashlib
import json
import os
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ml.schema import TransformOutput, WireError, dump_line

LABELS = ["billing", "delivery", "returns"]
base = Path(os.environ["SAGEMAKER_BASE_DIR"])
name = hashlib.sha256((base / "model" / "manifest.json").read_bytes()).hexdigest()[:16]
socket_path = os.environ.get("SERVE_UNIX_SOCKET")  # else a port, as in the cloud
spool = base.parents[2] if socket_path else base  # the test looks there: this folder goes with its endpoint
(spool / "pid").write_text(str(os.getpid()))


def answer(record: dict[str, str]) -> TransformOutput:
    words = record["text"].split()
    if "die" in words:
        os._exit(9)
    if "slow" in words:
        time.sleep(float(words[words.index("slow") + 1]))
    if "broken" in words:
        return TransformOutput(record["id"], "", name, error=WireError("model_failed", "no answer to this"))
    top = 0.5 if "perhaps" in words else 0.98
    chances = np.full(3, (1 - top) / 2, np.float32)
    chances[next((at for at, label in enumerate(LABELS) if label in words), 0)] = top
    vector = np.asarray([1, 0, 0, 0], np.float32)
    called = "another" if "another" in words else name
    outlier = 0.99 if "alien" in words else 0.1
    return TransformOutput(
        record["id"], "0123456789abcdef", called, vector, chances, LABELS[0], outlier=outlier
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = body.splitlines()
        with (spool / "calls").open("a") as calls:
            calls.write(f"{len(lines)}\n")
        self.answer("".join(dump_line(answer(json.loads(line)).to_dict()) for line in lines).encode())

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *parts: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class PortServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


if socket_path:
    Server(socket_path, Handler).serve_forever()
else:
    PortServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
