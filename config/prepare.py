"""`python3.11 config/prepare.py [--no-frontend]`: the environment on a fresh machine, with visible progress.

Virtual environment, pinned Python packages, pinned npm packages, built pages. Each part is skipped when
nothing it depends on has changed: a stamp keeps the hash of what it was made from. Standard library only,
because it runs before anything is installed, with the system's Python.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
FRONTEND = ROOT / "frontend"
DISK_BYTES = 5 << 30
NODE = (20, 19)  # as package.json says; what Vite needs
SOURCES = (
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-frontend", action="store_true", help="Python packages only")
    parser.add_argument("--no-build", action="store_true", help="install npm packages, build no pages")
    options = parser.parse_args()
    steps = os.environ.get("STEPS", "3" if not options.no_frontend else "1")
    chains = [[(f"[1/{steps}] Python packages", python_packages)]]
    if not options.no_frontend and (FRONTEND / "package.json").exists():
        chains.append([(f"[2/{steps}] npm packages", npm_packages)])
        if not options.no_build:
            chains[1].append((f"[3/{steps}] Pages", pages))
    check_tools(node=len(chains) > 1)
    # pip keeps one core busy, npm and Vite another: beside each other they take the longer one's time.
    with ThreadPoolExecutor(len(chains)) as beside:
        for chain in [beside.submit(follow, chain) for chain in chains]:
            chain.result()
    return 0


def follow(chain: list[tuple[str, Callable[[], bool]]]) -> None:
    """Do these parts one after the other, and say how long each took."""
    for label, part in chain:
        began = time.monotonic()
        say(f"{label} …")
        changed = part()
        say(f"{label}: {f'{time.monotonic() - began:.1f} s' if changed else 'up to date'}")


def say(line: str) -> None:
    """One line, in one piece: two chains write."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def check_tools(*, node: bool) -> None:
    """Stop with one line when a tool, or room on the disk, is missing."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        stop(
            f"Python 3.11 is needed, this is {sys.version.split()[0]}: run `make PYTHON=/path/to/python3.11 …`"
        )
    if not (VENV / "bin" / "python").exists():
        try:
            import ensurepip  # noqa: F401
            import venv  # noqa: F401
        except ImportError:
            stop("Python's venv module is missing: install it (Debian: apt-get install python3-venv)")
        free = shutil.disk_usage(ROOT).free
        if free < DISK_BYTES:
            stop(
                f"only {free >> 20} MB are free at {ROOT}: {DISK_BYTES >> 20} MB are needed for the first set-up"
            )
    if not node:
        return
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            stop(
                f"{tool} is missing: install Node.js {NODE[0]}.{NODE[1]} or newer (Debian: apt-get install nodejs npm)"
            )
    version = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < NODE:
        stop(
            f"Node.js {NODE[0]}.{NODE[1]} or newer is needed, this is {version or 'unknown'}: "
            "install a newer one (nodejs.org) and put it first on PATH"
        )


def stop(line: str) -> None:
    print(line, file=sys.stderr)
    sys.exit(1)


def digest(paths: Iterable[Path], *extra: str) -> str:
    """A hash of the contents of files and folders, and of `extra`."""
    found = hashlib.sha256("\0".join(extra).encode())
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.exists():
                found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def run(words: list[str], folder: Path = ROOT) -> None:
    """Run a command; its output is indented and kept short; stop with its last lines if it fails."""
    child = subprocess.Popen(
        words, cwd=folder, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert child.stdout is not None
    last: list[str] = []
    for line in child.stdout:
        last = [*last[-40:], line.rstrip()]
        word = line.split(" ", 1)[0]
        if word in {"Collecting", "Downloading", "Installing", "Building", "added", "vite", "dist/"}:
            say(f"    {line.strip()[:100]}")
    if child.wait() != 0:
        print("\n".join(last), file=sys.stderr)
        stop(f"`{' '.join(words[-3:])}` failed: its last lines are above")


def python_packages() -> bool:
    """The virtual environment with requirements.txt and requirements/dev.txt; True if anything was done."""
    stamp = VENV / "made-from"
    files = [ROOT / "requirements.txt", ROOT / "requirements"]
    wanted = digest(files, sys.version.split()[0])
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    if not (VENV / "bin" / "pip").exists():
        run([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # Python compiles what it imports, a fraction of these packages: to compile them all takes longer than the rest.
    run([*pip, "--no-compile", "--progress-bar", "off", "-r", "requirements/dev.txt"])
    stamp.write_text(wanted)
    return True


def npm_packages() -> bool:
    """node_modules as package-lock.json says; True if anything was done."""
    stamp = FRONTEND / "node_modules" / ".made-from"
    wanted = digest([FRONTEND / "package.json", FRONTEND / "package-lock.json"])
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], FRONTEND)
    stamp.write_text(wanted)
    return True


def pages() -> bool:
    """frontend/dist from the sources; True if anything was done."""
    stamp = FRONTEND / "node_modules" / ".pages-made-from"
    wanted = digest([FRONTEND / name for name in SOURCES])
    if stamp.exists() and stamp.read_text() == wanted and (FRONTEND / "dist" / "index.html").exists():
        return False
    run(["npm", "run", "build"], FRONTEND)
    stamp.write_text(wanted)
    return True


if __name__ == "__main__":
    sys.exit(main())
