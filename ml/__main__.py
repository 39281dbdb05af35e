"""The image's one entry point: ``python -m ml train`` or ``python -m ml serve``, as SageMaker names them.

The programs take seconds to load, and a stop may come before they listen for it. There is nothing to save then, so
SIGTERM ends the process at once, with the exit code that the program promises for a stop: this module installs that
before it imports anything else.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

CODES_WHEN_STOPPED = {"train": 143, "serve": 0}
USAGE = "usage: python -m ml train|serve (in the image: docker run IMAGE train|serve)"


def main(arguments: list[str]) -> int:
    """Run the program that is named; returns its exit code, 2 when none of that name exists."""
    if len(arguments) != 1 or arguments[0] not in CODES_WHEN_STOPPED:
        print(USAGE, file=sys.stderr)
        return 2
    program = arguments[0]
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(CODES_WHEN_STOPPED[program]))
    code: int = import_module(f"ml.{program}").main()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
