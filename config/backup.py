"""`make backup` and `make restore FILE=…`: one tar with everything an installation cannot make again.

In it: the database (pg_dump, custom format), model artifacts, snapshots, uploads, the secrets, and a
manifest. Not in it: the queue and running jobs, which are driven again from the database's rows.
Artifacts kept in S3 stay there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from config.embedded.locations import ConfigurationError, database_url, home_dir
from config.embedded.owner import make_home, owner_pid, start_in_background, stop_all
from config.embedded.postgres import binary

FORMAT = 1
FOLDERS = ("artifacts", "snapshots", "uploads")
FILES = ("secret_key", "audit_salt", "kind")
HAS_TABLES = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'public' LIMIT 1"
ADDRESS_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND (column_name LIKE '%uri' OR column_name = 'path')
AND data_type IN ('character varying', 'text')
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.backup", description=__doc__)
    parser.add_argument("action", choices=["save", "restore"])
    parser.add_argument("file", nargs="?", type=Path)
    options = parser.parse_args()
    home = home_dir()
    try:
        if options.action == "save":
            target = options.file or Path("backups") / f"aiguilleur-{time.strftime('%Y%m%d-%H%M%S')}.tar"
            save(home, target)
            print(f"saved {target} ({target.stat().st_size >> 10} KB); it holds the secrets: keep it safe")
        elif options.file is None:
            raise ConfigurationError("say which backup: make restore FILE=backups/aiguilleur-….tar")
        else:
            restore(home, options.file)
            print(f"restored {options.file} into {home}")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


@contextmanager
def database(home: Path) -> Iterator[str]:
    """The URL of a running database: the embedded one is started for the time needed if it is not running."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    ours = owner_pid(home) is None
    start_in_background(home)
    try:
        yield database_url(home)
    finally:
        if ours:
            stop_all(home)


def save(home: Path, target: Path) -> None:
    """Write the backup `target` (mode 0600); it appears under its name only when it is whole."""
    if not os.environ.get("DATABASE_URL") and not (home / "pg" / "PG_VERSION").exists():
        raise ConfigurationError(f"nothing to save: {home} holds no data")
    target.parent.mkdir(parents=True, exist_ok=True)
    with database(home) as url, tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        dump = Path(folder) / "database.dump"
        tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", url)
        manifest = Path(folder) / "manifest.json"
        manifest.write_text(
            json.dumps({"format": FORMAT, "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                        "home": str(home)}, indent=1)
        )  # fmt: skip
        part = Path(folder) / "whole.tar"
        part.touch(mode=0o600)
        with tarfile.open(part, "w") as tar:
            tar.add(manifest, "manifest.json")
            tar.add(dump, "database.dump")
            for name in (*FOLDERS, *FILES):
                if (home / name).exists():
                    tar.add(home / name, f"home/{name}")
        part.replace(target)


def restore(home: Path, source: Path) -> None:
    """Put `source` into an installation that holds nothing and does not run; all of it or an error."""
    if not source.is_file():
        raise ConfigurationError(f"{source} does not exist")
    if owner_pid(home) is not None:
        raise ConfigurationError("stop the installation first: Ctrl-C in its terminal, or `make stop`")
    make_home(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as name:
        folder = Path(name)
        manifest = unpack(source, folder)
        with database(home) as url:
            check_empty(url)
            # The extension is there already, and only a superuser could comment on it.
            listing = tool("pg_restore", "--list", str(folder / "database.dump"))
            wanted = folder / "wanted"
            wanted.write_text("\n".join(line for line in listing.splitlines() if " EXTENSION " not in line))
            tool("pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
                 f"--use-list={wanted}", f"--dbname={url}", str(folder / "database.dump"))  # fmt: skip
            move_addresses(url, manifest["home"], str(home))
        for path in (folder / "home").iterdir() if (folder / "home").exists() else []:
            target = home / path.name
            if target.is_dir():
                shutil.rmtree(target)
            path.replace(target)
    for secret in ("secret_key", "audit_salt"):
        if (home / secret).exists():
            (home / secret).chmod(0o600)


def unpack(source: Path, folder: Path) -> dict[str, str]:
    """Unpack into `folder`, refusing anything that would land outside; returns the manifest."""
    try:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
        manifest: dict[str, str] = json.loads((folder / "manifest.json").read_text())
        if manifest["format"] != FORMAT or not (folder / "database.dump").exists():
            raise KeyError("format")
    except (tarfile.TarError, OSError, ValueError, KeyError, EOFError) as error:
        raise ConfigurationError(f"{source} is not a whole backup of Aiguilleur: {error}") from None
    return manifest


def check_empty(url: str) -> None:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(HAS_TABLES)
            if cursor.fetchone():
                raise ConfigurationError(
                    "this installation holds data already: `make backup`, then `make reset`, then restore again "
                    "(or set AIGUILLEUR_HOME to another folder)"
                )
    finally:
        connection.close()


def move_addresses(url: str, old_home: str, new_home: str) -> None:
    """Rows name files by absolute address; let them follow when the data folder has moved."""
    if old_home == new_home:
        return
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(ADDRESS_COLUMNS)
            for table, column in cursor.fetchall():
                for old, new in (
                    (f"file://{old_home}/", f"file://{new_home}/"),
                    (f"{old_home}/", f"{new_home}/"),
                ):
                    cursor.execute(
                        f'UPDATE "{table}" SET "{column}" = %s || substr("{column}", %s) '  # noqa: S608 - own names
                        f'WHERE starts_with("{column}", %s)',
                        [new, len(old) + 1, old],
                    )
    finally:
        connection.close()


def tool(name: str, *arguments: str) -> str:
    """Run a PostgreSQL client program; its last line is the error's."""
    done = subprocess.run([str(binary(name)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise ConfigurationError(f"{name} failed: {lines[0]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
