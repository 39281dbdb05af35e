"""`make reset`: wipe the data folder of this installation, after asking."""

import os
import shutil
import sys
from pathlib import Path

from config.embedded.locations import home_dir
from config.run.stop import stop

WORD = "wipe"
OURS = ("pg", "redis", "compute", "artifacts", "snapshots", "uploads", "log", "static")
OUR_FILES = ("secret_key", "audit_salt", "kind", "run.lock", "embedded.lock")


def reset(home: Path) -> int:
    """Remove what this program put into `home`, and the folder if nothing else is in it."""
    if not home.exists():
        print(f"nothing to wipe: {home} does not exist")
        return 0
    if os.environ.get("YES") != "1" and not _agreed(home):
        print("nothing was wiped")
        return 1
    stop(home)
    for name in OURS:
        shutil.rmtree(home / name, ignore_errors=True)
    for name in OUR_FILES:
        (home / name).unlink(missing_ok=True)
    left = [path.name for path in home.iterdir()]
    if not left:
        home.rmdir()
    print(f"wiped {home}" + (f"; left alone, because not ours: {', '.join(left)}" if left else ""))
    if os.environ.get("DATABASE_URL"):
        print("DATABASE_URL is set: that database was not touched")
    return 0


def _agreed(home: Path) -> bool:
    print(f"This wipes every ticket, label, person and model in {home}. There is no way back but a backup.")
    try:
        return input(f"Type {WORD} to go on: ").strip() == WORD
    except EOFError:
        print("(nobody there to ask; YES=1 answers for you)")
        return False


if __name__ == "__main__":
    sys.exit(reset(home_dir()))
