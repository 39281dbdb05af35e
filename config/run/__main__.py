"""`python -m config.run [--demo]`: checks, servers, migrations, demo data, every program; Ctrl-C ends all.

Numbered steps with times go to the terminal, each program's output to `<home>/log/<name>.log`; warnings and
errors are shown too (`VERBOSE=1` shows everything). STEP_FROM and STEPS continue `make`'s numbering.
"""

import argparse
import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.embedded import lock
from config.embedded.locations import ConfigurationError
from config.embedded.probe import wait_for_servers
from config.run.manager import OWNER, Manager, Stopped
from config.run.preflight import check
from config.run.programs import ROOT, Program, read_procfile

SUPERVISOR = "supervisor"


def say(line: str) -> None:
    print(line, flush=True)


class Steps:
    """Numbered steps with their times."""

    def __init__(self) -> None:
        self.number = int(os.environ.get("STEP_FROM", "1"))
        self.of = os.environ.get("STEPS", "")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        label = f"[{self.number}{f'/{self.of}' if self.of else ''}]"
        say(f"{label} {title} …")
        began = time.monotonic()
        yield
        say(f"{label} {title}: {time.monotonic() - began:.1f} s")
        self.number += 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.run", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="with demo data and accounts")
    demo = parser.parse_args().demo
    os.environ["AIGUILLEUR_DEMO"] = "1" if demo else ""
    try:
        home = check(demo=demo)
        held = lock.take(home / "run.lock")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    except lock.HeldBy as other:
        print(f"this installation already runs (process {other.pid}): `make stop` ends it", file=sys.stderr)
        return 1
    manager = make_manager(home)
    try:
        boot(manager, home, demo=demo)
        while not manager.asked:
            manager.turn()
    except Stopped:
        pass
    except (ConfigurationError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        say("Stopping …")
        manager.stop()
        say("Stopped: nothing is left running, the data is kept.")
        os.close(held)
    return 0


def make_manager(home: Path) -> Manager:
    """A manager of the Procfile's programs, without the embedded servers if both are given by URL."""
    commands = read_procfile(ROOT / "Procfile")
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        commands.pop(OWNER)
    programs = {name: Program(name, words, home / "log" / f"{name}.log") for name, words in commands.items()}
    return Manager(programs, say, verbose=os.environ.get("VERBOSE", "") not in {"", "0"})


def boot(manager: Manager, home: Path, *, demo: bool) -> None:
    """Start everything in order and print where it is."""
    began = time.monotonic()
    steps = Steps()
    with steps.step("Starting PostgreSQL and Redis"):
        if OWNER in manager.programs:
            manager.start(OWNER)
            manager.until(lambda: _servers_ready(home), 300, "PostgreSQL or Redis")
    with steps.step("Bringing the database up to date"):
        manage(manager, "migrate", "--no-input", "-v", "0")
    manager.start(SUPERVISOR)
    if demo:
        with steps.step("Preparing the demo data (once)"):
            manage(manager, "demo_seed")
    with steps.step("Starting the web server and the workers"):
        for name in manager.programs:
            if name not in {OWNER, SUPERVISOR}:
                manager.start(name)
        manager.until(lambda: _get("/healthz") is not None, 120, "the web server")
    announce(manager, time.monotonic() - began)
    if demo and manager.step([sys.executable, "manage.py", "demo_seed", "--go-on"]) != 0:
        say("The demo's story stopped before its end (see above); the next start tells the rest.")


def manage(manager: Manager, *words: str) -> None:
    """Run a manage.py command; ConfigurationError when it fails (it has said why itself)."""
    if manager.step([sys.executable, "manage.py", *words]) != 0:
        raise ConfigurationError(
            f"`manage.py {' '.join(words)}` failed: see above, and the logs in {manager.logs}"
        )


def announce(manager: Manager, seconds: float) -> None:
    """Print the address, and the demo accounts or the way to the first one."""
    installation = (_get("/api/session/") or {}).get("installation", {})
    say("")
    say(f"Aiguilleur is ready after {seconds:.0f} s:  {_address()}")
    accounts = installation.get("demo_accounts") or []
    for account in accounts:
        say(f"  {account['role']:<10} {account['username']} / {account['password']}")
    if installation.get("needs_setup"):
        say(f"  Nobody can sign in yet: create the first administrator at {_address()}setup")
    say(f"  Logs: {manager.logs}    Stop: Ctrl-C")
    say("")


def _servers_ready(home: Path) -> bool:
    try:
        wait_for_servers(home, 0)
        return True
    except ConfigurationError:
        return False


def _address() -> str:
    host = os.environ["HOST"]
    return f"http://{'localhost' if host in {'127.0.0.1', '0.0.0.0', '::'} else host}:{os.environ['PORT']}/"  # noqa: S104


def _get(path: str) -> dict[str, Any] | None:
    """GET a path of our web server: its JSON object ({} if it is none), None if it does not answer 200."""
    try:
        with urllib.request.urlopen(_address().rstrip("/") + path, timeout=5) as answer:  # noqa: S310
            body = answer.read()
    except OSError:
        return None
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}


if __name__ == "__main__":
    sys.exit(main())
