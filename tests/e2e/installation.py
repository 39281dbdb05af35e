"""A whole installation for the browser: every program under the process manager, over a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.config.processes import ROOT, environment, eventually

READY = "is ready after"


class Site:
    """A running installation that these tests may use, whoever started it; its folder is E2E_HOME, or `var`."""

    def __init__(self, address: str, home: Path | None = None, **more: str) -> None:
        self.address = address.rstrip("/")
        self.home = home or Path(os.environ.get("E2E_HOME", ROOT / "var"))
        self.more = more

    def session(self) -> dict[str, Any]:
        """What the sign-in page knows."""
        with urllib.request.urlopen(f"{self.address}/api/session/", timeout=30) as answer:  # noqa: S310
            return json.load(answer)["installation"]

    def accounts(self) -> dict[str, tuple[str, str]]:
        """Role -> (user name, password) of the demo's people."""
        return {one["role"]: (one["username"], one["password"]) for one in self.session()["demo_accounts"]}

    def demo_tickets(self) -> int:
        """How many tickets the demo began with; live ones came since."""
        return int(self.more.get("DEMO_TICKETS") or os.environ.get("DEMO_TICKETS", "10000"))

    def token(self) -> str:
        """A new token of the desk's machine, as the tour's terminal gets it."""
        words = [sys.executable, "manage.py", "machine_token", "desk"]
        surroundings = environment(self.home, **self.more)
        said = subprocess.run(words, cwd=ROOT, env=surroundings, check=True, capture_output=True, text=True)
        return said.stdout.strip()


class Installation(Site):
    """`python -m config.run [--demo]`, exactly as `make demo` and `make up` run it."""

    def __init__(self, home: Path, *, demo: bool, **more: str) -> None:
        self.words = ["--demo"] if demo else []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        super().__init__(f"http://127.0.0.1:{port}", home, **(more | {"PORT": str(port)}))
        self.output = home.with_name(f"{home.name}.txt")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float) -> None:
        """Start everything and wait for the ready line; what was printed is told when there is none."""
        surroundings = environment(self.home, **self.more)
        # The tests' own thread limit is not what a person has.
        surroundings.pop("OMP_NUM_THREADS", None)
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run", *self.words], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, env=surroundings, start_new_session=True,
            )  # fmt: skip
        eventually(lambda: self.ended() or READY in self.text(), f"{READY!r} in {self.output}", patience)
        assert not self.ended(), self.text()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def text(self) -> str:
        """All that the terminal shows."""
        return self.output.read_text(errors="replace")

    def troubles(self, most: int = 40) -> str:
        """The last lines of its logs that warn."""
        found = [
            f"{log.name}: {line}"
            for log in sorted((self.home / "log").glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if "WARNING" in line or "ERROR" in line
        ]
        return "\n".join(found[-most:])

    def stop(self) -> int:
        """Ctrl-C, and wait; returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
        status = self.process.wait(180)
        self.output.unlink(missing_ok=True)
        return status
