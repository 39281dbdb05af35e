"""Speed and memory of ``manage.py import_tickets``, beside what a bare load of the same file costs.

    python -m benchmarks.ingest [--rows 10000 100000] [--rounds 3] [--json OUT]

The file holds demo tickets (English and French, with personal data, services, dates, channels). Each round, in a
scratch installation whose tables were emptied: the real command in a process of its own, which checks, masks, hashes,
groups, labels and writes every row; then the same rows by plain psycopg2 (csv module, COPY into a table of these
columns with indexes, nothing checked); then by plain Django (csv module, bulk_create, nothing checked). All three meet
what else the machine does. Memory is the peak of the command's process; growth is from the smallest file to the
largest.
"""

from __future__ import annotations

import csv
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import report, scratch

MOST_SECONDS = 60.0
MOST_GROWTH_MB = 50.0
OPTIONS = (
    *("--external-id-column=external_id", "--received-at-column=received_at", "--channel-column=channel"),
    *("--language-column=language", "--label-column=service", "--service-from-labels"),
)
PROGRAM = """
import atexit, runpy, sys
def peak():
    lines = open("/proc/self/status").read().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(peak)
sys.argv[0] = "manage.py"
sys.path.insert(0, "")
runpy.run_path("manage.py", run_name="__main__")
"""
FLOOR_COLUMNS = ("external_id", "text", "channel", "language", "received_at", "service")
FLOOR_TABLE = """
DROP TABLE IF EXISTS bench_tickets;
CREATE TABLE bench_tickets (id bigserial PRIMARY KEY, external_id varchar(200) UNIQUE, text text, channel varchar(32),
    language varchar(8), received_at timestamptz, service varchar(64));
CREATE INDEX ON bench_tickets (md5(text)); CREATE INDEX ON bench_tickets (received_at, id);
CREATE INDEX ON bench_tickets (service, id)"""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sizes = sorted(asked.rows)
    with scratch.house(), tempfile.TemporaryDirectory(prefix="aiguilleur-bench-ingest-") as folder:
        files = write_files(sizes, Path(folder))
        rows = [measure(count, path, asked.rounds) for count, path in files.items()]
    first, last = rows[0], rows[-1]
    growth = round(last["peak MB"] - first["peak MB"], 1)
    targets = [report.at_most(f"{last['rows']:,} rows, s, median round", last["seconds"], MOST_SECONDS)]
    if len(rows) > 1:
        name = f"memory growth {first['rows']:,} -> {last['rows']:,} rows, MB"
        targets.append(report.at_most(name, growth, MOST_GROWTH_MB))
    return report.publish(asked, "Import of a CSV file by manage.py import_tickets", rows, targets)


def write_files(sizes: list[int], folder: Path) -> dict[int, Path]:
    """Files of the first so many demo tickets."""
    from annotation.demo.corpus import generate
    from annotation.demo.writer import write_csv

    drawn = generate(max(sizes) + max(sizes) // 100, 7)
    tickets = [
        ticket for ticket in drawn if ticket.text.strip()
    ]  # an import refuses a text that came out empty
    files = {count: folder / f"tickets-{count}.csv" for count in sizes}
    for count, path in files.items():
        write_csv(islice(tickets, count), path)
    return files


def measure(count: int, path: Path, rounds: int) -> dict[str, Any]:
    """Import the file and load it both plain ways, so many rounds."""
    ours: list[float] = []
    cpu: list[float] = []
    peaks: list[float] = []
    copies: list[float] = []
    plain: list[float] = []
    for _ in range(rounds):
        empty()
        seconds, busy, peak = import_file(path, *OPTIONS)
        check(count)
        ours.append(seconds)
        cpu.append(busy)
        peaks.append(peak)
        copies.append(timed(lambda: copy(path)))
        empty()
        plain.append(timed(lambda: bulk(path)))
        check(count)
    middle = statistics.median(ours)
    return {
        "rows": count,
        "seconds": round(middle, 2),
        "slowest s": round(max(ours), 2),
        "cpu s": round(statistics.median(cpu), 2),
        "rows/s": round(count / middle),
        "peak MB": round(max(peaks), 1),
        "COPY s": round(statistics.median(copies), 2),
        "times COPY (least-most)": spread(ours, copies),
        "bulk_create s": round(statistics.median(plain), 2),
        "times bulk_create (least-most)": spread(ours, plain),
    }


def spread(ours: list[float], others: list[float]) -> str:
    """Median of the rounds' ratios, with the least and the most."""
    ratios = sorted(mine / other for mine, other in zip(ours, others, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def empty() -> None:
    """No tickets and nothing that hangs on them; services stay."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE annotation_ticket CASCADE")
        cursor.execute("CHECKPOINT")


def check(count: int) -> None:
    """Nothing may be measured that did not write every row."""
    from annotation.models import Ticket

    found = Ticket.objects.count()
    if found != count:
        raise RuntimeError(f"{found} tickets after an import of {count} rows")


def import_file(path: Path, *options: str) -> tuple[float, float, float]:
    """Run the command in a process of its own: seconds, its processor seconds, its peak resident memory in MB.

    Python's and Django's start is included. The process reads its own peak: the one that the kernel reports for a
    child starts from its parent's.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [sys.executable, "-c", PROGRAM, "import_tickets", str(path), *options]
    done = subprocess.run(command, cwd=scratch.ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"import_tickets failed: {done.stderr[-2000:]}")
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy, int(done.stderr.splitlines()[-1]) / 1024


def records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def copy(path: Path) -> None:
    """The floor: read by the csv module, written by one COPY."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FLOOR_TABLE)
        rows = records(path)
        columns = ", ".join(FLOOR_COLUMNS)
        while batch := list(islice(rows, 2000)):
            buffer = io.StringIO()
            writer = csv.writer(buffer)
            writer.writerows([[row[name] for name in FLOOR_COLUMNS] for row in batch])
            buffer.seek(0)
            cursor.copy_expert(f"COPY bench_tickets ({columns}) FROM STDIN WITH (FORMAT csv)", buffer)


def bulk(path: Path) -> None:
    """What one writes at first: csv and bulk_create into the real table; no mask, no hash but a stand-in, no labels."""
    from django.utils import timezone

    from annotation.models import Ticket

    rows = enumerate(records(path))
    while batch := list(islice(rows, 2000)):
        Ticket.objects.bulk_create(
            Ticket(
                external_id=row["external_id"],
                text=row["text"],
                text_hash=str(place),
                group=str(place),
                audit_rank=place,
                channel=row["channel"],
                language=row["language"],
                received_at=timezone.make_aware(datetime.fromisoformat(row["received_at"])),
            )
            for place, row in batch
        )


if __name__ == "__main__":
    sys.exit(main())
