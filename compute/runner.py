"""Runs one program and writes down how it ended, whoever is still there to ask.

`python -m compute.runner FOLDER LOCK_FD` reads FOLDER/command.json (`argv`, `env`, `cwd`, `nice`), writes process.json
before the program starts and exit.json after it ended, and copies its output to FOLDER/log.txt, bounded. LOCK_FD is an
open, locked file inherited from the supervisor and handed on to the program: as long as either lives, the lock says
so. SIGTERM is passed on to the program. Loads the standard library alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import IO

from compute.spool import write_json
from ml.machine import give_way

LOG_BYTES = 2_000_000
LAST_WORDS_SECONDS = 5.0


def copy_log(source: IO[bytes], folder: Path) -> None:
    """Copy the program's output until it closes; log.1.txt keeps the former part once log.txt is full."""
    path = folder / "log.txt"
    log = path.open("ab")
    while chunk := source.read1(65_536):  # type: ignore[attr-defined]
        if log.tell() > LOG_BYTES:
            log.close()
            path.replace(folder / "log.1.txt")
            log = path.open("ab")
        log.write(chunk)
        log.flush()
    log.close()


class Runner:
    """One program; `asked` remembers a SIGTERM that came before the program existed."""

    def __init__(self, folder: Path, lock_fd: int) -> None:
        self.folder = folder
        self.lock_fd = lock_fd
        self.child: subprocess.Popen[bytes] | None = None
        self.asked = False

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self.child is not None:
            self.child.terminate()

    def run(self) -> int:
        command = json.loads((self.folder / "command.json").read_bytes())
        give_way(str(command["nice"]))
        try:
            self.child = subprocess.Popen(
                command["argv"],
                env=command["env"],
                cwd=command["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[self.lock_fd],
            )
        except OSError as error:
            (self.folder / "log.txt").open("a").write(f"cannot start {command['argv'][0]}: {error}\n")
            return 127
        if self.asked:
            self.child.terminate()
        assert self.child.stdout is not None
        copier = threading.Thread(target=copy_log, args=(self.child.stdout, self.folder), daemon=True)
        copier.start()
        code = self.child.wait()
        copier.join(LAST_WORDS_SECONDS)
        return code


def main(folder: Path, lock_fd: int) -> None:
    runner = Runner(folder, lock_fd)
    signal.signal(signal.SIGTERM, runner.terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Written first: whoever finds the lock held can then always find whom to signal.
    write_json(folder / "process.json", {"pid": os.getpid(), "started_at": time.time()})
    code = runner.run()
    write_json(folder / "exit.json", {"code": code, "ended_at": time.time()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
