"""A server of somebody else's, on this machine: what it was sent, and what it answers next."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Helpdesk:
    """Takes every POST with 204, or with the next of ``answers``, and names an elsewhere that nobody may go to."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], dict[str, str], bytes]] = []
        self.answers: list[int] = []
        helpdesk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                helpdesk.sent.append((json.loads(body), dict(self.headers), body))
                self.send_response(helpdesk.answers.pop(0) if helpdesk.answers else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *parts: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        listening = {"poll_interval": 0.01}
        threading.Thread(target=self.server.serve_forever, kwargs=listening, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
