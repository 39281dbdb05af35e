"""`python -m compute.supervisor`: run the local-compute supervisor until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
from pathlib import Path

from compute.spool import Spool
from compute.supervisor.loop import AlreadyRunning, Options, Supervisor
from compute.supervisor.training import Graces


def default_spool() -> Path:
    """As config.settings: COMPUTE_SPOOL, else AIGUILLEUR_HOME/compute, else var/compute beside the code."""
    if chosen := os.environ.get("COMPUTE_SPOOL"):
        return Path(chosen)
    home = os.environ.get("AIGUILLEUR_HOME") or Path(__file__).resolve().parents[2] / "var"
    return Path(home) / "compute"


def supervisor_for(arguments: list[str]) -> Supervisor:
    """The supervisor that these command-line arguments ask for, not running yet."""
    graces, options = Graces(), Options()
    parser = argparse.ArgumentParser(prog="python -m compute.supervisor", description=__doc__)
    parser.add_argument("--spool", type=Path, default=default_spool(), help="folder of jobs and endpoints")
    parser.add_argument(
        "--train", type=shlex.split, default=options.train, help="the training program's command line"
    )
    parser.add_argument(
        "--serve", type=shlex.split, default=options.serve, help="the serving program's command line"
    )
    parser.add_argument(
        "--stop-grace", type=float, default=graces.stop, help="seconds from SIGTERM to SIGKILL"
    )
    parser.add_argument(
        "--shutdown-grace", type=float, default=graces.shutdown, help="the same, when it ends itself"
    )
    parser.add_argument(
        "--idle", type=float, default=options.idle_seconds, help="seconds an unused serve is kept warm"
    )
    given = parser.parse_args(arguments)
    chosen = Graces(stop=given.stop_grace, shutdown=given.shutdown_grace)
    programs = Options(train=given.train, serve=given.serve, graces=chosen, idle_seconds=given.idle)
    return Supervisor(Spool(given.spool.resolve()), programs)


def main() -> None:
    supervisor = supervisor_for(sys.argv[1:])
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.shutdown.set())
    try:
        supervisor.run()
    except AlreadyRunning as error:
        sys.exit(f"{error}: stop it first")


if __name__ == "__main__":
    main()
