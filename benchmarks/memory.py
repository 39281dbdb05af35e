"""Memory of each process of a running installation, and who of them has loaded torch.

    python -m benchmarks.memory [--home FOLDER] [--json OUT]

RSS counts shared pages in every process; PSS divides them among those who share them, so PSS adds up. At rest means:
nothing is being embedded, trained or labelled; the command looks, it does not make the installation rest. Start it as
the user who runs the installation, or as root. FOLDER is its AIGUILLEUR_HOME (default: var beside the code).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks import report
from config.embedded import lock
from config.embedded.owner import servers_needed

MB = 1024 * 1024
PROGRAMS = {
    "supervisor": "compute.supervisor",
    "serve (a model kept warm)": "-m ml serve",
    "train": "-m ml train",
    "web": "gunicorn",
    "general worker": "worker@",
    "learner worker": "learner@",
    "beat": "config.celery beat",
    "owner of the servers": "config.embedded",
    "process manager": "config.run",
}
WITHOUT_TORCH = ("web", "general worker", "beat")


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--home", type=Path, default=Path("var"), help="AIGUILLEUR_HOME of the installation")
    asked = parser.parse_args()
    home = asked.home.resolve()
    manager = lock.holder(home / "run.lock")
    if manager is None:
        sys.exit(f"no installation runs in {home}: start one with `make demo` or `make up`, or give --home")
    groups: dict[str, list[psutil.Process]] = {}
    servers = {server.name: server.running() for server in servers_needed(home)}
    roots = {first: name for name, first in servers.items() if first is not None}
    _sort(psutil.Process(manager), "process manager", roots, groups)
    for first, name in roots.items():
        groups[name] = [first, *first.children(recursive=True)]
    rows = [_row(name, groups[name]) for name in sorted(groups)]
    rows.append({"program": "all"} | {key: sum(r[key] for r in rows) for key in ("processes", "PSS MB")})
    loaded = {row["program"]: row.get("torch") == "yes" for row in rows}
    targets = [report.at_most(f"torch in {name}", int(loaded.get(name, False)), 0) for name in WITHOUT_TORCH]
    return report.publish(asked, "Memory of a running installation", rows, targets)


def _sort(
    process: psutil.Process,
    parent: str,
    apart: dict[psutil.Process, str],
    groups: dict[str, list[psutil.Process]],
) -> None:
    """Put a process and those below it under their programs' names; a nameless one belongs to its parent."""
    try:
        said, below = " ".join(process.cmdline()), process.children()
    except psutil.NoSuchProcess:
        return
    name = next((name for name, mark in PROGRAMS.items() if mark in said), parent)
    groups.setdefault(name, []).append(process)
    for child in below:
        if child not in apart:
            _sort(child, name, apart, groups)


def _row(name: str, processes: list[psutil.Process]) -> dict[str, Any]:
    read = list(_read(processes))
    return {
        "program": name,
        "processes": len(read),
        "RSS MB": round(sum(rss for rss, _, _ in read) / MB),
        "PSS MB": round(sum(pss for _, pss, _ in read) / MB),
        "torch": "yes" if any(torch for _, _, torch in read) else "no",
    }


def _read(processes: list[psutil.Process]) -> Iterator[tuple[int, int, bool]]:
    """(RSS, PSS, whether torch is loaded) of those that still run."""
    for process in processes:
        try:
            memory = process.memory_full_info()
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except psutil.NoSuchProcess:
            continue
        except (psutil.AccessDenied, PermissionError):
            sys.exit(f"may not read process {process.pid}: run as its user, or as root")
        yield memory.rss, memory.pss, "libtorch" in maps


if __name__ == "__main__":
    sys.exit(main())
