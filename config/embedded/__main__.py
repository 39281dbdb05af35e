"""`python -m config.embedded start|run|stop|status|wait|scratch`: the embedded servers, by hand.

`run` owns them in the foreground (the process manager does that); `start` does it in the background, so
that any `manage.py` command works; `wait` returns when the configured servers, embedded or not, answer;
`scratch` owns throw-away servers until its standard input closes, and then removes AIGUILLEUR_HOME.
"""

import argparse
import sys

from config.embedded.locations import ConfigurationError, home_dir, socket_dir
from config.embedded.owner import owner_pid, run, run_scratch, servers_needed, start_in_background, stop_all
from config.embedded.probe import wait_for_servers


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("action", choices=["start", "run", "stop", "status", "wait", "scratch"])
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait (start, wait)")
    options = parser.parse_args(arguments)
    home = home_dir()
    try:
        if options.action == "run":
            run(home)
        elif options.action == "scratch":
            run_scratch(home)
        elif options.action == "start":
            start_in_background(home, options.timeout)
            print(f"ready: sockets in {socket_dir(home)}, data in {home}")
        elif options.action == "stop":
            print("stopped" if stop_all(home) else "nothing was running")
        elif options.action == "wait":
            wait_for_servers(home, options.timeout)
        else:
            return status()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def status() -> int:
    """Print one line a server; 0 when all that are needed run."""
    home = home_dir()
    states = []
    print(f"owner: {owner_pid(home) or 'none'}")
    for server in servers_needed(home):
        process = server.running()
        states.append(process is not None)
        print(f"{server.name}: {f'process {process.pid}' if process else 'not running'}")
    return 0 if all(states) else 1


if __name__ == "__main__":
    sys.exit(main())
