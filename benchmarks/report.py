"""What every benchmark prints and writes: rows of figures, and targets that were met or not.

parser = report.parser(__doc__)
...
report.publish(asked, "What was measured", rows, [report.at_most("p95 of a claim, ms", 12.3, 20)])
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.machine import cpu_flags, cpu_name

PACKAGES = (
    "Django",
    "psycopg2-binary",
    "celery",
    "numpy",
    "scikit-learn",
    "torch",
    "transformers",
    "sentence-transformers",
    "onnxruntime",
    "fastapi",
    "modAL-python",
    "small-text",
    "scikit-activeml",
    "pyod",
)

Row = Mapping[str, Any]


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with ``--json OUT``; ``about`` is the module's docstring."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, default=None, metavar="OUT", help="also write the figures here")
    made.add_argument(
        "--note", default="", help="kept beside the figures: what else the machine did, and the like"
    )
    return made


def at_most(name: str, value: float, limit: float) -> dict[str, Any]:
    """A target that is met up to and with ``limit``."""
    return {"name": name, "value": value, "target": f"<= {limit:g}", "met": bool(value <= limit)}


def at_least(name: str, value: float, limit: float) -> dict[str, Any]:
    """A target that is met from ``limit`` on."""
    return {"name": name, "value": value, "target": f">= {limit:g}", "met": bool(value >= limit)}


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies (nearest rank). ValueError for no values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def versions() -> dict[str, str]:
    """The versions that bear on a figure; a package that is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What the figures were measured on; ``load`` is the one-minute load average at this moment, ``cpu_flags`` which
    instructions the processor has of those that bear on a model's speed (int8 wants ``avx512_vnni``).
    """
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "cpu": cpu_name(),
        "cpu_flags": cpu_flags(),
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def publish(
    asked: argparse.Namespace, title: str, rows: Sequence[Row], targets: Sequence[dict[str, Any]] = ()
) -> int:
    """Print tables, write ``asked.json`` if one was asked for; the exit status is 1 when a target was missed."""
    print(f"\n{title}\n{table(rows)}")
    if targets:
        shown = [{**one, "met": "yes" if one["met"] else "NO"} for one in targets]
        print(f"\n{table(shown)}")
    if asked.json:
        found = {
            "title": title,
            "versions": versions(),
            "machine": machine() | ({"note": asked.note} if asked.note else {}),
            "rows": list(rows),
            "targets": list(targets),
        }
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"\nwritten to {asked.json}", file=sys.stderr)
    return 0 if all(one["met"] for one in targets) else 1


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned columns; the columns are all names in the order they first come."""
    if not rows:
        return "(nothing)"
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names] + [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
