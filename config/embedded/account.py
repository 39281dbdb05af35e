"""The account PostgreSQL runs as, and files it can reach.

PostgreSQL refuses to run as root. Started by root it therefore runs as the account that owns the data
folder already, or as `nobody`; an ordinary user simply runs it.
"""

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.locations import ConfigurationError


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL; `switch` is true when that is not the account of this process."""

    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """Keyword arguments of subprocess that make a child run as this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hand `path` (not what is below it) to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account:
    """The account for the data folder `data`, which may not exist yet."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid, switch=True)
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def make_private_dir(path: Path, account: Account) -> None:
    """Create the folder `path` (mode 0700, owned by `account`), or check that it is just that.

    Raises ConfigurationError if somebody else made it first: /tmp is open to every user of the machine.
    """
    try:
        path.mkdir(mode=0o700)
        account.own(path)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {account.uid, os.geteuid()}:
            raise ConfigurationError(
                f"{path} belongs to another user; remove it, or choose another AIGUILLEUR_HOME"
            ) from None
        path.chmod(0o700)
        account.own(path)


def open_the_way(target: Path, account: Account) -> None:
    """Let `account` pass through the folders above `target` (adds x for others where it is missing).

    Only needed when root runs PostgreSQL out of a folder closed to others, such as /root; says so.
    """
    if not account.switch:
        return
    for folder in target.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH and folder.stat().st_uid != account.uid:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            print(f"PostgreSQL may not run as root: {folder} was made passable (o+x)", file=sys.stderr)
