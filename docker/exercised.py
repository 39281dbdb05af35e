"""Run what the steps of a Dockerfile made, as an engine would start it: no network, nothing of this machine but files.

The model's image trains on a few tickets, serves the artifact, answers a ping and a ticket, and stops when asked. The
app's image says who it is, that its programs load without torch, and that its web server starts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

READY_SECONDS = 120.0
ASK = """
import json, sys, urllib.request
body = json.dumps({"id": "1", "text": "Where is my parcel?"}).encode()
port = "http://127.0.0.1:8080"
assert urllib.request.urlopen(port + "/ping", timeout=10).status == 200
call = urllib.request.Request(port + "/invocations", body, {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(call, timeout=30))["label"])
"""
WORDS = {"delivery": "parcel courier late tracking", "billing": "invoice amount charged refund"}


class Built(Protocol):
    """A stage after its steps (`docker.exercise`)."""

    root: Path
    start: list[str]
    command: list[str]

    def inside(self, words: list[str], user: str | None = None) -> list[str]: ...


def model(built: Built, encoder: Path) -> None:
    """Train, serve, ask, stop. AssertionError or CalledProcessError says what did not happen."""
    _told_to_train(built.root / "opt/ml", encoder)
    # As the platform does it: as root, which the program itself gives up.
    subprocess.run(_alone(built.inside([*built.start, "train"])), check=True)
    made = sorted(path.name for path in (built.root / "opt/ml/model").iterdir())
    print(f"   trained: {', '.join(made)}", flush=True)
    assert "manifest.json" in made, "the training left no artifact"
    assert "sentence_transformers" not in _installed(built), "more is installed than the programs need"
    label = _served(built, [*built.start, "serve"], ["python3", "-c", ASK])
    print(f"   served: {label}", flush=True)
    assert label in WORDS, f"{label!r} is none of the services it was taught"


def app(built: Built) -> None:
    """Whose process it is, what it does not hold, and that the web server listens."""
    who = _say(built, ["id", "-u"])
    assert who == "10001", f"it runs as {who}"
    assert not {"torch", "transformers"} & _installed(built), "torch is in the image of the pages"
    secrets = ["SECRET_KEY=exercise", "AUDIT_SALT=exercise", "DATABASE_URL=postgresql://nobody@127.0.0.1:1/x"]
    settings = [
        *secrets,
        "REDIS_URL=redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS=localhost",
        "BASE_MODEL=/srv/base-model",
    ]
    asked = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/static/', timeout=5).status)"
    probe = f"import urllib.error\ntry:\n    {asked}\nexcept urllib.error.HTTPError as answer:\n    print(answer.code)"
    status = _served(built, ["env", *settings, *built.command], ["python3", "-c", probe])
    print(f"   the web server answers: {status}", flush=True)


def _told_to_train(tree: Path, encoder: Path) -> None:
    config, data = tree / "input/config", tree / "input/data"
    config.mkdir(parents=True, exist_ok=True)
    told = {"max_seconds": "30", "epochs": "1", "seed": "1"}
    (config / "hyperparameters.json").write_text(json.dumps(told), "utf-8")
    (data / "train").mkdir(parents=True)
    rows = [
        {"id": f"{label}{at}", "text": f"{word} number {at}", "label": label, "group": f"{label}{at}"}
        for label, words in WORDS.items()
        for at, word in enumerate(words.split() * 6)
    ]
    (data / "train/rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    shutil.copytree(encoder, data / "base")


def _served(built: Built, start: list[str], ask: list[str]) -> str:
    """Start it in a network of its own, ask until it answers, end it by SIGTERM; what the asking printed."""
    script = "ip link set lo up 2>/dev/null; " + "exec " + '"$@"'
    server = subprocess.Popen(_alone(["sh", "-c", script, "sh", *built.inside(start)]))
    try:
        found = _until(lambda: _in_network_of(server, built.inside(ask)), server)
    finally:
        server.terminate()
    assert server.wait(60) == 0, f"it ended with {server.returncode} when it was asked to stop"
    return found


def _until(ask: Callable[[], str | None], server: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        assert server.poll() is None, f"it ended by itself with {server.returncode}"
        if found := ask():
            return found
        time.sleep(1)
    raise AssertionError(f"no answer within {READY_SECONDS:g} s")


def _in_network_of(server: subprocess.Popen[bytes], words: list[str]) -> str | None:
    asked = ["nsenter", f"--net=/proc/{server.pid}/ns/net", *words]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _alone(words: list[str]) -> list[str]:
    """In a network that leads nowhere; its loopback is up where the machine's tools can raise it."""
    return ["unshare", "--net", *words]


def _installed(built: Built) -> set[str]:
    listed = "import importlib.metadata as m; print(' '.join(d.name for d in m.distributions()))"
    return {name.lower().replace("-", "_") for name in _say(built, ["python3", "-c", listed]).split()}


def _say(built: Built, words: list[str]) -> str:
    return subprocess.run(built.inside(words), capture_output=True, text=True, check=True).stdout.strip()
